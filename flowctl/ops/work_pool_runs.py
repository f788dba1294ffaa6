"""The runs that wait in work queues, for the workers that ask for them.

Who asks makes the queues READY, and their deployments.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from flowctl.db.columns import TIME
from flowctl.db.database import Tx
from flowctl.db.queries import work_queue_references as references
from flowctl.db.tables import flow_runs, work_pools, work_queues
from flowctl.domain.criteria import Criteria
from flowctl.domain.errors import NotFound
from flowctl.domain.filters import TimeFilter
from flowctl.domain.flow_run_filters import FlowRunSort
from flowctl.domain.flow_runs import FlowRun, ScheduledFlowRun
from flowctl.domain.states import StateType
from flowctl.domain.values import changed
from flowctl.domain.work_pools import AGENT_POOL, WorkQueueResponse
from flowctl.domain.workers import WorkerFlowRun
from flowctl.ops import deployment_events, flow_run_lists, missed_runs, work_pool_slots
from flowctl.ops import work_queues as queues_ops

_IN_QUEUE = "flow_run.work_queue_id = ? AND flow_run.state_type = 'SCHEDULED'"

_NAMED = "flow_run.work_queue_id IS NULL AND flow_run.work_queue_name = ? AND flow_run.state_type = 'SCHEDULED'"

_NOT_RETRIED_IN_PROCESS = "coalesce(json_extract(flow_run.empirical_policy, '$.retry_type'), '') <> 'in_process'"
"""Such a run waits in the process that failed."""


def find_scheduled(
    tx: Tx,
    work_pool_name: str,
    work_queue_names: Sequence[str] | None,
    *,
    scheduled_before: datetime | None,
    scheduled_after: datetime | None,
    limit: int,
) -> list[WorkerFlowRun]:
    """List the runs that a worker of a pool may take: by the priority of their queues, then by their time.

    work_queue_names  None or empty: all queues of the pool
    No more than there are free slots of the pool and of each queue; none of what is paused.
    Raises NotFound for the pool and for a queue.
    source  Prefect: POST /work_pools/{name}/get_scheduled_flow_runs
    """
    pool = work_pools.by_name(tx, work_pool_name)
    if pool is None:
        raise NotFound(f'Work pool "{work_pool_name}" not found.')
    queues = _queues(tx, pool.id, work_pool_name, work_queue_names)
    _settle(tx, queues)
    free = work_pool_slots.free_in_pool(tx, pool)
    most = limit if free is None else min(limit, free)
    found = [] if pool.is_paused else _due(tx, queues, most, scheduled_before, scheduled_after)
    _mark_polled(tx, queues)
    return [WorkerFlowRun(work_pool_id=pool.id, work_queue_id=queue.id, flow_run=run) for queue, run in found]


def find_in_queue(
    tx: Tx, id: UUID, *, scheduled_before: datetime | None, limit: int, is_poll: bool = True
) -> list[FlowRun]:
    """List the runs of one queue that may start, as agents asked for them.

    is_poll  whether who asks will execute them: not so the pages of a dashboard
    Runs that name their queue without a pool are those of `default-agent-pool`.  (Prefect also lists runs in other
    pools' queues of that name, which is an accident.)
    Raises NotFound.
    source  Prefect: POST /work_queues/{id}/get_runs
    """
    queue = work_queues.answered(tx, id)
    if queue is None:
        raise NotFound(f"Work queue with id {id} not found.")
    if is_poll:
        _settle(tx, [queue])
    free = work_pool_slots.free_in_queue(tx, queue, with_cancelling=True)
    most = limit if free is None else min(limit, free)
    if queue.is_paused:
        found: Sequence[FlowRun] = []
    elif queue.filter is not None:
        filter = work_pool_slots.runs_of_filter(queue.filter, [StateType.SCHEDULED])
        filter.next_scheduled_start_time = TimeFilter(before_=scheduled_before)
        order = FlowRunSort.NEXT_SCHEDULED_START_TIME_ASC
        found = flow_run_lists.find(tx, Criteria(flow_runs=filter), sort=order, limit=most, offset=0)
    else:
        waiting, whose = _IN_QUEUE, [str(id)]
        if queue.work_pool_name == AGENT_POOL:
            waiting, whose = f"({_IN_QUEUE} OR {_NAMED})", [str(id), queue.name]
        due, moments = _bounds(scheduled_before, None)
        found = flow_runs.FLOW_RUN.rows(
            tx,
            f"""
            WHERE {waiting}{due}
            ORDER BY flow_run.next_scheduled_start_time, flow_run.id
            LIMIT ?
            """,  # ix_flow_run__work_queue
            (*whose, *moments, most),
        )
    if is_poll:
        _mark_polled(tx, [queue])
    # Prefect does not name the runs' pool here.
    return [changed(run, work_pool_id=None, work_pool_name=None) for run in found]


def _queues(tx: Tx, pool_id: UUID, pool_name: str, names: Sequence[str] | None) -> list[WorkQueueResponse]:
    queues = list(work_queues.of_pool(tx, pool_id))
    if not names:
        return queues
    for name in names:
        if not any(queue.name == name for queue in queues):
            raise NotFound(f"Work pool queue '{pool_name}/{name}' not found.")
    return [queue for queue in queues if queue.name in names]


def _settle(tx: Tx, queues: Sequence[WorkQueueResponse]) -> None:
    """Let nobody have runs that were missed while flowctl did not run, and are not wanted any more."""
    missed_runs.settle_overdue(tx, references.deployments(tx, [queue.id for queue in queues]))


def _mark_polled(tx: Tx, queues: list[WorkQueueResponse]) -> None:
    queues_ops.mark_polled(tx, queues)
    ids = references.deployments(tx, [queue.id for queue in queues])
    if ids:
        deployment_events.mark_polled(tx, ids)


def _due(
    tx: Tx,
    queues: Sequence[WorkQueueResponse],
    most: int,
    scheduled_before: datetime | None,
    scheduled_after: datetime | None,
) -> list[tuple[WorkQueueResponse, ScheduledFlowRun]]:
    """The first runs of queues that are ordered by priority; each queue has to be asked only for what is still free."""
    due, moments = _bounds(scheduled_before, scheduled_after)
    found: list[tuple[WorkQueueResponse, ScheduledFlowRun]] = []
    for queue in queues:
        left = most - len(found)
        if left <= 0:
            break
        if queue.is_paused:
            continue
        free = work_pool_slots.free_in_queue(tx, queue)
        runs = flow_runs.SCHEDULED_FLOW_RUN.rows(
            tx,
            f"""
            WHERE {_IN_QUEUE}{due} AND {_NOT_RETRIED_IN_PROCESS}
            ORDER BY flow_run.next_scheduled_start_time, flow_run.id
            LIMIT ?
            """,  # ix_flow_run__work_queue
            (str(queue.id), *moments, left if free is None else min(left, free)),
        )
        found += [(queue, run) for run in runs]
    return found


def _bounds(before: datetime | None, after: datetime | None) -> tuple[str, list[object]]:
    sql, moments = "", list[object]()
    if after is not None:
        sql += " AND flow_run.next_scheduled_start_time >= ?"
        moments.append(TIME.encode(after))
    if before is not None:
        sql += " AND flow_run.next_scheduled_start_time <= ?"
        moments.append(TIME.encode(before))
    return sql, moments
