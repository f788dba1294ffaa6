"""Late runs: marks those that nobody has taken in time."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from flowctl.db.columns import TIME
from flowctl.db.database import Tx
from flowctl.domain.states import late
from flowctl.ops import absences, set_state
from flowctl.orchestration.policies import MARK_LATE

BATCH = 100

_OVERDUE = """
    SELECT id, next_scheduled_start_time FROM flow_run
    WHERE state_type = 'SCHEDULED' AND next_scheduled_start_time <= ? AND state_name = 'Scheduled'
    ORDER BY next_scheduled_start_time
    LIMIT ?
"""  # ix_flow_run__scheduled


def run_once(tx: Tx) -> int:
    """Mark some runs "Late" that are overdue by `services_late_runs_after_seconds`; returns how many have moved.

    After an absence, runners have that long to take what became due meanwhile.  A run that must not wait for a slot of
    its deployment is cancelled instead.
    source  Prefect: services/late_runs.py
    """
    tolerance = timedelta(seconds=tx.settings.services_late_runs_after_seconds)
    if tx.now - absences.notice(tx) < tolerance:
        return 0
    rows = tx.execute(_OVERDUE, (TIME.encode(tx.now - tolerance), BATCH)).fetchall()
    results = [set_state.set_flow_run_state(tx, UUID(id), late(TIME.decode(due)), policy=MARK_LATE) for id, due in rows]
    return sum(result.created for result in results)
