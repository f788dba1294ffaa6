"""Pages and counts of flows, flow runs, task runs and log lines.

A page is found first by its rowids, through the index that `paths` chose, and only then read: what must be sorted is
narrow.  Equal sort values are ordered by rowid, so that pages do not overlap.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

from flowctl.db import where
from flowctl.db.clauses import TRUE, Clause
from flowctl.db.columns import Columns, Rows
from flowctl.db.database import Tx
from flowctl.db.queries import paths
from flowctl.db.queries.paths import Path
from flowctl.db.tables.flow_runs import FLOW_RUN
from flowctl.db.tables.flows import FLOW
from flowctl.db.tables.logs import LOG
from flowctl.db.tables.task_runs import TASK_RUN, TASK_RUN_RESPONSE
from flowctl.domain.criteria import Criteria
from flowctl.domain.filters import Filter, only, required
from flowctl.domain.flow_filters import FlowSort
from flowctl.domain.flow_run_filters import FlowRunFilter, FlowRunSort
from flowctl.domain.flow_runs import FlowRun
from flowctl.domain.flows import Flow
from flowctl.domain.log_filters import LogFilter, LogSort
from flowctl.domain.logs import Log
from flowctl.domain.task_run_filters import TaskRunFilter, TaskRunSort
from flowctl.domain.task_run_responses import TaskRunResponse
from flowctl.domain.task_runs import TaskRun

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Order:
    """A sort order: expression, direction, and the index that has it."""

    expression: str
    direction: str
    index: str | None = None

    def sql(self, table: str, *, indexed: bool) -> str:
        """What to write after ORDER BY; with `indexed` false no index is used for it."""
        return f"{'' if indexed else '+'}{self.expression} {self.direction}, {table}.rowid {self.direction}"


def flow_runs(tx: Tx, criteria: Criteria, sort: FlowRunSort, limit: int, offset: int) -> Rows[FlowRun]:
    """A page of flow runs."""
    return flow_run_page(tx, FLOW_RUN, criteria, sort, limit, offset)


def flow_run_page(
    tx: Tx, columns: Columns[T], criteria: Criteria, sort: FlowRunSort, limit: int, offset: int
) -> Rows[T]:
    """A page of flow runs, of which only some columns are read."""
    order = _FLOW_RUN_ORDERS[sort]
    condition = where.flow_runs(criteria)
    path = paths.flow_run_path(tx, criteria, condition, order.index, limit + offset)
    if sort is FlowRunSort.NEXT_SCHEDULED_START_TIME_ASC:
        return _nulls_first(tx, columns, path, condition, order, limit, offset)
    return page(tx, columns, path, condition, order, limit, offset)


def task_runs(tx: Tx, criteria: Criteria, sort: TaskRunSort, limit: int, offset: int) -> Rows[TaskRun]:
    """A page of task runs."""
    return _task_run_page(tx, TASK_RUN, criteria, sort, limit, offset)


def task_run_responses(tx: Tx, criteria: Criteria, sort: TaskRunSort, limit: int, offset: int) -> Rows[TaskRunResponse]:
    """A page of task runs in their short form."""
    return _task_run_page(tx, TASK_RUN_RESPONSE, criteria, sort, limit, offset)


def _task_run_page(
    tx: Tx, columns: Columns[T], criteria: Criteria, sort: TaskRunSort, limit: int, offset: int
) -> Rows[T]:
    order = _TASK_RUN_ORDERS[sort]
    path, condition = task_run_search(tx, criteria, order.index, limit + offset)
    if sort is TaskRunSort.NEXT_SCHEDULED_START_TIME_ASC:
        return _nulls_first(tx, columns, path, condition, order, limit, offset)
    return page(tx, columns, path, condition, order, limit, offset)


def flows(tx: Tx, criteria: Criteria, sort: FlowSort, limit: int, offset: int) -> Rows[Flow]:
    """A page of flows."""
    condition = _flow_condition(tx, criteria, limit + offset)
    return page(tx, FLOW, Path("flow"), condition, _FLOW_ORDERS[sort], limit, offset)


def logs(tx: Tx, filter: LogFilter | None, sort: LogSort, limit: int, offset: int) -> Rows[Log]:
    """A page of log lines."""
    direction = "ASC" if sort is LogSort.TIMESTAMP_ASC else "DESC"
    path = paths.log_path(filter)
    return page(tx, LOG, path, where.log(filter), Order("log.timestamp", direction), limit, offset)


def page(tx: Tx, columns: Columns[T], path: Path, condition: Clause, order: Order, limit: int, offset: int) -> Rows[T]:
    """The rows that meet a condition, from `offset` on, at most `limit`."""
    table = columns.table
    found = path.where(condition)
    inner = (
        f"SELECT {table}.rowid FROM {path.source} WHERE {found.sql}"
        f" ORDER BY {order.sql(table, indexed=True)} LIMIT ? OFFSET ?"
    )
    return columns.rows(
        tx,
        f"WHERE {table}.rowid IN ({inner}) ORDER BY {order.sql(table, indexed=False)}",
        (*found.parameters, limit, offset),
    )


def _nulls_first(
    tx: Tx, columns: Columns[T], path: Path, condition: Clause, order: Order, limit: int, offset: int
) -> Rows[T]:
    """A page in an order that begins with NULLs and has no index.

    Few rows have a value, so the page is most often full before the first of those: then nothing is sorted.
    """
    if not path.is_sparse:
        unsorted = Order(f"{columns.table}.rowid", "ASC")
        nothing = Clause(f"{order.expression} IS NULL")
        rows = page(tx, columns, Path(f"{columns.table} NOT INDEXED"), condition & nothing, unsorted, limit, offset)
        if len(rows) == limit:
            return rows
    return page(tx, columns, path, condition, order, limit, offset)


def count_flow_runs(tx: Tx, criteria: Criteria) -> int:
    """How many flow runs meet the criteria."""
    condition = where.flow_runs(criteria)
    filter = criteria.flow_runs
    if filter and filter.state and criteria == Criteria(flow_runs=filter):
        count = _count_by_state(tx, "flow_run", filter, where.flow_run(FlowRunFilter(state=filter.state)), condition)
        if count is not None:
            return count
    return _count(tx, "flow_run", paths.flow_run_path(tx, criteria, condition, None, None), condition)


def count_task_runs(tx: Tx, criteria: Criteria) -> int:
    """How many task runs meet the criteria."""
    filter = criteria.task_runs
    if filter and filter.state and criteria == Criteria(task_runs=filter):
        state = where.task_run(TaskRunFilter(state=filter.state))
        count = _count_by_state(tx, "task_run", filter, state, where.task_run(filter))
        if count is not None:
            return count
    return _count(tx, "task_run", *task_run_search(tx, criteria, None, None))


def count_flows(tx: Tx, criteria: Criteria) -> int:
    """How many flows meet the criteria."""
    return _count(tx, "flow", Path("flow"), _flow_condition(tx, criteria, None))


def task_run_search(tx: Tx, criteria: Criteria, walks: str | None, page: int | None) -> tuple[Path, Clause]:
    """The path to task runs and the condition that they meet; few flow runs are looked up first."""
    parents: Clause | None = None
    if where.asks_for_flow_run(criteria):
        owners = Criteria(
            flows=criteria.flows,
            flow_runs=criteria.flow_runs,
            deployments=criteria.deployments,
            work_pools=criteria.work_pools,
            work_queues=criteria.work_queues,
        )
        source = paths.sparse_flow_runs(tx, owners, page)
        parents = where.of_flow_runs(criteria, source) if source else None
    condition = where.task_runs(criteria, parents=parents)
    return paths.task_run_path(tx, criteria, condition, walks, page, parents), condition


def _flow_condition(tx: Tx, criteria: Criteria, page: int | None) -> Clause:
    """The condition on table flow; few flow runs are looked up first."""
    runs = Criteria(flow_runs=criteria.flow_runs, task_runs=criteria.task_runs)
    asks = runs.flow_runs is not None or runs.task_runs is not None
    return where.flows(criteria, runs=paths.sparse_flow_runs(tx, runs, page) if asks else None)


def _count(tx: Tx, table: str, path: Path, condition: Clause) -> int:
    found = path.where(condition)
    return tx.scalar(f"SELECT count(*) FROM {path.source} WHERE {found.sql}", found.parameters)


def _count_by_state(tx: Tx, table: str, filter: Filter, state: Clause, condition: Clause) -> int | None:
    """Count what is asked for by state, and perhaps expected start, in the state index alone; None: ask otherwise."""
    if state is TRUE or not (only(filter, "state") or set(required(filter)) == {"state", "expected_start_time"}):
        return None
    states = paths.states_of(tx, table)
    if states is None:
        return None
    matching = f"SELECT 1 FROM (SELECT ? AS state_type, ? AS state_name) AS {table} WHERE {state.sql}"
    sql = f"""
        SELECT count(*) FROM {table} INDEXED BY ix_{table}__state
        WHERE {table}.state_type = ? AND {table}.state_name = ? AND {condition.sql}"""
    return sum(
        tx.scalar(sql, (*pair, *condition.parameters))
        for pair in states
        if tx.scalar(matching, (*pair, *state.parameters))
    )


_STARTED = "ix_flow_run__start"
_FLOW_RUN_ORDERS = {
    FlowRunSort.ID_DESC: Order("flow_run.id", "DESC", "sqlite_autoindex_flow_run_1"),
    FlowRunSort.START_TIME_ASC: Order(where.FLOW_RUN_START, "ASC", _STARTED),
    FlowRunSort.START_TIME_DESC: Order(where.FLOW_RUN_START, "DESC", _STARTED),
    FlowRunSort.EXPECTED_START_TIME_ASC: Order("flow_run.expected_start_time", "ASC", "ix_flow_run__expected"),
    FlowRunSort.EXPECTED_START_TIME_DESC: Order("flow_run.expected_start_time", "DESC", "ix_flow_run__expected"),
    FlowRunSort.NAME_ASC: Order("flow_run.name", "ASC", "ix_flow_run__name"),
    FlowRunSort.NAME_DESC: Order("flow_run.name", "DESC", "ix_flow_run__name"),
    FlowRunSort.NEXT_SCHEDULED_START_TIME_ASC: Order("flow_run.next_scheduled_start_time", "ASC"),
    FlowRunSort.END_TIME_DESC: Order("flow_run.end_time", "DESC", "ix_flow_run__end"),
}

_TASK_RUN_ORDERS = {
    TaskRunSort.ID_DESC: Order("task_run.id", "DESC", "sqlite_autoindex_task_run_1"),
    TaskRunSort.EXPECTED_START_TIME_ASC: Order("task_run.expected_start_time", "ASC", "ix_task_run__expected"),
    TaskRunSort.EXPECTED_START_TIME_DESC: Order("task_run.expected_start_time", "DESC", "ix_task_run__expected"),
    TaskRunSort.NAME_ASC: Order("task_run.name", "ASC", "ix_task_run__name"),
    TaskRunSort.NAME_DESC: Order("task_run.name", "DESC", "ix_task_run__name"),
    TaskRunSort.NEXT_SCHEDULED_START_TIME_ASC: Order("task_run.next_scheduled_start_time", "ASC"),
    TaskRunSort.END_TIME_DESC: Order("task_run.end_time", "DESC", "ix_task_run__end"),
}

_FLOW_ORDERS = {
    FlowSort.CREATED_DESC: Order("flow.created", "DESC"),
    FlowSort.UPDATED_DESC: Order("flow.updated", "DESC"),
    FlowSort.NAME_ASC: Order("flow.name", "ASC"),
    FlowSort.NAME_DESC: Order("flow.name", "DESC"),
}
