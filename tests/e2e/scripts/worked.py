"""Flows for workers; run as a script, it deploys the first of them to a work pool."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

from prefect import flow
from prefect.flow_runs import suspend_flow_run


@flow(log_prints=True)
def hello(name: str = "world") -> None:
    print(f"hello {name} from {os.getcwd()}")


@flow
def suspends(notes: str) -> None:
    with Path(notes).open("a") as file:
        file.write(f"{os.getpid()} ")
    suspend_flow_run(timeout=300, key="once")


@flow
def waits(pids: str) -> None:
    Path(pids).write_text(str(os.getpid()))
    time.sleep(600)


if __name__ == "__main__":
    folder = Path(__file__).parent
    flow.from_source(source=str(folder), entrypoint="worked.py:hello").deploy(
        name="by-code", work_pool_name=sys.argv[1], parameters={"name": "code"}
    )
