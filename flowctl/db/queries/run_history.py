"""Histories: runs counted by interval of their expected start and by state, with the sums of two durations.

Where criteria match many runs, each state's entries in the state index are summed interval by interval: they lie side
by side there, so nothing is sorted, and for criteria on state and time the table is not read.  A few runs that are
found otherwise are counted here.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from flowctl.db import where
from flowctl.db.clauses import Clause
from flowctl.db.columns import encode_time
from flowctl.db.database import Tx
from flowctl.db.queries import lists, paths
from flowctl.db.queries.paths import Path
from flowctl.domain.criteria import Criteria

_RUN_TIME = """
    CASE state_type WHEN 'RUNNING' THEN
        total_run_time + max(0.0, coalesce((julianday(?) - julianday(state_timestamp)) * 86400, 0.0))
    ELSE max(0.0, total_run_time) END"""

_LATENESS = """
    CASE WHEN start_time > expected_start_time THEN (julianday(start_time) - julianday(expected_start_time)) * 86400
    WHEN start_time IS NULL AND expected_start_time IS NOT NULL
        AND state_type NOT IN ('COMPLETED', 'CANCELLED', 'FAILED', 'CRASHED')
        THEN max(0.0, (julianday(?) - julianday(expected_start_time)) * 86400)
    ELSE 0.0 END"""


@dataclass(slots=True)
class Bucket:
    """The runs of one interval in one state; durations in seconds."""

    interval: int
    state_type: str
    state_name: str
    count: int = 0
    run_time: float = 0.0
    lateness: float = 0.0


def flow_runs(tx: Tx, criteria: Criteria, edges: Sequence[datetime]) -> list[Bucket]:
    """Count flow runs; interval `i` is from `edges[i]`, inclusive, to `edges[i + 1]`, exclusive."""
    condition = where.flow_runs(criteria)
    path = paths.flow_run_path(tx, criteria, condition, "ix_flow_run__expected", paths.FEW)
    return _buckets(tx, "flow_run", path, condition, edges)


def task_runs(tx: Tx, criteria: Criteria, edges: Sequence[datetime]) -> list[Bucket]:
    """Count task runs, as `flow_runs` does."""
    path, condition = lists.task_run_search(tx, criteria, "ix_task_run__expected", paths.FEW)
    return _buckets(tx, "task_run", path, condition, edges)


def average_lateness(tx: Tx, criteria: Criteria) -> float | None:
    """Seconds by which flow runs started late or are late by now, on average; None when none meets the criteria."""
    condition = where.flow_runs(criteria)
    path = paths.flow_run_path(tx, criteria, condition, None, None)
    found = path.where(condition)
    sql = f"SELECT round(avg({_LATENESS}), 3) FROM {path.source} WHERE {found.sql}"
    return tx.scalar(sql, (encode_time(tx.now), *found.parameters))


def _buckets(tx: Tx, table: str, path: Path, condition: Clause, edges: Sequence[datetime]) -> list[Bucket]:
    moments = [encode_time(edge) for edge in edges]
    states = None if path.is_sparse else paths.states_of(tx, table)
    if states is not None:
        return [bucket for state in states for bucket in _summed(tx, table, state, condition, moments)]
    return _counted(tx, table, path, condition, moments)


def _summed(tx: Tx, table: str, state: tuple[str, str], condition: Clause, edges: list[str]) -> Iterator[Bucket]:
    """The buckets of one state, summed by SQLite; empty intervals are jumped over."""
    entries = f"FROM {table} INDEXED BY ix_{table}__state WHERE {table}.state_type = ? AND {table}.state_name = ?"
    span = f"{table}.expected_start_time >= ? AND {table}.expected_start_time < ?"
    first = f"SELECT expected_start_time {entries} AND {span} ORDER BY expected_start_time LIMIT 1"
    totals = f"SELECT count(*), sum({_RUN_TIME}), sum({_LATENESS}) {entries} AND {span} AND {condition.sql}"
    now = encode_time(tx.now)
    interval = 0
    while interval < len(edges) - 1:
        moment = tx.scalar(first, (*state, edges[interval], edges[-1]))
        if moment is None:
            return
        interval = bisect_right(edges, moment) - 1
        parameters = (now, now, *state, edges[interval], edges[interval + 1], *condition.parameters)
        count, run_time, lateness = tx.execute(totals, parameters).fetchone()
        if count:
            yield Bucket(interval, *state, count, run_time, lateness)
        interval += 1


def _counted(tx: Tx, table: str, path: Path, condition: Clause, edges: list[str]) -> list[Bucket]:
    """The buckets of runs that are read one by one."""
    found = path.where(condition)
    sql = f"""
        SELECT {table}.expected_start_time, {table}.state_type, {table}.state_name, {_RUN_TIME}, {_LATENESS}
        FROM {path.source}
        WHERE {table}.expected_start_time >= ? AND {table}.expected_start_time < ?
            AND {table}.state_type IS NOT NULL AND {found.sql}"""
    now = encode_time(tx.now)
    buckets: dict[tuple[int, str, str], Bucket] = {}
    for moment, type, name, run_time, lateness in tx.execute(sql, (now, now, edges[0], edges[-1], *found.parameters)):
        key = (bisect_right(edges, moment) - 1, type, name)
        bucket = buckets.setdefault(key, Bucket(*key))
        bucket.count += 1
        bucket.run_time += run_time
        bucket.lateness += lateness
    return list(buckets.values())
