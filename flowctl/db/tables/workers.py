"""Table worker."""

from __future__ import annotations

from uuid import UUID

from flowctl.db import where
from flowctl.db.columns import INT, TEXT, TIME, UUID_, Columns, Rows, encode_time, enum_of
from flowctl.db.database import Tx
from flowctl.domain.workers import Worker, WorkerFilter, WorkerStatus

WORKER = Columns(
    Worker,
    table="worker",
    id=UUID_,
    created=TIME,
    updated=TIME,
    name=TEXT,
    work_pool_id=UUID_,
    last_heartbeat_time=TIME,
    heartbeat_interval_seconds=INT,
    status=enum_of(WorkerStatus),
)

_HEARTBEAT = """
    INSERT INTO worker
        (id, created, updated, name, work_pool_id, last_heartbeat_time, heartbeat_interval_seconds, status)
    VALUES (:id, :now, :now, :name, :work_pool_id, :now, :interval, 'ONLINE')
    ON CONFLICT (work_pool_id, name) DO UPDATE SET
        updated = :now,
        last_heartbeat_time = :now,
        heartbeat_interval_seconds = coalesce(:interval, heartbeat_interval_seconds),
        status = 'ONLINE'
"""


def note_heartbeat(tx: Tx, work_pool_id: UUID, name: str, interval_seconds: int | None) -> None:
    """Note that a worker lives, whether it was known or not; None keeps the interval it has."""
    values: dict[str, object] = {
        "id": str(tx.new_id()),
        "now": encode_time(tx.now),
        "name": name,
        "work_pool_id": str(work_pool_id),
        "interval": interval_seconds,
    }
    tx.execute(_HEARTBEAT, values)


def find(tx: Tx, work_pool_id: UUID, filter: WorkerFilter | None, *, limit: int, offset: int) -> Rows[Worker]:
    """Workers of a pool, the one heard of last first."""
    condition = where.worker(filter)
    return WORKER.rows(
        tx,
        f"""
        WHERE worker.work_pool_id = ? AND {condition.sql}
        ORDER BY worker.last_heartbeat_time DESC, worker.rowid DESC
        LIMIT ? OFFSET ?
        """,  # uq_worker__work_pool_id_name
        (str(work_pool_id), *condition.parameters, limit, offset),
    )


def has_online(tx: Tx, work_pool_id: UUID) -> bool:
    """Whether a pool has a worker that is ONLINE."""
    query = "SELECT 1 FROM worker WHERE work_pool_id = ? AND status = 'ONLINE' LIMIT 1"
    return tx.scalar(query, (str(work_pool_id),)) is not None


def delete(tx: Tx, work_pool_id: UUID, name: str) -> bool:
    """Delete a worker of a pool; tells whether it was there."""
    query = "DELETE FROM worker WHERE work_pool_id = ? AND name = ?"
    return tx.execute(query, (str(work_pool_id), name)).rowcount > 0


def delete_all(tx: Tx, work_pool_id: UUID) -> None:
    """Delete all workers of a pool."""
    tx.execute("DELETE FROM worker WHERE work_pool_id = ?", (str(work_pool_id),))
