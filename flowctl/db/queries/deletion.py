"""Deletes runs with everything that hangs on them, a bounded number of rows at a time.

Children go first, so that a deletion that is cut short leaves a run with fewer children, never children without a run;
doing it again finishes it.
"""

from __future__ import annotations

from uuid import UUID

from flowctl.db.database import Tx

_OF_TASK_RUN = (
    "DELETE FROM log WHERE rowid IN (SELECT rowid FROM log WHERE task_run_id = :id LIMIT :limit)",
    """
    DELETE FROM task_run_state
    WHERE rowid IN (SELECT rowid FROM task_run_state WHERE task_run_id = :id LIMIT :limit)
    """,
)

_LOG_OF_FLOW_RUN = "DELETE FROM log WHERE rowid IN (SELECT rowid FROM log WHERE flow_run_id = :id LIMIT :limit)"

_OF_FLOW_RUN = (
    """
    DELETE FROM task_run_state WHERE rowid IN (
        SELECT task_run_state.rowid
        FROM task_run_state
        JOIN task_run ON task_run.id = task_run_state.task_run_id
        WHERE task_run.flow_run_id = :id
        LIMIT :limit
    )
    """,
    # Subflow runs outlive the placeholder task run that stood for them in their parent.
    """
    UPDATE flow_run SET parent_task_run_id = NULL WHERE rowid IN (
        SELECT flow_run.rowid
        FROM flow_run
        JOIN task_run ON task_run.id = flow_run.parent_task_run_id
        WHERE task_run.flow_run_id = :id
        LIMIT :limit
    )
    """,
    "DELETE FROM task_run WHERE rowid IN (SELECT rowid FROM task_run WHERE flow_run_id = :id LIMIT :limit)",
    "DELETE FROM flow_run_input WHERE rowid IN (SELECT rowid FROM flow_run_input WHERE flow_run_id = :id LIMIT :limit)",
    "DELETE FROM flow_run_state WHERE rowid IN (SELECT rowid FROM flow_run_state WHERE flow_run_id = :id LIMIT :limit)",
)


def delete_task_run(tx: Tx, id: UUID, *, limit: int) -> int:
    """Delete up to `limit` rows of a task run and, once nothing hangs on it, itself.  Returns the rows deleted."""
    deleted = _delete(tx, _OF_TASK_RUN, id, limit)
    if deleted < limit:
        tx.execute("UPDATE flow_run SET parent_task_run_id = NULL WHERE parent_task_run_id = ?", (str(id),))
        deleted += tx.execute("DELETE FROM task_run WHERE id = ?", (str(id),)).rowcount
    return deleted


def delete_flow_run(tx: Tx, id: UUID, *, limit: int, keep_log: bool = False) -> int:
    """Delete up to `limit` rows of a flow run and, once nothing hangs on it, itself.  Returns the rows deleted.

    keep_log  leave the log to `delete_orphaned_logs`
    """
    statements = _OF_FLOW_RUN if keep_log else (_LOG_OF_FLOW_RUN, *_OF_FLOW_RUN)
    deleted = _delete(tx, statements, id, limit)
    if deleted < limit:
        if keep_log:
            tx.execute(_LEAVE_LOG, {"id": str(id)})
        deleted += tx.execute("DELETE FROM flow_run WHERE id = ?", (str(id),)).rowcount
    return deleted


_LEAVE_LOG = """
    INSERT OR IGNORE INTO orphaned_log (flow_run_id)
    SELECT :id WHERE EXISTS (SELECT 1 FROM log WHERE flow_run_id = :id)
"""


def delete_orphaned_logs(tx: Tx, *, limit: int) -> int:
    """Delete up to `limit` log lines of runs that are gone without their log.  Returns the lines deleted."""
    deleted = 0
    for (id,) in tx.execute("SELECT flow_run_id FROM orphaned_log LIMIT ?", (limit,)).fetchall():
        deleted += _delete(tx, (_LOG_OF_FLOW_RUN,), id, limit - deleted)
        if deleted >= limit:
            break
        tx.execute("DELETE FROM orphaned_log WHERE flow_run_id = ?", (id,))
    return deleted


def flow_run_ids(tx: Tx, flow_id: UUID, *, limit: int) -> list[UUID]:
    """Ids of some runs of a flow."""
    rows = tx.execute("SELECT id FROM flow_run WHERE flow_id = ? LIMIT ?", (str(flow_id), limit))
    return [UUID(row[0]) for row in rows]


def delete_deployments(tx: Tx, flow_id: UUID) -> None:
    """Delete the deployments of a flow with their schedules."""
    tx.execute(
        "DELETE FROM deployment_schedule WHERE deployment_id IN (SELECT id FROM deployment WHERE flow_id = ?)",
        (str(flow_id),),
    )
    tx.execute("DELETE FROM deployment WHERE flow_id = ?", (str(flow_id),))


def _delete(tx: Tx, statements: tuple[str, ...], id: UUID | str, limit: int) -> int:
    deleted = 0
    for statement in statements:
        if deleted < limit:
            deleted += tx.execute(statement, {"id": str(id), "limit": limit - deleted}).rowcount
    return deleted
