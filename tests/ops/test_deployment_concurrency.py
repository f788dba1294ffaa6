"""Slots of a deployment's limit through the life of its runs."""

from __future__ import annotations

import json
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from support import Clock

from flowctl.db.database import Database, Tx
from flowctl.db.tables import concurrency_limits as table
from flowctl.domain.concurrency_limits import ConcurrencyLimitV2Create, Increment
from flowctl.domain.flow_runs import FlowRun, FlowRunCreate
from flowctl.domain.flows import FlowCreate
from flowctl.domain.orchestration import Client, SetStateStatus
from flowctl.domain.states import StateType, cancelled, cancelling, completed, late, pending, running, scheduled
from flowctl.ops import concurrency_limits, flow_runs, flows, leases, set_state, steps
from flowctl.ops import concurrency_slots as slots
from flowctl.orchestration.policies import MARK_LATE

PREFECT = Client(prefect_version="3.8.1")


def deployment(tx: Tx, slots: int = 1, **options: object) -> UUID:
    """A deployment with a limit; only the columns that orchestration reads."""
    flow, _ = flows.create(tx, FlowCreate(name="etl"))
    id = tx.new_id()
    limit = concurrency_limits.create(tx, ConcurrencyLimitV2Create(name=f"deployment:{id}", limit=slots))
    tx.execute(
        "INSERT INTO deployment (id, name, flow_id, concurrency_limit_id, concurrency_options) VALUES (?, ?, ?, ?, ?)",
        (
            str(id),
            "nightly",
            str(flow.id),
            str(limit.id),
            json.dumps({"collision_strategy": "ENQUEUE", **options}) if options else None,
        ),
    )
    return id


def run_of(tx: Tx, deployment_id: UUID) -> FlowRun:
    flow_id = UUID(tx.scalar("SELECT flow_id FROM deployment WHERE id = ?", (str(deployment_id),)))
    body = FlowRunCreate(flow_id=flow_id, deployment_id=deployment_id, state=scheduled(tx.now))
    return flow_runs.create(tx, body)[0]


def taken(tx: Tx, deployment_id: UUID) -> int:
    limit = table.of_deployment(tx, deployment_id)
    assert limit is not None
    return limit.active_slots


def propose(tx: Tx, run: FlowRun, state: object, client: Client | None = PREFECT) -> tuple[str, str]:
    """Set a state; the status, and the name of the state that the run is in then."""
    result = set_state.set_flow_run_state(tx, run.id, state, client=client)  # type: ignore[arg-type]
    assert result.state is not None
    return result.status.value, result.state.name


def test_a_run_holds_its_slot_from_pending_to_the_end(tx: Tx) -> None:
    id = deployment(tx)
    run = run_of(tx, id)
    assert taken(tx, id) == 0
    for state, count in ((pending(), 1), (running(), 1), (completed(), 0)):
        propose(tx, run, state)
        assert taken(tx, id) == count


@pytest.mark.parametrize("client", [PREFECT, None])
def test_the_slot_outlasts_cancelling(tx: Tx, client: Client | None) -> None:
    id = deployment(tx)
    run = run_of(tx, id)
    propose(tx, run, pending(), client)
    propose(tx, run, cancelling(), client)
    assert taken(tx, id) == 1
    propose(tx, run, cancelled(), client)
    assert taken(tx, id) == 0


def test_the_next_run_queues_and_takes_the_slot_afterwards(tx: Tx) -> None:
    id = deployment(tx)
    first, second = run_of(tx, id), run_of(tx, id)
    propose(tx, first, pending())
    assert propose(tx, second, pending()) == ("REJECT", "AwaitingConcurrencySlot")
    propose(tx, first, completed())
    assert propose(tx, second, pending()) == ("ACCEPT", "Pending")


def test_the_next_run_is_cancelled_if_the_deployment_says_so(tx: Tx) -> None:
    id = deployment(tx, collision_strategy="CANCEL_NEW")
    first, second, third = run_of(tx, id), run_of(tx, id), run_of(tx, id)
    propose(tx, first, pending())
    assert propose(tx, second, pending()) == ("REJECT", "Cancelled")
    result = set_state.set_flow_run_state(tx, third.id, late(tx.now), policy=MARK_LATE)
    assert result.state is not None
    assert (result.status, result.state.type) == (SetStateStatus.REJECT, StateType.CANCELLED)
    assert taken(tx, id) == 1


def test_a_lease_that_is_not_renewed_is_collected_and_another_run_goes_first(db: Database, clock: Clock) -> None:
    with db.write() as tx:
        id = deployment(tx, grace_period_seconds=60)
        first, second = run_of(tx, id), run_of(tx, id)
        propose(tx, first, pending())
    clock.advance(seconds=61)
    with db.write() as tx:
        assert propose(tx, second, pending()) == ("REJECT", "AwaitingConcurrencySlot")  # not yet collected
        assert leases.run_once(tx) == 1
        assert taken(tx, id) == 0
    clock.advance(seconds=30)
    with db.write() as tx:
        assert propose(tx, second, pending()) == ("ACCEPT", "Pending")
        assert propose(tx, first, running()) == ("REJECT", "Cancelled")
        assert taken(tx, id) == 1


def test_starting_renews_the_lease(db: Database, clock: Clock) -> None:
    with db.write() as tx:
        id = deployment(tx, grace_period_seconds=60)
        run = run_of(tx, id)
        propose(tx, run, pending())
    clock.advance(seconds=50)
    with db.write() as tx:
        propose(tx, run, running())
        state = flow_runs.read(tx, run.id).state
        assert state is not None
        assert state.state_details.deployment_concurrency_lease_id is not None
        lease = table.get_lease(tx, state.state_details.deployment_concurrency_lease_id)
        assert lease is not None
        assert lease.expiration == tx.now + timedelta(seconds=60)


def test_a_lease_that_was_collected_is_replaced_while_there_is_room(db: Database, clock: Clock) -> None:
    with db.write() as tx:
        id = deployment(tx, grace_period_seconds=60)
        run = run_of(tx, id)
        propose(tx, run, pending())
    clock.advance(seconds=61)
    with db.write() as tx:
        leases.run_once(tx)
        assert propose(tx, run, running()) == ("ACCEPT", "Running")
        assert taken(tx, id) == 1
        propose(tx, run, completed())
        assert taken(tx, id) == 0


def test_a_run_outlives_the_limit_that_it_holds_a_slot_of(tx: Tx) -> None:
    id = deployment(tx)
    run = run_of(tx, id)
    propose(tx, run, pending())
    propose(tx, run, running())
    state = flow_runs.read(tx, run.id).state
    assert state is not None
    lease_id = state.state_details.deployment_concurrency_lease_id
    assert lease_id is not None
    concurrency_limits.delete(tx, f"deployment:{id}")
    assert leases.renew(tx, lease_id, 300)  # refused, Prefect's client would cancel the run
    assert propose(tx, run, completed()) == ("ACCEPT", "Completed")
    assert table.get_lease(tx, lease_id) is None


def test_a_client_that_does_not_renew_keeps_its_slot_until_the_end(db: Database, clock: Clock) -> None:
    with db.write() as tx:
        id = deployment(tx)
        run = run_of(tx, id)
        propose(tx, run, pending(), None)
        propose(tx, run, running(), None)
    clock.advance(days=365)
    with db.write() as tx:
        assert leases.run_once(tx) == 0
        assert taken(tx, id) == 1
        propose(tx, run, completed(), None)
        assert taken(tx, id) == 0


def test_a_forced_state_that_names_no_lease_does_not_lose_it(tx: Tx) -> None:
    id = deployment(tx)
    run = run_of(tx, id)
    propose(tx, run, pending())
    set_state.set_flow_run_state(tx, run.id, pending(), force=True)
    assert taken(tx, id) == 1
    set_state.set_flow_run_state(tx, run.id, completed(), force=True)
    assert taken(tx, id) == 0


def test_a_slot_that_was_taken_by_number_goes_back_by_number(tx: Tx) -> None:
    id = deployment(tx, slots=2)
    run = run_of(tx, id)
    slots.increment(tx, Increment(slots=2, names=[f"deployment:{id}"]))  # as workers of 3.0 did
    propose(tx, run, pending(), Client(prefect_version="3.0.2"))
    assert taken(tx, id) == 2
    propose(tx, run, completed())
    assert taken(tx, id) == 1


def test_a_run_that_never_took_a_slot_gives_none_back(tx: Tx) -> None:
    id = deployment(tx)
    first, second = run_of(tx, id), run_of(tx, id)
    propose(tx, first, pending())
    set_state.set_flow_run_state(tx, second.id, running(), force=True)
    set_state.set_flow_run_state(tx, second.id, completed(), force=True)
    assert taken(tx, id) == 1


def test_deleting_a_run_frees_its_slot(db: Database) -> None:
    with db.write() as tx:
        id = deployment(tx)
        run = run_of(tx, id)
        propose(tx, run, pending())
    steps.run(db, lambda tx: flow_runs.delete(tx, run.id))
    with db.read() as tx:
        assert taken(tx, id) == 0


def test_runs_of_a_deployment_that_is_gone_are_aborted(tx: Tx) -> None:
    id = deployment(tx)
    run = run_of(tx, id)
    tx.execute("UPDATE flow_run SET deployment_id = ? WHERE id = ?", (str(uuid4()), str(run.id)))
    assert propose(tx, run, pending()) == ("ABORT", "Scheduled")
