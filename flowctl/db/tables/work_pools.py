"""Table work_pool."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from flowctl.db import where
from flowctl.db.columns import BOOL, INT, JSON, TEXT, TIME, UUID_, Columns, Rows, enum_of, json_items
from flowctl.db.database import Tx
from flowctl.domain.work_pool_filters import WorkPoolFilter
from flowctl.domain.work_pools import AGENT_POOL, StorageConfiguration, WorkPool, WorkPoolStatus


def _not_counted(row: Mapping[str, Any], now: datetime) -> dict[str, object]:
    return {"active_slots": None}


WORK_POOL = Columns(
    WorkPool,
    table="work_pool",
    derive=_not_counted,
    extra={"last_transitioned_status_at": TIME, "last_status_event_id": UUID_},
    id=UUID_,
    created=TIME,
    updated=TIME,
    name=TEXT,
    type=TEXT,
    description=TEXT,
    base_job_template=JSON,
    is_paused=BOOL,
    concurrency_limit=INT,
    status=enum_of(WorkPoolStatus),
    default_queue_id=UUID_,
    storage_configuration=json_items(StorageConfiguration),
)


def get(tx: Tx, id: UUID) -> WorkPool | None:
    """A work pool by its id, or None."""
    return WORK_POOL.by_id(tx, id)


def by_name(tx: Tx, name: str) -> WorkPool | None:
    """A work pool by its name, or None."""
    return WORK_POOL.one(tx, "WHERE work_pool.name = ?", (name,))


def agents(tx: Tx) -> WorkPool | None:
    """The pool of queues that are named without a pool, or None."""
    return by_name(tx, AGENT_POOL)


def of_queue(tx: Tx, work_queue_id: UUID) -> WorkPool | None:
    """The work pool that a queue is in, or None."""
    where = "WHERE work_pool.id = (SELECT work_pool_id FROM work_queue WHERE id = ?)"
    return WORK_POOL.one(tx, where, (str(work_queue_id),))


def find(tx: Tx, filter: WorkPoolFilter | None, *, limit: int, offset: int) -> Rows[WorkPool]:
    """Work pools that match, by name."""
    condition = where.work_pool(filter)
    sql = f"WHERE {condition.sql} ORDER BY work_pool.name LIMIT ? OFFSET ?"
    return WORK_POOL.rows(tx, sql, (*condition.parameters, limit, offset))


def count(tx: Tx, filter: WorkPoolFilter | None) -> int:
    """How many work pools match."""
    condition = where.work_pool(filter)
    return tx.scalar(f"SELECT count(*) FROM work_pool WHERE {condition.sql}", condition.parameters)


def insert(tx: Tx, pool: WorkPool) -> WorkPool:
    """Store a new work pool.  Raises Conflict if the name is taken."""
    return WORK_POOL.insert(tx, pool)


def update(tx: Tx, id: UUID, **changes: object) -> bool:
    """Set columns of a work pool, and `updated`; tells whether it exists."""
    return WORK_POOL.update(tx, id, updated=tx.now, **changes)


def delete(tx: Tx, id: UUID) -> bool:
    """Delete a work pool; tells whether it was there."""
    return WORK_POOL.delete(tx, id)
