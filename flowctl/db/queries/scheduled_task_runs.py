"""Background tasks (`task.delay()`) that wait for a task worker: task runs in a deferred SCHEDULED state."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from uuid import UUID

from flowctl.db.clauses import within
from flowctl.db.columns import Rows
from flowctl.db.database import Tx
from flowctl.db.tables.task_runs import TASK_RUN
from flowctl.domain.task_runs import TaskRun


def first(tx: Tx, task_keys: Sequence[str], *, without: Collection[UUID]) -> Rows[TaskRun]:
    """The task run that was scheduled first, among those of some tasks; no row if none waits.

    without  ids of states: a run in one of them has been handed out already
    """
    keys = within("task_run.task_key", task_keys)
    conditions = [keys.sql, _WAITING]
    parameters: list[object] = [*keys.parameters]
    if without:
        handed_out = within("task_run.state_id", list(without))
        conditions.append(f"NOT {handed_out.sql}")
        parameters += handed_out.parameters
    return TASK_RUN.rows(
        tx, f"WHERE {' AND '.join(conditions)} ORDER BY task_run.state_timestamp, task_run.id LIMIT 1", parameters
    )


def still_waiting(tx: Tx, state_ids: Collection[UUID]) -> set[UUID]:
    """Which of these states are still the present state of their run."""
    present = within("state_id", list(state_ids))
    rows = tx.execute(
        f"SELECT state_id FROM task_run WHERE state_type = 'SCHEDULED' AND {present.sql}", present.parameters
    )
    return {UUID(row[0]) for row in rows}


_WAITING = "task_run.state_type = 'SCHEDULED' AND json_extract(state.state_details, '$.deferred')"
"""ix_task_run__scheduled"""
