"""Table task_run_state_cache: COMPLETED states of task runs that others may take over, by cache key."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from flowctl.db.columns import TIME
from flowctl.db.database import Tx


def insert(tx: Tx, cache_key: str, cache_expiration: datetime | None, state_id: UUID) -> None:
    """Remember a state under a key; it goes before older ones."""
    now = TIME.encode(tx.now)
    tx.execute(
        """
        INSERT INTO task_run_state_cache (id, created, updated, cache_key, cache_expiration, task_run_state_id)
        VALUES (?, ?, ?, ?, ?, ?)
        """,
        (
            str(tx.new_id()),
            now,
            now,
            cache_key,
            None if cache_expiration is None else TIME.encode(cache_expiration),
            str(state_id),
        ),
    )


def newest_state_id(tx: Tx, cache_key: str) -> UUID | None:
    """The id of the newest state under a key that has not expired, or None."""
    id = tx.scalar(
        """
        SELECT task_run_state_id
        FROM task_run_state_cache
        WHERE cache_key = ? AND (cache_expiration IS NULL OR cache_expiration > ?)
        ORDER BY created DESC, rowid DESC
        LIMIT 1
        """,  # ix_task_run_state_cache__cache_key
        (cache_key, TIME.encode(tx.now)),
    )
    return UUID(id) if id else None
