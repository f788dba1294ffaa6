"""What the tables flow_run and task_run have in common: run times as of now."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from flowctl.db.columns import decode_time
from flowctl.domain.states import TERMINAL

_TERMINAL = frozenset(str(type) for type in TERMINAL)


def derive_run_times(row: Mapping[str, Any], now: datetime) -> dict[str, object]:
    """`estimated_run_time` and `estimated_start_time_delta` in seconds (Prefect: the hybrid properties of a run).

    While a run is RUNNING its present state's time counts too.  The delta is how late the run started; of one that has
    not started, how late it is by now; and 0 for one that ended without starting.
    """
    run_time = row["total_run_time"] or 0.0
    if row["state_type"] == "RUNNING" and row["state_timestamp"]:
        run_time += _seconds_since(row["state_timestamp"], now)
    delta = 0.0
    start, expected = row["start_time"], row["expected_start_time"]
    if expected and start:
        if start > expected:
            delta = (decode_time(start) - decode_time(expected)).total_seconds()
    elif expected and row["state_type"] not in _TERMINAL:
        delta = _seconds_since(expected, now)
    return {"estimated_run_time": run_time, "estimated_start_time_delta": delta}


def _seconds_since(stored: str, now: datetime) -> float:
    """Seconds since a stored time, 0 before it.

    A transaction that answers what it has just written does so a moment later, though it has one instant only: Prefect
    reads the clock again and answers more than 0.
    """
    seconds = (now - decode_time(stored)).total_seconds()
    return max(seconds, 1e-6) if seconds >= 0 else 0.0
