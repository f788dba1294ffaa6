"""The slots of work pools and work queues: how many are taken, by whom, and how many are left."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from flowctl.db.database import Tx
from flowctl.db.queries import work_pool_slots as queries
from flowctl.db.tables import work_pools, work_queues
from flowctl.domain.criteria import Criteria
from flowctl.domain.errors import NotFound
from flowctl.domain.filters import IdOrNullFilter, StateTypeFilter, TagsFilter
from flowctl.domain.flow_run_filters import FlowRunFilter, FlowRunStateFilter
from flowctl.domain.states import StateType
from flowctl.domain.work_pool_slots import (
    WorkPoolConcurrencyStatus,
    WorkQueueConcurrencyStatus,
    WorkQueueConcurrencyStatusDetail,
)
from flowctl.domain.work_pools import AGENT_POOL, QueueFilter, WorkPool, WorkQueueResponse
from flowctl.ops import flow_run_lists

_BUSY = [StateType.PENDING, StateType.RUNNING]


def counted_pool(tx: Tx, pool: WorkPool) -> WorkPool:
    """A pool with its `active_slots`, if it has a limit."""
    return counted_pools(tx, [pool])[0]


def counted_pools(tx: Tx, pools: Iterable[WorkPool]) -> list[WorkPool]:
    """Pools with their `active_slots`, where they have a limit."""
    found = list(pools)
    limited = [pool for pool in found if pool.concurrency_limit is not None]
    counts = queries.active_by_pool(tx, [pool.id for pool in limited]) if limited else {}
    for pool in limited:
        pool.active_slots = counts.get(pool.id, 0)
    return found


def counted_queue(tx: Tx, queue: WorkQueueResponse) -> WorkQueueResponse:
    """A queue with its `active_slots`, if it has a limit."""
    return counted_queues(tx, [queue])[0]


def counted_queues(tx: Tx, queues: Iterable[WorkQueueResponse]) -> list[WorkQueueResponse]:
    """Queues with their `active_slots`, where they have a limit."""
    found = list(queues)
    limited = [queue for queue in found if queue.concurrency_limit is not None]
    plain = [queue.id for queue in limited if queue.filter is None]
    counts = queries.active_by_queue(tx, plain) if plain else {}
    for queue in limited:
        queue.active_slots = counts.get(queue.id, 0) if queue.filter is None else active_by_filter(tx, queue.filter)
    return found


def free_in_pool(tx: Tx, pool: WorkPool) -> int | None:
    """How many more runs of a pool may start; None: any number."""
    if pool.concurrency_limit is None:
        return None
    return max(0, pool.concurrency_limit - queries.active_by_pool(tx, [pool.id]).get(pool.id, 0))


def free_in_queue(tx: Tx, queue: WorkQueueResponse, *, with_cancelling: bool = False) -> int | None:
    """How many more runs of a queue may start; None: any number."""
    if queue.concurrency_limit is None:
        return None
    if queue.filter is not None:
        return max(0, queue.concurrency_limit - active_by_filter(tx, queue.filter))
    active = queries.active_by_queue(tx, [queue.id], with_cancelling=with_cancelling).get(queue.id, 0)
    if with_cancelling and queue.work_pool_name == AGENT_POOL:
        active += queries.active_by_name(tx, queue.name)
    return max(0, queue.concurrency_limit - active)


def active_by_filter(tx: Tx, filter: QueueFilter) -> int:
    """How many runs take a slot of a queue that chooses deployments by tags."""
    return flow_run_lists.count(tx, Criteria(flow_runs=runs_of_filter(filter, _BUSY)))


def runs_of_filter(filter: QueueFilter, types: list[StateType]) -> FlowRunFilter:
    """The runs, in such states, of a queue that chooses deployments by tags."""
    return FlowRunFilter(
        tags=TagsFilter(all_=filter.tags),
        deployment_id=IdOrNullFilter(any_=filter.deployment_ids, is_null_=False),
        state=FlowRunStateFilter(type=StateTypeFilter(any_=types)),
    )


def read_pool_status(tx: Tx, name: str, *, page: int, limit: int, flow_run_limit: int) -> WorkPoolConcurrencyStatus:
    """The slots of a pool, and a page of its queues by priority with the first runs of each that hold some.

    Raises NotFound.
    source  Prefect: POST /work_pools/{name}/concurrency_status
    """
    pool = work_pools.by_name(tx, name)
    if pool is None:
        raise NotFound(f"Work pool {name!r} not found.")
    queues = work_queues.find(tx, None, limit=limit, offset=(page - 1) * limit, work_pool_id=pool.id)
    active = queries.active_by_queue(tx, [queue.id for queue in queues]) if queues else {}
    count = work_queues.count(tx, pool.id)
    return WorkPoolConcurrencyStatus(
        active_slots=queries.active_by_pool(tx, [pool.id]).get(pool.id, 0),
        concurrency_limit=pool.concurrency_limit,
        queues=[
            WorkQueueConcurrencyStatusDetail(
                queue_id=queue.id,
                queue_name=queue.name,
                active_slots=active.get(queue.id, 0),
                concurrency_limit=queue.concurrency_limit,
                flow_runs=queries.holders(tx, queue.id, limit=flow_run_limit),
                flow_run_count=active.get(queue.id, 0),
            )
            for queue in queues
        ],
        count=count,
        limit=limit,
        pages=_pages(count, limit),
        page=page,
    )


def read_queue_status(tx: Tx, id: UUID, *, page: int, limit: int) -> WorkQueueConcurrencyStatus:
    """The slots of a queue, and a page of the runs that hold them.  Raises NotFound.

    source  Prefect: POST /work_queues/{id}/concurrency_status
    """
    queue = work_queues.get(tx, id)
    if queue is None:
        raise NotFound("Work queue not found.")
    count = queries.active_by_queue(tx, [id], with_cancelling=True).get(id, 0)
    return WorkQueueConcurrencyStatus(
        active_slots=count,
        concurrency_limit=queue.concurrency_limit,
        flow_runs=queries.holders(tx, id, limit=limit, offset=(page - 1) * limit, with_cancelling=True),
        count=count,
        limit=limit,
        pages=_pages(count, limit),
        page=page,
    )


def _pages(count: int, limit: int) -> int:
    return (count + limit - 1) // limit if limit else 0
