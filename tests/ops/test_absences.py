"""Absences: what happens to timers while the machine sleeps, the server is down or the clock is set."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from service_world import make_run, state_of
from support import NOON, Clock

from flowctl.db.database import Database, Tx
from flowctl.db.tables import concurrency_limits
from flowctl.domain.concurrency_limits import ConcurrencyLimitV2Create
from flowctl.domain.states import StateType, paused, running
from flowctl.ops import absences, leases, pause_expirations
from flowctl.ops import concurrency_limits as limits

LEASE = UUID(int=7)


def take_slot(tx: Tx, seconds: float) -> None:
    limit = limits.create(tx, ConcurrencyLimitV2Create(name="db", limit=1))
    assert leases.acquire(tx, [limit], lease_id=LEASE, seconds=seconds)


def expiration(tx: Tx) -> datetime | None:
    lease = concurrency_limits.get_lease(tx, LEASE)
    return lease and lease.expiration


def test_a_lease_that_ran_out_in_an_absence_has_the_time_that_it_had_left(db: Database, clock: Clock) -> None:
    with db.write() as tx:
        take_slot(tx, 300)
        absences.notice(tx)
    clock.advance(hours=1)
    with db.write() as tx:
        assert leases.run_once(tx) == 0
        assert expiration(tx) == clock.now + timedelta(seconds=300)
    for _ in range(11):
        clock.advance(seconds=30)
        with db.write() as tx:
            collected = leases.run_once(tx)
    assert collected == 1


def test_a_lease_that_outlives_the_absence_is_left_alone(db: Database, clock: Clock) -> None:
    with db.write() as tx:
        take_slot(tx, 7200)
        absences.notice(tx)
    clock.advance(hours=1)
    with db.write() as tx:
        absences.notice(tx)
        assert expiration(tx) == NOON + timedelta(hours=2)


def test_a_pause_ends_later_by_the_absence(db: Database, clock: Clock) -> None:
    with db.write() as tx:
        id = make_run(tx, running(), paused(timeout=timedelta(minutes=10), now=clock.now))
        expired = make_run(tx, running(), paused(timeout=timedelta(minutes=-1), now=clock.now))
        absences.notice(tx)
    clock.advance(hours=1)
    with db.write() as tx:
        assert pause_expirations.run_once(tx) == 1
        assert state_of(tx, expired).type is StateType.FAILED
        assert state_of(tx, id).state_details.pause_timeout == NOON + timedelta(minutes=70)


@pytest.mark.parametrize("seconds", [5, 20, 59])
def test_a_short_break_changes_nothing(db: Database, clock: Clock, seconds: float) -> None:
    with db.write() as tx:
        take_slot(tx, 3)
        absences.notice(tx)
    clock.advance(seconds=seconds)
    with db.write() as tx:
        assert leases.run_once(tx) == 1


def test_an_absence_is_logged_and_its_end_remembered(
    db: Database, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    with db.write() as tx:
        assert absences.notice(tx) == datetime.min.replace(tzinfo=UTC)
    clock.advance(hours=1, minutes=2)
    back = clock.now
    for _ in range(3):
        with db.write() as tx:
            assert absences.notice(tx) == back
        clock.advance(seconds=20)
    (message,) = caplog.messages
    assert message.startswith("No service ran from 2026-03-01T12:00:00Z to 2026-03-01T13:02:00Z (1:02:00): ")


def test_a_clock_that_is_set_back_is_noticed(db: Database, clock: Clock, caplog: pytest.LogCaptureFixture) -> None:
    with db.write() as tx:
        absences.notice(tx)
    clock.advance(hours=-2)
    with db.write() as tx:
        absences.notice(tx)
        assert absences.read(tx) == absences.Presence(clock.now, datetime.min.replace(tzinfo=UTC))
    assert caplog.messages == ["The clock was set back by 2:00:00"]


def test_the_note_is_written_now_and_then_only(db: Database, clock: Clock) -> None:
    with db.write() as tx:
        assert absences.run_once(tx) == 0
    clock.advance(seconds=10)
    with db.write() as tx:
        before = tx.conn.total_changes
        absences.run_once(tx)
        assert tx.conn.total_changes == before
