"""Table work_queue."""

from __future__ import annotations

from uuid import UUID

from flowctl.db.columns import BOOL, INT, TEXT, TIME, UUID_, Columns, Rows, json_items
from flowctl.db.database import Tx
from flowctl.domain.work_pools import QueueFilter, WorkQueue

WORK_QUEUE = Columns(
    WorkQueue,
    table="work_queue",
    extra={"status": TEXT},
    id=UUID_,
    created=TIME,
    updated=TIME,
    name=TEXT,
    description=TEXT,
    is_paused=BOOL,
    concurrency_limit=INT,
    priority=INT,
    work_pool_id=UUID_,
    filter=json_items(QueueFilter),
    last_polled=TIME,
)


def get(tx: Tx, id: UUID) -> WorkQueue | None:
    """A work queue by its id, or None."""
    return WORK_QUEUE.by_id(tx, id)


def by_name(tx: Tx, work_pool_id: UUID, name: str) -> WorkQueue | None:
    """A pool's queue by its name, or None."""
    return WORK_QUEUE.one(tx, "WHERE work_pool_id = ? AND name = ?", (str(work_pool_id), name))


def id_by_names(tx: Tx, work_pool_name: str, work_queue_name: str | None) -> UUID | None:
    """The queue of that name in that pool (without a name the pool's default queue), or None."""
    if work_queue_name is None:
        found = tx.scalar("SELECT default_queue_id FROM work_pool WHERE name = ?", (work_pool_name,))
    else:
        found = tx.scalar(
            """
            SELECT work_queue.id
            FROM work_queue
            JOIN work_pool ON work_pool.id = work_queue.work_pool_id
            WHERE work_pool.name = ? AND work_queue.name = ?
            """,
            (work_pool_name, work_queue_name),
        )
    return UUID(found) if found else None


def every(tx: Tx) -> Rows[WorkQueue]:
    """All work queues, oldest first."""
    return WORK_QUEUE.rows(tx, "ORDER BY created, rowid")


def priorities(tx: Tx, work_pool_id: UUID) -> list[int]:
    """The priorities that queues of a pool have, highest (1) first."""
    rows = tx.execute("SELECT priority FROM work_queue WHERE work_pool_id = ? ORDER BY priority", (str(work_pool_id),))
    return [row[0] for row in rows]


def make_room(tx: Tx, work_pool_id: UUID, priority: int) -> None:
    """Move the queues of a pool from this priority on one down."""
    tx.execute(
        "UPDATE work_queue SET priority = priority + 1 WHERE work_pool_id = ? AND priority >= ?",
        (str(work_pool_id), priority),
    )


def insert(tx: Tx, queue: WorkQueue) -> WorkQueue:
    """Store a new work queue.  Raises Conflict if its pool has one of that name."""
    return WORK_QUEUE.insert(tx, queue, status="NOT_READY")
