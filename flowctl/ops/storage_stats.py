"""Statistics of a file: what takes how much room, runs by state, and growth."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from flowctl.db import maintenance
from flowctl.db.columns import encode_time
from flowctl.db.database import Tx
from flowctl.db.maintenance import Room
from flowctl.db.queries import storage
from flowctl.db.queries.storage import Day, TableSize

DAYS = 7
"""Whole days that growth is judged by."""

_GROWING = {
    "flow_run": "flow_runs",
    "flow_run_state": "flow_runs",
    "flow_run_input": "flow_runs",
    "task_run": "task_runs",
    "task_run_state": "task_runs",
    "log": "log_lines",
}
"""Table -> what it grows with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stats:
    """What is in a file.

    days    what began on each of the last DAYS days, today aside
    growth  bytes a day, by them; events are left out, as they go after a week
    """

    room: Room
    tables: list[TableSize]
    states: dict[str, int]
    days: list[Day]
    growth: int


def read(tx: Tx) -> Stats:
    """Read everything; the whole file is looked at."""
    tables = storage.table_sizes(tx)
    days = storage.days(tx, _day(tx, DAYS), _day(tx, 1))
    return Stats(
        room=maintenance.room(tx),
        tables=tables,
        states=storage.runs_by_state(tx),
        days=days,
        growth=_growth(tables, days),
    )


def _growth(tables: list[TableSize], days: list[Day]) -> int:
    rows = {table.name: table.rows for table in tables}
    totals = {
        "flow_runs": rows.get("flow_run", 0),
        "task_runs": rows.get("task_run", 0),
        "log_lines": rows.get("log", 0),
    }
    growth = 0.0
    for table in tables:
        unit = _GROWING.get(table.name)
        if unit and totals[unit]:
            growth += table.size / totals[unit] * sum(getattr(day, unit) for day in days) / DAYS
    return round(growth)


def _day(tx: Tx, ago: int) -> str:
    return encode_time(tx.now - timedelta(days=ago))[:10]
