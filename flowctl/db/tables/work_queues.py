"""Table work_queue."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from flowctl.db import where
from flowctl.db.clauses import TRUE, Clause
from flowctl.db.columns import (
    BOOL,
    INT,
    TEXT,
    TIME,
    UUID_,
    Columns,
    Joined,
    Rows,
    encode_time,
    enum_of,
    json_items,
)
from flowctl.db.database import Tx
from flowctl.domain.work_pool_filters import WorkQueueFilter
from flowctl.domain.work_pools import QueueFilter, WorkQueue, WorkQueueResponse, WorkQueueStatus

_STORED: dict[str, Any] = {  # of kinds; typed so, because it fills keywords
    "id": UUID_,
    "created": TIME,
    "updated": TIME,
    "name": TEXT,
    "description": TEXT,
    "is_paused": BOOL,
    "concurrency_limit": INT,
    "priority": INT,
    "work_pool_id": UUID_,
    "filter": json_items(QueueFilter),
    "last_polled": TIME,
}

WORK_QUEUE = Columns(WorkQueue, table="work_queue", extra={"status": TEXT}, **_STORED)


def _not_counted(row: Mapping[str, Any], now: datetime) -> dict[str, object]:
    return {"active_slots": None}


WORK_QUEUE_RESPONSE = Columns(
    WorkQueueResponse,
    table="work_queue",
    joins="LEFT JOIN work_pool ON work_pool.id = work_queue.work_pool_id",
    derive=_not_counted,
    **_STORED,
    status=enum_of(WorkQueueStatus),
    work_pool_name=Joined("work_pool.name", TEXT),
)
"""Queues with their status and the name of their pool; `ops/work_pool_slots.py` counts their slots."""


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


def answered(tx: Tx, id: UUID) -> WorkQueueResponse | None:
    """A work queue as it is answered, or None."""
    return WORK_QUEUE_RESPONSE.by_id(tx, id)


def find(
    tx: Tx, filter: WorkQueueFilter | None, *, limit: int, offset: int, work_pool_id: UUID | None = None
) -> Rows[WorkQueueResponse]:
    """Queues of a pool that match, by priority; or without a pool those of all, by name."""
    condition, order = where.work_queue(filter), "work_queue.name, work_queue.rowid"
    if work_pool_id is not None:
        condition &= Clause("work_queue.work_pool_id = ?", (str(work_pool_id),))
        order = "work_queue.priority, work_queue.rowid"
    sql = f"WHERE {condition.sql} ORDER BY {order} LIMIT ? OFFSET ?"
    return WORK_QUEUE_RESPONSE.rows(tx, sql, (*condition.parameters, limit, offset))


def of_pool(tx: Tx, work_pool_id: UUID) -> Rows[WorkQueueResponse]:
    """All queues of a pool, by priority."""
    return find(tx, None, limit=-1, offset=0, work_pool_id=work_pool_id)


def named(tx: Tx, name: str, work_pool_id: UUID | None) -> WorkQueueResponse | None:
    """The queue of this name in a pool, or the oldest in any; None if there is none."""
    condition = TRUE if work_pool_id is None else Clause("work_queue.work_pool_id = ?", (str(work_pool_id),))
    sql = f"WHERE work_queue.name = ? AND {condition.sql} ORDER BY work_queue.rowid LIMIT 1"
    return WORK_QUEUE_RESPONSE.one(tx, sql, (name, *condition.parameters))


def count(tx: Tx, work_pool_id: UUID) -> int:
    """How many queues a pool has."""
    return tx.scalar("SELECT count(*) FROM work_queue WHERE work_pool_id = ?", (str(work_pool_id),))


def priorities(tx: Tx, work_pool_id: UUID) -> dict[UUID, int]:
    """The priorities of the queues of a pool, highest (1) first."""
    rows = tx.execute(
        "SELECT id, priority FROM work_queue WHERE work_pool_id = ? ORDER BY priority, rowid", (str(work_pool_id),)
    )
    return {UUID(id): priority for id, priority in rows}


def status(tx: Tx, id: UUID) -> WorkQueueStatus:
    """The status of a queue that is there."""
    return WorkQueueStatus(tx.scalar("SELECT status FROM work_queue WHERE id = ?", (str(id),)))


def set_priority(tx: Tx, id: UUID, priority: int) -> None:
    """Move a queue; `updated` stays."""
    tx.execute("UPDATE work_queue SET priority = ? WHERE id = ?", (priority, str(id)))


def mark_polled(tx: Tx, ids: list[UUID]) -> list[UUID]:
    """Note that somebody asked for the runs of queues; returns those that were NOT_READY and are READY now.

    `updated` stays, because nobody changed them.
    """
    texts = [str(id) for id in ids]
    marks = ", ".join("?" * len(texts))
    unready = tx.execute(f"SELECT id FROM work_queue WHERE id IN ({marks}) AND status = 'NOT_READY'", texts).fetchall()
    tx.execute(
        f"""
        UPDATE work_queue SET last_polled = ?, status = CASE status WHEN 'NOT_READY' THEN 'READY' ELSE status END
        WHERE id IN ({marks})
        """,
        (encode_time(tx.now), *texts),
    )
    return [UUID(row[0]) for row in unready]


def update(tx: Tx, id: UUID, **changes: object) -> bool:
    """Set columns of a work queue, and `updated`; tells whether it exists."""
    return WORK_QUEUE.update(tx, id, updated=tx.now, **changes)


def insert(tx: Tx, queue: WorkQueue) -> WorkQueue:
    """Store a new work queue.  Raises Conflict if its pool has one of that name."""
    return WORK_QUEUE.insert(tx, queue, status="NOT_READY")


def delete(tx: Tx, id: UUID) -> bool:
    """Delete a work queue; tells whether it was there."""
    return WORK_QUEUE.delete(tx, id)
