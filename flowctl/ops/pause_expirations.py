"""Pause expirations: fails runs that were paused and not resumed in time."""

from __future__ import annotations

from uuid import UUID

from flowctl.db.columns import encode_time
from flowctl.db.database import Tx
from flowctl.domain.states import failed
from flowctl.ops import absences, set_state

BATCH = 100

_EXPIRED = """
    SELECT flow_run.id FROM flow_run
    JOIN flow_run_state AS state ON state.id = flow_run.state_id
    WHERE flow_run.state_type = 'PAUSED'
      AND julianday(json_extract(state.state_details, '$.pause_timeout')) < julianday(?)
    LIMIT ?
"""  # ix_flow_run__state


def run_once(tx: Tx) -> int:
    """Fail some paused runs whose time is up; returns how many.

    source  Prefect: services/pause_expirations.py
    """
    absences.notice(tx)
    expired = tx.execute(_EXPIRED, (encode_time(tx.now), BATCH)).fetchall()
    for (id,) in expired:
        set_state.set_flow_run_state(tx, UUID(id), failed("The flow was paused and never resumed."), force=True)
    return len(expired)
