"""Work queues of a work pool."""

from __future__ import annotations

from flowctl.db.database import Tx
from flowctl.db.tables import work_pools
from flowctl.db.tables import work_queues as table
from flowctl.domain.errors import INTEGRITY, Conflict, NotFound
from flowctl.domain.events import RESOURCE_ID, RESOURCE_NAME, RESOURCE_ROLE, ReceivedEvent
from flowctl.domain.work_pools import (
    QueueFilter,
    WorkPool,
    WorkQueue,
    WorkQueueCreate,
    WorkQueueResponse,
    WorkQueueStatus,
)
from flowctl.ops import events


def create(
    tx: Tx,
    pool: WorkPool,
    name: str,
    *,
    description: str | None = "",
    priority: int | None = None,
    concurrency_limit: int | None = None,
    is_paused: bool = False,
    filter: QueueFilter | None = None,
) -> WorkQueue:
    """Make a queue in a pool.

    priority           moves those from there on one down; None: the first that no other queue has
    concurrency_limit  runs at a time; None: as many as there are
    Raises Conflict if the pool has a queue of that name.
    """
    if table.by_name(tx, pool.id, name):
        raise Conflict(INTEGRITY)
    taken = set(table.priorities(tx, pool.id))
    if priority is None:
        priority = next(number for number in range(1, len(taken) + 2) if number not in taken)
    elif priority in taken:
        table.make_room(tx, pool.id, priority)
    queue = WorkQueue(
        id=tx.new_id(),
        created=tx.now,
        updated=tx.now,
        name=name,
        description=description,
        is_paused=is_paused,
        concurrency_limit=concurrency_limit,
        priority=priority,
        filter=filter,
        work_pool_id=pool.id,
    )
    table.insert(tx, queue)
    _emit_created(tx, queue, pool)
    return queue


def create_in_pool(tx: Tx, work_pool_name: str, body: WorkQueueCreate) -> WorkQueueResponse:
    """Make a queue in the pool of this name.  Raises NotFound, and Conflict if the pool has a queue of that name."""
    pool = work_pools.by_name(tx, work_pool_name)
    if pool is None:
        raise NotFound(f'Work pool "{work_pool_name}" not found.')
    if table.by_name(tx, pool.id, body.name):
        raise Conflict(f"A work queue with this name already exists in work pool {work_pool_name!r}.")
    queue = create(
        tx,
        pool,
        body.name,
        description=body.description,
        priority=body.priority,
        concurrency_limit=body.concurrency_limit,
        is_paused=body.is_paused,
        filter=body.filter,
    )
    return WorkQueueResponse(
        id=queue.id,
        created=queue.created,
        updated=queue.updated,
        name=queue.name,
        description=queue.description,
        is_paused=queue.is_paused,
        concurrency_limit=queue.concurrency_limit,
        priority=queue.priority,
        work_pool_id=pool.id,
        work_pool_name=pool.name,
        filter=queue.filter,
        last_polled=None,
        status=WorkQueueStatus.PAUSED if queue.is_paused else WorkQueueStatus.NOT_READY,
        active_slots=None if queue.concurrency_limit is None else 0,
    )


def _emit_created(tx: Tx, queue: WorkQueue, pool: WorkPool) -> None:
    resource = {
        RESOURCE_ID: f"prefect.work-queue.{queue.id}",
        RESOURCE_NAME: queue.name,
        RESOURCE_ROLE: "work-queue",
    }
    related = {
        RESOURCE_ID: f"prefect.work-pool.{pool.id}",
        RESOURCE_NAME: pool.name,
        RESOURCE_ROLE: "work-pool",
        "prefect.work-pool.type": pool.type,
    }
    event = ReceivedEvent(
        id=tx.new_time_id(),
        occurred=tx.now,
        received=tx.now,
        event="prefect.work-queue.created",
        resource=resource,
        related=[related],
    )
    events.emit(tx, event)
