"""Flows for runners."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

from prefect import flow
from prefect.logging import get_run_logger


@flow(description="Says something.")
def ticks(name: str = "world") -> None:
    get_run_logger().info("logged for %s\nin two lines", name)
    print(f"printed for {name}")
    subprocess.run(["sh", "-c", "echo from a child >&2"], check=True)


@flow
def sleeps(seconds: float = 600, pids: str = "") -> None:
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    Path(pids).write_text(f"{os.getpid()} {child.pid}")
    time.sleep(seconds)
    child.kill()


def _note(flow: object, run: object, state: object) -> None:
    Path(os.environ["NOTES"]).write_text(f"{flow.name} {state.name}")


@flow(on_crashed=[_note])
def dies() -> None:
    print("last words", flush=True)
    os._exit(3)


if __name__ == "__main__":
    sleeps.serve(name="served", limit=5)
