"""One flow that does a bit of everything; argument: the name of its run."""

from __future__ import annotations

import sys

from prefect import flow, get_run_logger, tags, task


@task
def add(a: int, b: int) -> int:
    return a + b


@task(log_prints=True)
def shout(word: str) -> str:
    print(f"{word.upper()}!")
    return word


attempts = 0


@task(retries=2, retry_delay_seconds=0)
def fails_once() -> str:
    global attempts
    attempts += 1
    if attempts == 1:
        raise ValueError("not yet")
    return "at last"


@task
def always_fails() -> None:
    raise RuntimeError("as ever")


@flow
def child(n: int) -> int:
    return add(n, n)


@flow(log_prints=True)
def hello(name: str = "world") -> str:
    logger = get_run_logger()
    logger.info("Grüße an %s ☃", name)
    logger.warning("a warning")
    first = add(1, 2)
    with tags("db"):
        futures = [add.submit(first, n) for n in range(3)]
    words = shout.map(["a", "b", "c"])
    assert [future.result() for future in futures] == [3, 4, 5]
    assert words.result() == ["a", "b", "c"]
    assert fails_once() == "at last"
    state = always_fails(return_state=True)
    assert state.is_failed()
    assert child(21) == 42
    print("done")
    return name


if __name__ == "__main__":
    assert hello.with_options(flow_run_name=sys.argv[1])() == "world"
