"""What the tables flow_run and task_run have in common: run times as of now."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from flowctl.db.columns import decode_time
from flowctl.domain.states import TERMINAL

_TERMINAL = frozenset(str(type) for type in TERMINAL)


def derive_run_times(row: Mapping[str, Any], now: datetime) -> dict[str, object]:
    """`estimated_run_time` and `estimated_start_time_delta` of a stored row, in seconds."""
    run_time, delta = run_times(
        row["total_run_time"] or 0.0,
        row["state_type"],
        row["state_timestamp"] and decode_time(row["state_timestamp"]),
        row["start_time"] and decode_time(row["start_time"]),
        row["expected_start_time"] and decode_time(row["expected_start_time"]),
        now,
    )
    return {"estimated_run_time": run_time, "estimated_start_time_delta": delta}


def run_times(
    total: float,
    state_type: str | None,
    since: datetime | None,
    start: datetime | None,
    expected: datetime | None,
    now: datetime,
) -> tuple[float, float]:
    """Estimated run time and lateness of the start, in seconds as of `now` (Prefect: the hybrid properties of a run).

    While a run is RUNNING its present state's time counts too (`since`: its timestamp).  The lateness is how late the
    run started; of one that has not started, how late it is by now; and 0 for one that ended without starting.
    """
    if state_type == "RUNNING" and since:
        total += _seconds_since(since, now)
    if expected is None:
        return total, 0.0
    if start:
        return total, max(0.0, (start - expected).total_seconds())
    return total, 0.0 if state_type in _TERMINAL else _seconds_since(expected, now)


def _seconds_since(moment: datetime, now: datetime) -> float:
    """Seconds since a time, 0 before it.

    A transaction that answers what it has just written does so a moment later, though it has one instant only: Prefect
    reads the clock again and answers more than 0.
    """
    seconds = (now - moment).total_seconds()
    return max(seconds, 1e-6) if seconds >= 0 else 0.0
