"""Cancellation clean-up: ends what a cancelled run leaves behind, and runs that do not end their cancelling."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from flowctl.db.columns import encode_time
from flowctl.db.database import Tx
from flowctl.domain.states import cancelled, cancelling
from flowctl.ops import absences, set_state

BATCH = 100

LOOK_BACK = timedelta(days=1)
"""Runs that were cancelled earlier are not looked at."""

_PARENT_CANCELLED = "The parent flow run was cancelled."

_TASK_RUNS = """
    SELECT task_run.id
    FROM flow_run
    CROSS JOIN task_run ON task_run.flow_run_id = flow_run.id
    WHERE flow_run.state_type = 'CANCELLED' AND flow_run.state_timestamp >= ?
      AND task_run.state_type IN ('SCHEDULED', 'PENDING', 'RUNNING', 'PAUSED', 'CANCELLING')
    LIMIT ?
"""  # ix_flow_run__state holds all that is asked of flow_run but its id

_SUBFLOWS = """
    SELECT subflow.id, subflow.deployment_id
    FROM flow_run
    CROSS JOIN task_run ON task_run.flow_run_id = flow_run.id
    CROSS JOIN flow_run AS subflow ON subflow.parent_task_run_id = task_run.id
    WHERE flow_run.state_type = 'CANCELLED' AND flow_run.state_timestamp >= ?
      AND (subflow.state_type IN ('SCHEDULED', 'PENDING', 'RUNNING', 'PAUSED')
           OR (subflow.state_type = 'CANCELLING' AND subflow.deployment_id IS NULL))
    LIMIT ?
"""  # ix_flow_run__state, ix_flow_run__parent_task_run

_STUCK = """
    SELECT id FROM flow_run
    WHERE state_type = 'CANCELLING' AND state_timestamp <= ?
    LIMIT ?
"""  # ix_flow_run__state


def run_once(tx: Tx) -> int:
    """Clean up after some cancelled runs; returns how many runs have moved.

    Task runs of a cancelled run are cancelled.  So are its subflows; one that runs somewhere else, as it has a
    deployment, is asked to stop.  What is asked in vain for `cancellation_cleanup_cancelling_timeout_seconds`,
    absences aside, is cancelled too.
    source  Prefect: services/cancellation_cleanup.py
    """
    back = absences.notice(tx)
    recent = encode_time(tx.now - LOOK_BACK)
    moved = 0
    subflows = tx.execute(_SUBFLOWS, (recent, BATCH)).fetchall()
    for id, deployment_id in subflows:
        state = cancelling(_PARENT_CANCELLED) if deployment_id else cancelled(_PARENT_CANCELLED)
        moved += set_state.set_flow_run_state(tx, UUID(id), state, force=True).created
    for (id,) in tx.execute(_TASK_RUNS, (recent, BATCH)).fetchall():
        moved += set_state.set_task_run_state(tx, UUID(id), cancelled(_PARENT_CANCELLED), force=True).created
    return moved + _end_stuck(tx, tx.now - back)


def _end_stuck(tx: Tx, present: timedelta) -> int:
    timeout = timedelta(seconds=tx.settings.cancellation_cleanup_cancelling_timeout_seconds)
    if present < timeout:
        return 0
    moved = 0
    for (id,) in tx.execute(_STUCK, (encode_time(tx.now - timeout), BATCH)).fetchall():
        state = cancelled("Flow run cancellation timed out; marked this flow run as Cancelled.")
        moved += set_state.set_flow_run_state(tx, UUID(id), state).created
    return moved
