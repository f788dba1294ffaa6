"""Retention of events and of runs: the policy that a file holds, and what is forgotten by it."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest
from aged_runs import Past
from support import Clock

from flowctl.db.database import Database, Tx
from flowctl.domain.events import Event
from flowctl.domain.states import StateType
from flowctl.ops import events, pruning, retention
from flowctl.ops.pruning import Rules
from flowctl.ops.retention import DEFAULT, Policy

DAY = 86400.0


def emit(tx: Tx, number: int) -> None:
    event = Event(
        id=UUID(int=number),
        occurred=tx.now,
        event="test",
        resource={"prefect.resource.id": "test"},
        related=[],
        payload={},
    )
    events.emit(tx, event.receive(tx.now))


def test_events_are_forgotten_after_their_time(db: Database, clock: Clock) -> None:
    with db.write() as tx:
        emit(tx, 1)
    clock.advance(days=5)
    with db.write() as tx:
        emit(tx, 2)
        assert retention.run_once(tx) == 0
    clock.now += timedelta(seconds=db.settings.events_retention_period)
    with db.write() as tx:
        emit(tx, 3)
        assert retention.run_once(tx) == 1
        assert retention.run_once(tx) == 0
        assert [id for (id,) in tx.execute("SELECT id FROM events ORDER BY occurred")] == [
            str(UUID(int=2)),
            str(UUID(int=3)),
        ]


def finish(db: Database) -> int:
    """Run the service until it has nothing to do; how many batches."""
    batches = 0
    while True:
        with db.write() as tx:
            if not retention.run_once(tx):
                return batches
        batches += 1


@pytest.fixture
def past(db: Database, clock: Clock) -> Past:
    return Past(db, clock)


def test_a_new_file_gets_the_default_and_says_so_once(db: Database, past: Past) -> None:
    with db.write() as tx:
        assert retention.read(tx) is None
        told = retention.introduce(tx)
        assert told
        assert told.startswith("Runs are deleted 90 days after their end.")
        assert retention.read(tx) == Policy(DEFAULT, is_ours=True)
        assert retention.introduce(tx) is None
    old, young = past.run(91), past.run(89)
    finish(db)
    assert past.left() == {young}
    assert old != young


def test_a_file_with_older_runs_keeps_them_and_says_so(db: Database, past: Past) -> None:
    past.run(91)
    with db.write() as tx:
        told = retention.introduce(tx)
        assert told
        assert "already has runs that ended" in told
        assert retention.read(tx) == Policy(None, is_ours=True)
    finish(db)
    assert len(past.left()) == 1


def test_without_a_policy_runs_stay(db: Database, past: Past) -> None:
    past.run(1000)
    finish(db)
    assert len(past.left()) == 1


def test_an_import_suspends_the_default_but_not_what_somebody_chose(db: Database) -> None:
    with db.write() as tx:
        assert retention.suspend(tx)
        assert retention.read(tx) == Policy(None, is_ours=True)
        assert not retention.suspend(tx)
        retention.choose(tx, Rules(older_than=DAY))
        assert not retention.suspend(tx)
        assert retention.read(tx) == Policy(Rules(older_than=DAY), is_ours=False)


def test_what_is_kept_is_not_looked_at_again_and_again(
    db: Database, past: Past, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pruning, "LOOKS_A_STEP", 5)
    kept = {past.run(200 - number, end=StateType.FAILED) for number in range(12)}
    for number in range(6):
        past.run(150 + number)
    with db.write() as tx:
        retention.choose(tx, Rules(older_than=DAY, states=("COMPLETED",)))
    assert finish(db) < 12
    assert past.left() == kept
    assert finish(db) < 6


def test_the_first_step_of_a_large_run_is_continued(db: Database, past: Past) -> None:
    past.run(50, lines=2000, tasks=0)
    with db.write() as tx:
        retention.choose(tx, Rules(older_than=DAY))
        assert retention.run_once(tx) == 3  # its events
        assert retention.run_once(tx) == pruning.ROWS_A_BATCH
    finish(db)
    assert past.rows() == {"flow_run": 0, "flow_run_state": 0, "task_run": 0, "task_run_state": 0, "log": 0}


def test_much_free_room_is_given_back(db: Database, past: Past, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "_WORTHWHILE", (0.1, 100_000))
    for number in range(4):
        past.run(50 + number, lines=2000, tasks=0)
    with db.write() as tx:
        retention.choose(tx, Rules(older_than=DAY))
        before = tx.scalar("PRAGMA page_count")
    finish(db)
    with db.read() as tx:
        assert tx.scalar("PRAGMA page_count") < before / 2
