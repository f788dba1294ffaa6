"""Background tasks (`task.delay()`) that wait for a task worker: task runs in a deferred SCHEDULED state."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from uuid import UUID

from flowctl.db.clauses import Clause, within
from flowctl.db.columns import Rows
from flowctl.db.database import Tx
from flowctl.db.tables.task_runs import TASK_RUN
from flowctl.domain.task_runs import TaskRun


def first(tx: Tx, task_keys: Sequence[str], *, without: Collection[UUID]) -> Rows[TaskRun]:
    """The task run that was scheduled first, among those of some tasks; no row if none waits.

    without  ids of states: a run in one of them has been handed out already
    """
    keys = within("task_run.task_key", task_keys)
    elsewhere = within("task_run.state_id", list(without)) if without else Clause("0")
    id = tx.scalar(
        f"""
        SELECT task_run.id FROM task_run INDEXED BY ix_task_run__scheduled
        JOIN task_run_state AS state ON state.id = task_run.state_id
        WHERE task_run.state_type = 'SCHEDULED' AND {keys.sql} AND NOT {elsewhere.sql}
            AND json_extract(state.state_details, '$.deferred')
        ORDER BY task_run.state_timestamp, task_run.id LIMIT 1
        """,
        (*keys.parameters, *elsewhere.parameters),
    )
    return TASK_RUN.rows(tx, "WHERE task_run.id = ?", (id,))


def still_waiting(tx: Tx, state_ids: Collection[UUID]) -> set[UUID]:
    """Which of these states are still the present state of their run."""
    present = within("state_id", list(state_ids))
    rows = tx.execute(
        f"SELECT state_id FROM task_run WHERE state_type = 'SCHEDULED' AND {present.sql}", present.parameters
    )
    return {UUID(row[0]) for row in rows}
