"""Absences: times in which flowctl did not run, and timers that shall not have run on meanwhile.

A machine that sleeps, a server that is stopped and a clock that is set forward look the same from here: nobody has been
looking for a while, and the runs that sleep with the machine could neither renew a lease nor answer a pause.  So the
services note every few seconds that they are there, in the database.  Who finds that note too old, first, lets all
timers go on from where they stood:

    leases      what ran out meanwhile has as long to live as it had when the absence began
    pauses      end later by the length of the absence
    others      (late runs, silent workers, runs that do not end their cancelling) count from the return: `notice` says
                when that was, and a service takes the later of that and its own beginning

Missed runs of schedules have rules of their own (`missed_runs`).
"""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import cast

from flowctl.db.columns import decode_time, encode_time
from flowctl.db.database import Tx
from flowctl.db.shapes import wire_time
from flowctl.db.tables import concurrency_limits, configurations
from flowctl.domain.values import JSONObject

logger = logging.getLogger("flowctl.services")

UNNOTICED = timedelta(seconds=60)
"""A shorter break is none: a restart, or a machine that is busy."""

NOTE_EVERY = timedelta(seconds=15)

_KEY = "flowctl.presence"


@dataclass(frozen=True, slots=True)
class Presence:
    """The note.

    seen   when a service last ran
    since  the end of the last absence
    """

    seen: datetime
    since: datetime


def notice(tx: Tx) -> datetime:
    """Note that flowctl is there, after an absence let the timers go on; returns the end of the last absence.

    Services call it before they look at a timer.
    """
    presence = read(tx)
    if presence is None:
        presence = Presence(tx.now, datetime.min.replace(tzinfo=UTC))
        _write(tx, presence)
        return presence.since
    away = tx.now - presence.seen
    if NOTE_EVERY <= away <= UNNOTICED:
        _write(tx, Presence(tx.now, presence.since))
    elif away > UNNOTICED:
        leases, pauses = _prolong_leases(tx, presence.seen), _prolong_pauses(tx, presence.seen)
        _write(tx, Presence(tx.now, tx.now))
        logger.warning(
            "No service ran from %s to %s (%s): the machine slept, the server was stopped, or the clock was set. "
            "Timers go on from where they stood (%d leases, %d pauses)",
            *(wire_time(moment) for moment in (presence.seen, tx.now)),
            timedelta(seconds=round(away.total_seconds())),
            leases,
            pauses,
        )
        return tx.now
    elif away < -UNNOTICED:
        logger.warning("The clock was set back by %s", timedelta(seconds=round(-away.total_seconds())))
        _write(tx, Presence(tx.now, min(presence.since, tx.now)))
    return presence.since


def run_once(tx: Tx) -> int:
    """Note that flowctl is there (the Clock service); there is never more to do."""
    notice(tx)
    return 0


def read(tx: Tx) -> Presence | None:
    """The note; None if no service has ever run."""
    note = cast("JSONObject | None", configurations.get(tx, _KEY))
    return None if note is None else Presence(decode_time(note["seen"]), decode_time(note["since"]))


def _write(tx: Tx, presence: Presence) -> None:
    configurations.put(tx, _KEY, {"seen": encode_time(presence.seen), "since": encode_time(presence.since)})


def _prolong_leases(tx: Tx, left: datetime) -> int:
    """Give leases that ran out since `left` the time that they had then; those that did not are renewed in time."""
    leases = concurrency_limits.leases_between(tx, left, tx.now)
    for lease in leases:
        if lease.expiration is not None:
            concurrency_limits.set_expiration(tx, lease.id, tx.now + (lease.expiration - left))
    return len(leases)


def _prolong_pauses(tx: Tx, left: datetime) -> int:
    """Let the pauses from before the absence end later by the time that has passed.

    `left` is when the last note was written; the absence itself began a little later, with some pauses perhaps.
    """
    rows = tx.execute(
        """
        SELECT state.id, state.state_details
        FROM flow_run
        JOIN flow_run_state AS state ON state.id = flow_run.state_id
        WHERE flow_run.state_type = 'PAUSED' AND flow_run.state_timestamp <= ?
          AND json_extract(state.state_details, '$.pause_timeout') IS NOT NULL
        """,  # ix_flow_run__state
        (encode_time(left + UNNOTICED),),
    ).fetchall()
    for id, text in rows:
        details = json.loads(text)
        timeout = datetime.fromisoformat(details["pause_timeout"])
        if timeout > left:
            details["pause_timeout"] = wire_time(timeout + (tx.now - left))
            changed = json.dumps(details, separators=(",", ":"), ensure_ascii=False)
            tx.execute("UPDATE flow_run_state SET state_details = ? WHERE id = ?", (changed, id))
    return len(rows)
