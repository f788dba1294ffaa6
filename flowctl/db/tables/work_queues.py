"""Table work_queue: what runs need of it."""

from __future__ import annotations

from uuid import UUID

from flowctl.db.database import Tx


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
