"""What refers to a work queue: flow runs that wait in it, and deployments."""

from __future__ import annotations

from uuid import UUID

from flowctl.db.database import Tx

_CLEAR_RUNS = """
    UPDATE flow_run SET work_queue_id = NULL
    WHERE rowid IN (SELECT rowid FROM flow_run WHERE work_queue_id = ? LIMIT ?)
"""  # ix_flow_run__work_queue


def clear(tx: Tx, work_queue_id: UUID, *, limit: int) -> int:
    """Let deployments, and some runs, wait in no queue; returns how many runs.  Their `work_queue_name` stays."""
    tx.execute("UPDATE deployment SET work_queue_id = NULL WHERE work_queue_id = ?", (str(work_queue_id),))
    return tx.execute(_CLEAR_RUNS, (str(work_queue_id), limit)).rowcount


def count_late(tx: Tx, work_queue_id: UUID) -> int:
    """How many of its runs are late."""
    return tx.scalar(
        """
        SELECT count(*) FROM flow_run
        WHERE work_queue_id = ? AND state_type = 'SCHEDULED' AND state_name = 'Late'
        """,  # ix_flow_run__work_queue
        (str(work_queue_id),),
    )


def deployments(tx: Tx, work_queue_ids: list[UUID]) -> list[UUID]:
    """The deployments of some queues."""
    texts = [str(id) for id in work_queue_ids]
    rows = tx.execute(
        f"SELECT id FROM deployment WHERE work_queue_id IN ({', '.join('?' * len(texts))}) ORDER BY id",
        texts,  # ix_deployment__work_queue
    )
    return [UUID(row[0]) for row in rows.fetchall()]
