"""What the pages of Prefect's dashboard ask for beside the lists."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from datetime import timedelta
from uuid import UUID

from flowctl.db.columns import Rows
from flowctl.db.database import Tx
from flowctl.db.queries import dashboard
from flowctl.db.tables import flow_runs, task_runs
from flowctl.domain.criteria import Criteria
from flowctl.domain.errors import Invalid, NotFound
from flowctl.domain.filters import StateTypeAnyFilter
from flowctl.domain.flow_run_filters import FlowRunSort
from flowctl.domain.run_history import CountByState, SimpleFlowRun, SimpleNextFlowRun, TaskRunCount
from flowctl.domain.states import TERMINAL
from flowctl.domain.task_run_filters import TaskRunStateFilter
from flowctl.domain.task_runs import TaskRun

SLICES = 20


@dataclass(slots=True, kw_only=True)
class UITaskRun(TaskRun):
    """A task run with the name of its flow run."""

    flow_run_name: str | None = None


def read_task_run(tx: Tx, id: UUID) -> UITaskRun:
    """A task run with the name of its flow run.  Raises NotFound."""
    run = task_runs.get(tx, id)
    if run is None:
        raise NotFound("Task not found")
    parent = flow_runs.get(tx, run.flow_run_id) if run.flow_run_id else None
    values = {field.name: getattr(run, field.name) for field in fields(run)}
    return UITaskRun(**values, flow_run_name=parent.name if parent else None)


def count_deployments(tx: Tx, flow_ids: Sequence[UUID]) -> dict[UUID, int]:
    """How many deployments each of the flows has."""
    found = dashboard.deployments_by_flow(tx, flow_ids)
    return {id: found.get(id, 0) for id in flow_ids}


def count_task_runs(tx: Tx, flow_run_ids: Sequence[UUID]) -> dict[UUID, int]:
    """How many task runs each of the flow runs has; the ones that stand for subflow runs do not count."""
    found = dashboard.task_runs_by_flow_run(tx, flow_run_ids)
    return {id: found.get(id, 0) for id in flow_run_ids}


def next_runs(tx: Tx, flow_ids: Sequence[UUID]) -> dict[UUID, SimpleNextFlowRun | None]:
    """The scheduled run of each of the flows that is due first, or None."""
    found = dashboard.next_runs(tx, flow_ids)
    return {id: found.get(id) for id in flow_ids}


def flow_run_history(tx: Tx, criteria: Criteria, *, sort: FlowRunSort, limit: int, offset: int) -> Rows[SimpleFlowRun]:
    """Matching flow runs as points of a chart."""
    return dashboard.flow_run_points(tx, criteria, sort, limit, offset)


def count_by_state(tx: Tx, criteria: Criteria) -> CountByState:
    """How many matching task runs are in a state of each type."""
    return CountByState(**dashboard.task_runs_by_state(tx, criteria))


def task_run_counts(tx: Tx, criteria: Criteria) -> list[TaskRunCount]:
    """Matching task runs that have ended, by start in 20 slices of the time asked for.

    The time is `task_runs.start_time`, from the beginning of a minute to the end of one, until now if its end is not
    given.  Raises Invalid if its beginning is not.
    """
    filter = criteria.task_runs
    after = filter.start_time.after_ if filter and filter.start_time else None
    if filter is None or filter.start_time is None or after is None:
        raise Invalid("task_runs.start_time.after_ is required")
    start = after.replace(second=0, microsecond=0)
    end = (filter.start_time.before_ or tx.now).replace(second=59, microsecond=999999)
    ended = TaskRunStateFilter(type=StateTypeAnyFilter(any_=sorted(TERMINAL)))
    criteria = replace(criteria, task_runs=replace(filter, state=ended))
    counts = [TaskRunCount() for _ in range(SLICES)]
    for slice in dashboard.task_run_slices(tx, criteria, start, (end - start) / timedelta(seconds=SLICES)):
        if 0 <= slice.number < SLICES:
            counts[slice.number] = TaskRunCount(completed=slice.count - slice.failed, failed=slice.failed)
    return counts
