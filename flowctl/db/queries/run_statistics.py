"""What statistics count of each run, read row by row: nothing is sorted, and no object is made of a whole row."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from flowctl.db.columns import encode_time
from flowctl.db.database import Tx
from flowctl.domain.run_statistics import RunFact

_STARTED = "coalesce(flow_run.start_time, flow_run.expected_start_time)"

_FLOW_RUNS = f"""
    SELECT flow_run.flow_id, flow_run.state_type, flow_run.run_count, flow_run.total_run_time, {_STARTED}
    FROM flow_run
    WHERE {_STARTED} >= ? AND {_STARTED} < ?
"""  # ix_flow_run__start, or ix_flow_run__flow where flows are named

_TASK_RUNS = """
    SELECT task_run.task_key, task_run.state_type, task_run.run_count, task_run.total_run_time,
        coalesce(task_run.start_time, task_run.expected_start_time)
    FROM task_run
    WHERE task_run.expected_start_time >= ? AND task_run.expected_start_time < ?
"""  # ix_task_run__expected, or the index of (flow_run_id, task_key) where runs are named


def flow_run_facts(tx: Tx, since: datetime, until: datetime, flow_ids: Sequence[str] | None) -> Iterator[RunFact]:
    """The flow runs that started (or were due) in a span of time."""
    condition = "" if flow_ids is None else f" AND flow_run.flow_id IN ({_marks(flow_ids)})"
    parameters = (encode_time(since), encode_time(until), *(flow_ids or ()))
    return (RunFact(*row) for row in tx.execute(_FLOW_RUNS + condition, parameters))


def task_run_facts(
    tx: Tx,
    since: datetime,
    until: datetime,
    flow_ids: Sequence[str] | None,
    flow_run_ids: Sequence[str] | None,
) -> Iterator[RunFact]:
    """The task runs that were due in a span of time, of some flows, or of some flow runs."""
    sql, parameters = _TASK_RUNS, [encode_time(since), encode_time(until)]
    if flow_run_ids is not None:
        sql += f" AND task_run.flow_run_id IN ({_marks(flow_run_ids)})"
        parameters += flow_run_ids
    if flow_ids is not None:
        runs = f"SELECT 1 FROM flow_run WHERE flow_run.id = task_run.flow_run_id AND flow_id IN ({_marks(flow_ids)})"
        sql += f" AND EXISTS ({runs})"
        parameters += flow_ids
    return (RunFact(*row) for row in tx.execute(sql, parameters))


def flow_names(tx: Tx) -> dict[str, str]:
    """The names of all flows by their ids."""
    return dict(tx.execute("SELECT id, name FROM flow").fetchall())


def _marks(values: Sequence[object]) -> str:
    return ", ".join("?" * len(values))
