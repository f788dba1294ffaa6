"""Table task_run_queue: deferred task runs that wait for a task server, retries first."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from flowctl.db.database import Tx


def push(tx: Tx, task_run_id: UUID, task_key: str, *, is_retry: bool = False) -> None:
    """Put a task run at the end of the queue of its task."""
    tx.execute(
        "INSERT INTO task_run_queue (task_run_id, task_key, is_retry) VALUES (?, ?, ?)",
        (str(task_run_id), task_key, is_retry),
    )


def pop(tx: Tx, task_keys: Sequence[str]) -> UUID | None:
    """Take the next task run of one of these tasks out of the queue; None if there is none."""
    row = tx.execute(
        f"""
        DELETE FROM task_run_queue
        WHERE position = (
            SELECT position FROM task_run_queue
            WHERE task_key IN ({", ".join("?" * len(task_keys))})
            ORDER BY is_retry DESC, position
            LIMIT 1
        )
        RETURNING task_run_id
        """,
        list(task_keys),
    ).fetchall()
    return UUID(row[0][0]) if row else None
