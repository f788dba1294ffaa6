"""Task runs, many at a time: lists, counts, histories."""

from __future__ import annotations

from datetime import datetime

from flowctl.db.columns import Rows
from flowctl.db.database import Tx
from flowctl.db.queries import lists, run_history
from flowctl.domain.criteria import Criteria
from flowctl.domain.run_history import HistoryResponse
from flowctl.domain.task_run_filters import TaskRunSort
from flowctl.domain.task_run_responses import TaskRunResponse
from flowctl.domain.task_runs import TaskRun
from flowctl.ops import histories
from flowctl.ops.pages import Page, page_of


def find(tx: Tx, criteria: Criteria, *, sort: TaskRunSort, limit: int, offset: int) -> Rows[TaskRun]:
    """List task runs that match, in the order of `sort`.

    criteria  one filter per resource; an empty one matches all
    source    Prefect: POST /task_runs/filter
    """
    return lists.task_runs(tx, criteria, sort, limit, offset)


def count(tx: Tx, criteria: Criteria) -> int:
    """Count task runs that match."""
    return lists.count_task_runs(tx, criteria)


def paginate(tx: Tx, criteria: Criteria, *, sort: TaskRunSort, limit: int, page: int) -> Page[TaskRunResponse]:
    """One page of the task runs that match, pages counted from 1, and how many there are in all."""
    results = lists.task_run_responses(tx, criteria, sort, limit, (page - 1) * limit)
    return page_of(results, count=count(tx, criteria), limit=limit, page=page)


def history(
    tx: Tx, criteria: Criteria, *, start: datetime, end: datetime, interval_seconds: float
) -> list[HistoryResponse]:
    """Task runs that match, counted by interval of their expected start and by present state; see flow_run_lists."""
    edges = histories.edges(start, end, interval_seconds)
    return histories.responses(edges, run_history.task_runs(tx, criteria, edges))
