"""Work queues: of a pool, by name; and by their ids, as agents knew them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from flowctl.db.columns import Rows
from flowctl.db.database import Tx
from flowctl.db.queries import work_queue_references as references
from flowctl.db.tables import work_pools
from flowctl.db.tables import work_queues as table
from flowctl.domain.errors import INTEGRITY, Conflict, NotFound
from flowctl.domain.work_pool_filters import WorkQueueFilter
from flowctl.domain.work_pools import (
    QueueFilter,
    WorkPool,
    WorkQueue,
    WorkQueueCreate,
    WorkQueueHealthPolicy,
    WorkQueueResponse,
    WorkQueueStatus,
    WorkQueueStatusDetail,
    WorkQueueUpdate,
)
from flowctl.ops import work_pool_events as events
from flowctl.ops import work_pool_slots as slots
from flowctl.ops.steps import ROWS_A_STEP, Steps

RECENT = timedelta(seconds=60)
"""A queue that was polled this long ago is READY once it is no longer paused."""


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

    priority           moves those at and behind it as far as need be; None: the first that no other queue has
    concurrency_limit  runs at a time; None: as many as there are
    Raises Conflict if the pool has a queue of that name.
    """
    if table.by_name(tx, pool.id, name):
        raise Conflict(INTEGRITY)
    queue = WorkQueue(
        id=tx.new_id(),
        created=tx.now,
        updated=tx.now,
        name=name,
        description=description,
        is_paused=is_paused,
        concurrency_limit=concurrency_limit,
        priority=priority or _first_free_priority(tx, pool.id),
        filter=filter,
        work_pool_id=pool.id,
    )
    table.insert(tx, queue)
    if priority is not None:
        _move(tx, pool.id, queue.id, priority)
    events.emit_queue(tx, queue, "created", pool)
    return queue


def create_in_pool(tx: Tx, work_pool_name: str, body: WorkQueueCreate) -> WorkQueueResponse:
    """Make a queue in the pool of this name.  Raises NotFound, and Conflict if the pool has a queue of that name."""
    pool = _pool(tx, work_pool_name)
    taken = f"A work queue with this name already exists in work pool {work_pool_name!r}."
    return create_from(tx, pool, body, taken=taken)


def create_from(tx: Tx, pool: WorkPool, body: WorkQueueCreate, *, taken: str) -> WorkQueueResponse:
    """Make a queue in a pool.  Raises Conflict, with the message `taken`, if the pool has a queue of that name."""
    if table.by_name(tx, pool.id, body.name):
        raise Conflict(taken)
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
    return read(tx, queue.id)


def read(tx: Tx, id: UUID) -> WorkQueueResponse:
    """A queue by its id.  Raises NotFound."""
    queue = table.answered(tx, id)
    if queue is None:
        raise NotFound("work queue not found")
    return slots.counted_queue(tx, queue)


def read_in_pool(tx: Tx, work_pool_name: str, name: str) -> WorkQueueResponse:
    """A pool's queue by its name.  Raises NotFound, for an unknown pool too."""
    return read(tx, _id_in_pool(tx, work_pool_name, name))


def find(tx: Tx, filter: WorkQueueFilter | None, *, limit: int, offset: int) -> list[WorkQueueResponse]:
    """List queues of all pools by name.

    source  Prefect: POST /work_queues/filter
    """
    return slots.counted_queues(tx, table.find(tx, filter, limit=limit, offset=offset))


def find_in_pool(
    tx: Tx, work_pool_name: str, filter: WorkQueueFilter | None, *, limit: int, offset: int
) -> list[WorkQueueResponse]:
    """List queues of a pool by priority.  Raises NotFound.

    source  Prefect: POST /work_pools/{name}/queues/filter
    """
    pool = _pool(tx, work_pool_name)
    return slots.counted_queues(tx, table.find(tx, filter, limit=limit, offset=offset, work_pool_id=pool.id))


def update_in_pool(tx: Tx, work_pool_name: str, name: str, body: WorkQueueUpdate) -> None:
    """Set what is present in the body; another priority moves the other queues as far as need be.

    Raises NotFound, and Conflict for a name that is taken.
    source  Prefect: PATCH /work_pools/{name}/queues/{name}
    """
    pool = _pool(tx, work_pool_name)
    id = _id_in_pool(tx, work_pool_name, name)
    update(tx, id, body)
    if priority := body.get("priority"):
        _move(tx, pool.id, id, priority)


def update(tx: Tx, id: UUID, body: WorkQueueUpdate) -> None:
    """Set what is present in the body.  Two queues may then have one priority, as in Prefect.

    Raises NotFound, and Conflict for a name that is taken.
    source  Prefect: PATCH /work_queues/{id}
    """
    before = table.get(tx, id)
    if before is None:
        raise NotFound(f"Work Queue {id} not found")
    changes: dict[str, Any] = dict(body)
    if any(changes.get(key, ...) is None for key in ("name", "description", "priority")):
        raise Conflict(INTEGRITY)
    _check_name(tx, before, changes)
    status = _status(tx, id, changes, before.last_polled)
    table.update(tx, id, **changes, **({"status": status} if status else {}))
    after = table.get(tx, id) or before
    pool = work_pools.of_queue(tx, id)
    events.emit_queue_changes(tx, before, after, pool)
    if status:
        events.emit_queue(tx, after, status.value.lower().replace("_", "-"), pool)


def delete_in_pool(tx: Tx, work_pool_name: str, name: str) -> Steps[None]:
    """Delete a pool's queue by its name; deployments and runs that name it have none afterwards.

    Raises NotFound, and Conflict for the pool's default queue.
    """
    _pool(tx, work_pool_name)
    yield from delete(tx, _id_in_pool(tx, work_pool_name, name))


def delete(tx: Tx, id: UUID) -> Steps[None]:
    """Delete a queue, as `delete_in_pool` does."""
    queue = table.get(tx, id)
    if queue is None:
        raise NotFound("work queue not found")
    pool = work_pools.of_queue(tx, id)
    if pool and pool.default_queue_id == id:
        raise Conflict("Can't delete a pool's default queue.")
    while (rows := references.clear(tx, id, limit=ROWS_A_STEP)) >= ROWS_A_STEP:
        tx = yield rows
    if table.delete(tx, id):  # nobody else did it between the steps
        events.emit_queue(tx, queue, "deleted", pool)


def read_by_name(tx: Tx, name: str) -> WorkQueueResponse:
    """The queue of this name in the pool for agents; or in any pool, as long as there is none.  Raises NotFound."""
    agents = work_pools.agents(tx)
    queue = table.named(tx, name, agents.id if agents else None)
    if queue is None:
        raise NotFound("work queue not found")
    return slots.counted_queue(tx, queue)


def read_status(tx: Tx, id: UUID) -> WorkQueueStatusDetail:
    """Whether a queue is polled and has no late runs.  Raises NotFound."""
    queue = table.get(tx, id)
    if queue is None:
        raise NotFound(f"Work queue with id {id} not found")
    policy = WorkQueueHealthPolicy()
    late = references.count_late(tx, id)
    return WorkQueueStatusDetail(
        healthy=late == 0 and _is_recent(tx, queue.last_polled),
        late_runs_count=late,
        last_polled=queue.last_polled,
        health_check_policy=policy,
    )


def mark_polled(tx: Tx, queues: Rows[WorkQueueResponse] | list[WorkQueueResponse]) -> None:
    """Note that somebody asked for the runs of queues: those that were NOT_READY become READY, and it is announced."""
    for id in table.mark_polled(tx, [queue.id for queue in queues]):
        queue = table.get(tx, id)
        if queue:
            events.emit_queue(tx, queue, "ready", work_pools.of_queue(tx, id))


def _pool(tx: Tx, name: str) -> WorkPool:
    pool = work_pools.by_name(tx, name)
    if pool is None:
        raise NotFound(f'Work pool "{name}" not found.')
    return pool


def _id_in_pool(tx: Tx, work_pool_name: str, name: str) -> UUID:
    id = table.id_by_names(tx, work_pool_name, name)
    if id is None:
        raise NotFound(f"Work pool queue '{work_pool_name}/{name}' not found.")
    return id


def _check_name(tx: Tx, queue: WorkQueue, changes: Mapping[str, Any]) -> None:
    name = changes.get("name")
    if name is None or name == queue.name or queue.work_pool_id is None:
        return
    if table.by_name(tx, queue.work_pool_id, name):
        raise Conflict(INTEGRITY)


def _status(tx: Tx, id: UUID, changes: Mapping[str, Any], last_polled: datetime | None) -> WorkQueueStatus | None:
    """The status that a queue gets by being paused or not; None if it keeps its own."""
    present = table.status(tx, id)
    if changes.get("is_paused") and present is not WorkQueueStatus.PAUSED:
        return WorkQueueStatus.PAUSED
    if changes.get("is_paused") is False and present is WorkQueueStatus.PAUSED:
        is_recent = _is_recent(tx, changes.get("last_polled", last_polled))
        return WorkQueueStatus.READY if is_recent else WorkQueueStatus.NOT_READY
    return None


def _is_recent(tx: Tx, last_polled: datetime | None) -> bool:
    return last_polled is not None and tx.now - last_polled <= RECENT


def _first_free_priority(tx: Tx, work_pool_id: UUID) -> int:
    taken = set(table.priorities(tx, work_pool_id).values())
    return next(number for number in range(1, len(taken) + 2) if number not in taken)


def _move(tx: Tx, work_pool_id: UUID, id: UUID, priority: int) -> None:
    """Give a queue a priority, and move as few others as possible, so that no two have the same."""
    present = table.priorities(tx, work_pool_id)
    others = [(number, other) for other, number in present.items() if other != id]
    before = [each for each in others if each[0] < priority]
    after = [each for each in others if each[0] >= priority]
    last = 0
    for number, queue_id in [*before, (priority, id), *after]:
        last = max(number, last + 1)
        if present[queue_id] != last:
            table.set_priority(tx, queue_id, last)
