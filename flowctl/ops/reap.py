"""Reaping: marks runs Crashed whose process died (kill -9, reboot), and which would be Running for ever.

Two things must come together.  The run is silent: no heartbeat and no other event, log line or task run tells of it for
`reaper_after_seconds`.  And its process is gone: it was on this machine, known by number and start time, and no longer
exists.  A run whose process cannot be looked at is left alone, unless `reaper_heartbeats_alone_seconds` says after how
many seconds without the heartbeats that its client used to send it counts as dead.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from flowctl import processes
from flowctl.db.columns import decode_time, encode_time
from flowctl.db.database import Tx
from flowctl.db.tables import flow_run_processes, flow_runs
from flowctl.domain.states import crashed
from flowctl.ops import absences, set_state

BATCH = 50

HEARTBEAT = "prefect.flow-run.heartbeat"

_LAST_SIGN = """
    SELECT max(coalesce(state_timestamp, ''),
        coalesce((SELECT max(occurred) FROM events WHERE resource_id = :resource), ''),
        coalesce((SELECT max(timestamp) FROM log WHERE flow_run_id = :id), ''),
        coalesce((SELECT max(state_timestamp) FROM task_run WHERE flow_run_id = :id), ''))
    FROM flow_run WHERE id = :id
"""  # ix_events__resource_id_occurred, ix_log__flow_run, uq_task_run__flow_run_id_task_key_dynamic_key

_LAST_HEARTBEAT = """
    SELECT occurred FROM events WHERE resource_id = ? AND event = ? ORDER BY occurred DESC LIMIT 1
"""  # ix_events__resource_id_occurred

_OF_UNKNOWN_PROCESS = """
    SELECT id FROM flow_run
    WHERE state_type = 'RUNNING' AND state_timestamp < ?
      AND NOT EXISTS (SELECT 1 FROM flow_run_process WHERE flow_run_id = flow_run.id)
"""  # ix_flow_run__state


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadRun:
    """A run that is Running for nobody.

    evidence  why it is believed to be dead: a sentence or two
    """

    id: UUID
    name: str
    last_sign: datetime
    evidence: str


def run_once(tx: Tx) -> int:
    """Mark some dead runs Crashed; returns how many."""
    absences.notice(tx)
    flow_run_processes.delete_of_ended(tx)
    return sum(mark(tx, dead) for dead in find(tx)[:BATCH])


def find(tx: Tx) -> list[DeadRun]:
    """The runs that are dead."""
    silent_since = tx.now - timedelta(seconds=tx.settings.reaper_after_seconds)
    found: list[DeadRun] = []
    for id, process in flow_run_processes.of_running(tx):
        evidence = processes.evidence_of_death(process)
        if evidence is not None and (sign := _last_sign(tx, id)) < silent_since:
            found.append(_dead(tx, id, sign, f"Its {evidence}"))
    return found + _without_heartbeats(tx)


def mark(tx: Tx, dead: DeadRun) -> bool:
    """Mark a run Crashed, with the evidence; tells whether the rules let it."""
    return set_state.set_flow_run_state(tx, dead.id, crashed(dead.evidence)).created


def _without_heartbeats(tx: Tx) -> list[DeadRun]:
    seconds = tx.settings.reaper_heartbeats_alone_seconds
    presence = absences.read(tx)
    if not seconds or presence is None or tx.now - presence.since < timedelta(seconds=seconds):
        return []
    silent_since = tx.now - timedelta(seconds=seconds)
    found: list[DeadRun] = []
    for (text,) in tx.execute(_OF_UNKNOWN_PROCESS, (encode_time(silent_since),)).fetchall():
        id = UUID(text)
        if _last_heartbeat(tx, id) and (sign := _last_sign(tx, id)) < silent_since:
            found.append(_dead(tx, id, sign, "It used to send heartbeats."))
    return found


def _dead(tx: Tx, id: UUID, last_sign: datetime, proof: str) -> DeadRun:
    run = flow_runs.get(tx, id)
    heartbeat = _last_heartbeat(tx, id)
    silence = f"The run was last heard of at {last_sign:%Y-%m-%d %H:%M:%S} UTC"
    if heartbeat is not None:
        silence += f" (its last heartbeat was at {heartbeat:%H:%M:%S})"
    return DeadRun(id=id, name=run.name if run else "", last_sign=last_sign, evidence=f"{silence}. {proof}")


def _last_sign(tx: Tx, id: UUID) -> datetime:
    return decode_time(tx.scalar(_LAST_SIGN, {"id": str(id), "resource": f"prefect.flow-run.{id}"}))


def _last_heartbeat(tx: Tx, id: UUID) -> datetime | None:
    text = tx.scalar(_LAST_HEARTBEAT, (f"prefect.flow-run.{id}", HEARTBEAT))
    return None if text is None else decode_time(text)
