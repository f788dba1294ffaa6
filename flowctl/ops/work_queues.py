"""Work queues of a work pool."""

from __future__ import annotations

from flowctl.db.database import Tx
from flowctl.db.tables import work_queues as table
from flowctl.domain.errors import INTEGRITY, Conflict
from flowctl.domain.events import RESOURCE_ID, RESOURCE_NAME, RESOURCE_ROLE, ReceivedEvent
from flowctl.domain.work_pools import WorkPool, WorkQueue
from flowctl.ops import events


def create(
    tx: Tx, pool: WorkPool, name: str, *, description: str | None = "", priority: int | None = None
) -> WorkQueue:
    """Make a queue in a pool.

    priority  moves those from there on one down; None: the first that no other queue has
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
        priority=priority,
        work_pool_id=pool.id,
    )
    table.insert(tx, queue)
    _emit_created(tx, queue, pool)
    return queue


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
