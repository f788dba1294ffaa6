"""What cancelled runs leave behind."""

from __future__ import annotations

from uuid import UUID

import pytest
from deployment_world import deploy
from service_world import make_run, make_task, move, state_of, task_state_of
from support import Clock

from flowctl.db.database import Database, Tx
from flowctl.domain.states import StateCreate, StateType, cancelled, cancelling, completed, pending, running, scheduled
from flowctl.ops import absences, cancellation_cleanup, flow_runs

WHY = "The parent flow run was cancelled."


def cleaned(tx: Tx) -> int:
    """Run until nothing is left; returns how many runs moved."""
    total = 0
    while done := cancellation_cleanup.run_once(tx):
        total += done
    return total


def subflow(tx: Tx, parent: UUID, **fields: object) -> UUID:
    return make_run(tx, pending(), running(), parent_task_run_id=make_task(tx, parent, running()), **fields)


def test_task_runs_and_subflows_of_a_cancelled_run_are_cancelled_at_all_depths(tx: Tx) -> None:
    parent = make_run(tx, running())
    ended, active = make_task(tx, parent, completed()), make_task(tx, parent, running())
    child = subflow(tx, parent)
    grandchild = subflow(tx, child)
    other = make_run(tx, running())
    other_task = make_task(tx, other, running())
    assert cleaned(tx) == 0
    move(tx, parent, cancelled())
    assert cleaned(tx) > 0
    assert task_state_of(tx, ended).type is StateType.COMPLETED
    assert (task_state_of(tx, active).type, task_state_of(tx, active).message) == (StateType.CANCELLED, WHY)
    for id in (child, grandchild):
        assert (state_of(tx, id).type, state_of(tx, id).message) == (StateType.CANCELLED, WHY)
    assert state_of(tx, other).type is StateType.RUNNING
    assert task_state_of(tx, other_task).type is StateType.RUNNING
    assert cleaned(tx) == 0


def test_a_subflow_of_a_deployment_is_asked_to_stop(tx: Tx) -> None:
    parent = make_run(tx, running())
    child = subflow(tx, parent, deployment_id=deploy(tx).id)
    move(tx, parent, cancelled())
    assert cleaned(tx) > 0
    assert (state_of(tx, child).type, state_of(tx, child).message) == (StateType.CANCELLING, WHY)
    assert cleaned(tx) == 0


@pytest.mark.parametrize("type", [StateType.SCHEDULED, StateType.PENDING, StateType.RUNNING, StateType.PAUSED])
@pytest.mark.parametrize("is_deployed", [False, True])
def test_a_subflow_is_ended_whatever_it_does(tx: Tx, type: StateType, is_deployed: bool) -> None:
    parent = make_run(tx, running())
    fields = {"deployment_id": deploy(tx).id} if is_deployed else {}
    child = make_run(tx, StateCreate(type=type), parent_task_run_id=make_task(tx, parent, running()), **fields)
    flow_runs.update(tx, child, {"infrastructure_pid": "host:1"})
    move(tx, parent, cancelled())
    assert cleaned(tx) > 0
    assert state_of(tx, child).type is (StateType.CANCELLING if is_deployed else StateType.CANCELLED)


def test_a_batch_is_bounded(tx: Tx) -> None:
    parent = make_run(tx, running())
    for _ in range(cancellation_cleanup.BATCH + 5):
        make_task(tx, parent, pending())
    move(tx, parent, cancelled())
    assert [cancellation_cleanup.run_once(tx) for _ in range(3)] == [cancellation_cleanup.BATCH, 5, 0]


def test_runs_cancelled_long_ago_are_left_alone(db: Database, clock: Clock) -> None:
    with db.write() as tx:
        parent = make_run(tx, running())
        make_task(tx, parent, running())
        move(tx, parent, cancelled())
    clock.advance(days=1, seconds=1)
    with db.write() as tx:
        assert cleaned(tx) == 0


def test_cancelling_ends_after_a_time(db: Database, clock: Clock) -> None:
    with db.write() as tx:
        id = make_run(tx, scheduled(tx.now), running(), cancelling())
    clock.advance(seconds=299)
    with db.write() as tx:
        absences.run_once(tx)
        assert cleaned(tx) == 0
    clock.advance(seconds=1, milliseconds=1)  # states of one instant follow each other by microseconds
    with db.write() as tx:
        assert cleaned(tx) == 1
        assert state_of(tx, id).type is StateType.CANCELLED
        assert "cancellation timed out" in (state_of(tx, id).message or "")


def test_an_absence_does_not_count_as_time_to_stop(db: Database, clock: Clock) -> None:
    with db.write() as tx:
        make_run(tx, running(), cancelling())
        absences.run_once(tx)
    clock.advance(hours=1)
    with db.write() as tx:
        assert cleaned(tx) == 0
    for _ in range(10):
        clock.advance(seconds=30)
        with db.write() as tx:
            moved = cleaned(tx)
    assert moved == 1
