"""Runs of a deployment that are SCHEDULED and have not started: deleting them, when they no longer hold."""

from __future__ import annotations

from uuid import UUID

from flowctl.db.columns import TIME
from flowctl.db.database import Tx
from flowctl.db.queries import deletion
from flowctl.db.tables import deployment_schedules
from flowctl.ops.steps import ROWS_A_STEP

_NOT_STARTED = """
    SELECT id FROM flow_run
    WHERE deployment_id = ? AND state_type = 'SCHEDULED' AND state_name <> 'AwaitingConcurrencySlot' AND run_count = 0
"""  # ix_flow_run__deployment


def delete(tx: Tx, deployment_id: UUID, *, future_only: bool = False, also_by_hand: bool = False) -> None:
    """Delete the runs that the scheduler has made, and let it look at the deployment at once.

    future_only   only those whose time has not come
    also_by_hand  runs that somebody asked for too
    source        Prefect: _delete_scheduled_runs
    """
    query, parameters = _NOT_STARTED, [str(deployment_id)]
    if not also_by_hand:
        query += " AND auto_scheduled = 1"
    if future_only:
        query += " AND next_scheduled_start_time > ?"
        parameters.append(str(TIME.encode(tx.now)))
    for row in tx.execute(query, parameters).fetchall():
        while deletion.delete_flow_run(tx, UUID(row[0]), limit=ROWS_A_STEP) >= ROWS_A_STEP:
            pass  # a run that has not started has a handful of rows
    deployment_schedules.ask_for_evaluation(tx, deployment_id)
