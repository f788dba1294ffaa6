"""Task runs, many at a time: lists, counts, histories."""

from __future__ import annotations

from flowctl.db.columns import Rows
from flowctl.db.database import Tx
from flowctl.domain.list_queries import TaskRunsCount, TaskRunsHistory, TaskRunsPage, TaskRunsQuery
from flowctl.domain.run_history import HistoryResponse
from flowctl.domain.task_run_responses import TaskRunResponse
from flowctl.domain.task_runs import TaskRun
from flowctl.ops import task_run_lists as ops
from flowctl.ops.pages import Page, size
from flowctl.server.endpoint import Routes

routes = Routes("/task_runs", tag="Task Runs")


@routes.read("POST", "/filter")
def read_task_runs(tx: Tx, body: TaskRunsQuery) -> Rows[TaskRun]:
    """List task runs."""
    return ops.find(tx, body.criteria(), sort=body.sort, limit=size(tx, body.limit), offset=body.offset)


@routes.read("POST", "/paginate")
def paginate_task_runs(tx: Tx, body: TaskRunsPage) -> Page[TaskRunResponse]:
    """Get one page of the task runs, with the number of pages."""
    return ops.paginate(tx, body.criteria(), sort=body.sort, limit=size(tx, body.limit), page=body.page)


@routes.read("POST", "/count")
def count_task_runs(tx: Tx, body: TaskRunsCount) -> int:
    """Count task runs."""
    return ops.count(tx, body.criteria())


@routes.read("POST", "/history")
def task_run_history(tx: Tx, body: TaskRunsHistory) -> list[HistoryResponse]:
    """Count task runs by interval of time and by state."""
    return ops.history(
        tx,
        body.criteria(),
        start=body.history_start,
        end=body.history_end,
        interval_seconds=body.history_interval_seconds,
    )
