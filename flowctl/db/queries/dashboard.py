"""Small answers for overviews: counts by flow, by run and by state, points of charts, next runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from flowctl.db import where
from flowctl.db.clauses import within
from flowctl.db.columns import FLOAT, TEXT, TIME, UUID_, Columns, Joined, Rows, encode_time, enum_of
from flowctl.db.database import Tx
from flowctl.db.queries import lists
from flowctl.db.tables.runs import derive_run_times
from flowctl.domain.criteria import Criteria
from flowctl.domain.filters import criteria as criteria_of
from flowctl.domain.flow_run_filters import FlowRunSort
from flowctl.domain.run_history import SimpleFlowRun, SimpleNextFlowRun
from flowctl.domain.states import StateType


def _point(row: Mapping[str, Any], now: datetime) -> dict[str, object]:
    times = derive_run_times(row, now)
    return {"duration": times["estimated_run_time"], "lateness": times["estimated_start_time_delta"]}


_POINT = Columns(
    SimpleFlowRun,
    table="flow_run",
    derive=_point,
    extra={"start_time": TIME, "expected_start_time": TIME, "total_run_time": FLOAT, "state_timestamp": TIME},
    id=UUID_,
    state_type=enum_of(StateType),
    timestamp=Joined(where.FLOW_RUN_START, TIME),
)

_NEXT_RUN = Columns(
    SimpleNextFlowRun,
    table="flow_run",
    id=UUID_,
    flow_id=UUID_,
    name=TEXT,
    state_name=TEXT,
    state_type=enum_of(StateType),
    next_scheduled_start_time=TIME,
)


_IN_STATE_INDEX = {"state", "expected_start_time", "start_time"}
"""The filters that ix_task_run__state answers without the table."""


@dataclass(frozen=True, slots=True)
class Slice:
    """Ended task runs of one part of a span of time."""

    number: int
    count: int
    failed: int


def flow_run_points(tx: Tx, criteria: Criteria, sort: FlowRunSort, limit: int, offset: int) -> Rows[SimpleFlowRun]:
    """Flow runs as points of a chart."""
    return lists.flow_run_page(tx, _POINT, criteria, sort, limit, offset)


def deployments_by_flow(tx: Tx, flow_ids: Sequence[UUID]) -> dict[UUID, int]:
    """How many deployments each of the flows has; flows without any are left out."""
    condition = within("flow_id", flow_ids)
    sql = f"SELECT flow_id, count(*) FROM deployment WHERE {condition.sql} GROUP BY flow_id"
    return {UUID(id): count for id, count in tx.execute(sql, condition.parameters)}


def task_runs_by_flow_run(tx: Tx, flow_run_ids: Sequence[UUID]) -> dict[UUID, int]:
    """How many task runs each of the flow runs has, parents of subflow runs aside; runs without any are left out."""
    condition = within("flow_run_id", flow_run_ids)
    sql = f"""
        SELECT flow_run_id, count(*) FROM task_run
        WHERE {condition.sql}
            AND NOT EXISTS (SELECT 1 FROM flow_run AS subflow WHERE subflow.parent_task_run_id = task_run.id)
        GROUP BY flow_run_id"""
    return {UUID(id): count for id, count in tx.execute(sql, condition.parameters)}


def next_runs(tx: Tx, flow_ids: Sequence[UUID]) -> dict[UUID, SimpleNextFlowRun]:
    """The scheduled run of each flow that is due first; flows without any are left out."""
    if not flow_ids:
        return {}
    condition = within("flow_run.flow_id", flow_ids)
    scheduled = f"""
        WHERE flow_run.rowid IN (
            SELECT first FROM (
                SELECT flow_run.rowid AS first, min(flow_run.next_scheduled_start_time)
                FROM flow_run INDEXED BY ix_flow_run__scheduled
                WHERE flow_run.state_type = 'SCHEDULED' AND flow_run.next_scheduled_start_time IS NOT NULL
                    AND {condition.sql}
                GROUP BY flow_run.flow_id))"""
    return {run.flow_id: run for run in _NEXT_RUN.rows(tx, scheduled, condition.parameters)}


def task_runs_by_state(tx: Tx, criteria: Criteria) -> dict[str, int]:
    """How many task runs that meet the criteria are in a state of each type."""
    source, sql, parameters = _task_runs(tx, criteria)
    rows = tx.execute(
        f"""
        SELECT task_run.state_type, count(*) FROM {source}
        WHERE task_run.state_type IS NOT NULL AND {sql} GROUP BY 1""",
        parameters,
    )
    return dict(rows.fetchall())


def task_run_slices(tx: Tx, criteria: Criteria, start: datetime, seconds: float) -> list[Slice]:
    """The task runs that meet the criteria, by start in slices of so many seconds from `start` on."""
    source, sql, parameters = _task_runs(tx, criteria)
    rows = tx.execute(
        f"""
        SELECT CAST((julianday(task_run.start_time) - julianday(?)) * 86400 / ? AS INTEGER), count(*),
            sum(task_run.state_type IN ('FAILED', 'CRASHED'))
        FROM {source} WHERE {sql} GROUP BY 1""",
        (encode_time(start), seconds, *parameters),
    )
    return [Slice(*row) for row in rows if row[0] is not None]


def _task_runs(tx: Tx, criteria: Criteria) -> tuple[str, str, Sequence[object]]:
    """Source, condition and its parameters; what is asked for by state and times is in the state index."""
    own = criteria.task_runs
    if not where.asks_for_flow_run(criteria) and (own is None or set(criteria_of(own)) <= _IN_STATE_INDEX):
        condition = where.task_run(own)
        return "task_run INDEXED BY ix_task_run__state", condition.sql, condition.parameters
    path, condition = lists.task_run_search(tx, criteria, None, None)
    found = path.where(condition)
    return path.source, found.sql, found.parameters
