"""Flows that end in every way; arguments: which, and the name of its run."""

from __future__ import annotations

import sys
import time

from prefect import flow, task
from prefect.flow_runs import pause_flow_run
from prefect.input import RunInput
from prefect.states import Cancelled, Completed


@task
def boom() -> None:
    raise ValueError("negative row count")


@flow
def failing() -> None:
    boom()


@flow(retries=2, retry_delay_seconds=1)
def retried() -> str:
    from prefect.runtime import flow_run

    if flow_run.run_count < 2:
        raise RuntimeError("again")
    return "good"


@flow(timeout_seconds=0.5)
def slow() -> None:
    time.sleep(5)


@flow
def named_end():
    return Completed(name="Skipped", message="nothing to do")


@flow
def cancels_itself():
    return Cancelled()


class Approval(RunInput):
    approve: bool
    note: str = "-"


@flow
def asks() -> str:
    answer = pause_flow_run(wait_for_input=Approval, timeout=60, poll_interval=1)
    assert answer.approve
    return answer.note


@flow
def waits() -> str:
    pause_flow_run(timeout=60, poll_interval=1)
    return "woken"


@flow
def waits_in_vain() -> None:
    pause_flow_run(timeout=1, poll_interval=1)


@flow
def quick(n: int) -> int:
    return n


if __name__ == "__main__":
    chosen = {f.fn.__name__: f for f in (failing, retried, slow, named_end, cancels_itself, asks, waits, waits_in_vain)}
    state = chosen[sys.argv[1]].with_options(flow_run_name=sys.argv[2])(return_state=True)
    print("STATE", state.type.value, state.name)
    state.result()
