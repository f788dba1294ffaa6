"""Serves a flow with a schedule of every ten seconds, and one that sleeps longer than any test."""

from __future__ import annotations

import os
import time
from pathlib import Path

from prefect import flow, serve


@flow
def beats() -> None:
    """Do nothing."""


@flow
def naps(pids: str) -> None:
    """Tell who sleeps, and sleep."""
    Path(pids).write_text(str(os.getpid()))
    time.sleep(600)


if __name__ == "__main__":
    serve(beats.to_deployment("scheduled", interval=10), naps.to_deployment("scheduled"))
