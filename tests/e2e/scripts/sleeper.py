"""A flow that calls another one, which sleeps; the run's name is the argument."""

from __future__ import annotations

import sys
import time

from prefect import flow


@flow
def nap() -> None:
    """Sleep longer than any test."""
    time.sleep(600)


@flow(flow_run_name=sys.argv[1])
def sleeper() -> None:
    """Call it."""
    nap()


sleeper()
