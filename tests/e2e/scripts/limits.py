"""What a flow does with limits: holds slots, is refused some, keeps to a rate, and runs tasks one at a time."""

from __future__ import annotations

import json
import threading

from prefect import flow, task
from prefect.concurrency.asyncio import ConcurrencySlotAcquisitionError
from prefect.concurrency.sync import concurrency, rate_limit

inside = 0
most = 0
lock = threading.Lock()


@task(tags=["one-at-a-time"])
def count_neighbours():
    global inside, most
    with lock:
        inside += 1
        most = max(most, inside)
    threading.Event().wait(0.1)
    with lock:
        inside -= 1


def refused(names, **options):
    """The name of the error, or None."""
    try:
        with concurrency(names, **options):
            return None
    except (ConcurrencySlotAcquisitionError, TimeoutError) as error:
        return type(error).__name__


@flow
def keep_to_limits():
    with concurrency("pair", occupy=2):
        crowded = refused("pair", occupy=1, timeout_seconds=0.5)
    found = {
        "crowded": crowded,
        "free again": refused("pair", occupy=2, timeout_seconds=30),
        "too many": refused("pair", occupy=3),
        "unknown": refused("nobody-knows"),
        "unknown, strictly": refused("nobody-knows", strict=True),
    }
    for _ in range(4):
        rate_limit("quick")
    for running in [count_neighbours.submit() for _ in range(3)]:
        running.wait()
    print(json.dumps({**found, "at a time": most}))


if __name__ == "__main__":
    keep_to_limits()
