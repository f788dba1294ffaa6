"""Runs that nobody takes in time."""

from __future__ import annotations

from datetime import timedelta

from deployment_world import deploy
from service_world import event_names, make_run, run_of, state_of
from support import NOON, Clock

from flowctl.db.database import Database, Tx
from flowctl.domain.states import StateType, pending, running, scheduled
from flowctl.ops import absences, late_runs


def test_a_run_is_late_after_the_tolerance(db: Database, clock: Clock) -> None:
    due = NOON + timedelta(seconds=10)
    with db.write() as tx:
        id = make_run(tx, scheduled(due))
    for seconds, marked in ((5, 0), (24, 0), (25, 1), (40, 0)):
        clock.now = NOON + timedelta(seconds=seconds)
        with db.write() as tx:
            assert late_runs.run_once(tx) == marked
    with db.write() as tx:
        state = state_of(tx, id)
        assert (state.type, state.name, state.state_details.scheduled_time) == (StateType.SCHEDULED, "Late", due)
        assert run_of(tx, id).next_scheduled_start_time == due
        assert event_names(tx)[-1] == "prefect.flow-run.Late"


def test_what_has_begun_or_waits_for_another_reason_is_not_late(tx: Tx) -> None:
    earlier = tx.now - timedelta(hours=1)
    make_run(tx, scheduled(earlier), pending())
    make_run(tx, scheduled(earlier), running())
    make_run(tx, scheduled(earlier, name="AwaitingRetry"))
    assert late_runs.run_once(tx) == 0


def test_a_batch_is_bounded(tx: Tx) -> None:
    for _ in range(late_runs.BATCH + 3):
        make_run(tx, scheduled(tx.now - timedelta(minutes=1)))
    assert [late_runs.run_once(tx) for _ in range(3)] == [late_runs.BATCH, 3, 0]


def test_after_an_absence_runners_have_time_to_take_what_is_due(db: Database, clock: Clock) -> None:
    with db.write() as tx:
        make_run(tx, scheduled(NOON + timedelta(minutes=5)))
        absences.notice(tx)
    clock.advance(hours=1)
    with db.write() as tx:
        assert late_runs.run_once(tx) == 0
    clock.advance(seconds=14)
    with db.write() as tx:
        assert late_runs.run_once(tx) == 0
    clock.advance(seconds=1)
    with db.write() as tx:
        assert late_runs.run_once(tx) == 1


def test_a_deployment_that_cancels_new_runs_cancels_late_ones(tx: Tx) -> None:
    deployment = deploy(tx, concurrency_limit=1, concurrency_options={"collision_strategy": "CANCEL_NEW"})
    make_run(tx, pending(), deployment_id=deployment.id)
    tx.execute("UPDATE concurrency_limit_v2 SET active_slots = 1")
    id = make_run(tx, scheduled(tx.now - timedelta(minutes=1)), deployment_id=deployment.id)
    assert [late_runs.run_once(tx) for _ in range(2)] == [1, 0]
    assert state_of(tx, id).type is StateType.CANCELLED
