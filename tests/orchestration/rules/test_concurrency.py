from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import pytest

from flowctl.domain.orchestration import Client, SetStateStatus
from flowctl.domain.states import StateType
from flowctl.orchestration.effects import AcquireSlots, KeepLease, ReleaseDeploymentSlot, RenewLease
from flowctl.orchestration.facts import DeploymentConcurrency, SlotLimit
from flowctl.orchestration.policies import MARK_LATE

ACCEPT, REJECT, ABORT, WAIT = SetStateStatus.ACCEPT, SetStateStatus.REJECT, SetStateStatus.ABORT, SetStateStatus.WAIT
LEASE = uuid4()


def limit(slots=1, taken=0, **given):
    return SlotLimit(id=uuid4(), name=given.pop("name", "deployment:x"), limit=slots, active_slots=taken, **given)


def deployment(slots=1, taken=0, **given):
    active = given.pop("active", True)
    return DeploymentConcurrency(limit=limit(slots, taken, active=active), **given)


@pytest.fixture
def run(bench):
    return bench.flow_run(deployment_id=uuid4())


@pytest.mark.parametrize(
    ("facts", "status", "state", "reason"),
    [
        (DeploymentConcurrency(), ACCEPT, "Pending", None),
        (deployment(2, 1), ACCEPT, "Pending", None),
        (None, ABORT, None, "Deployment not found."),
        (
            deployment(0),
            ABORT,
            None,
            "The deployment concurrency limit is 0. The flow will deadlock if submitted again.",
        ),
        (deployment(1, 1), REJECT, "AwaitingConcurrencySlot", "Deployment concurrency limit reached."),
        (deployment(5, active=False), REJECT, "AwaitingConcurrencySlot", "Deployment concurrency limit reached."),
        (
            deployment(1, 1, collision_strategy="ENQUEUE"),
            REJECT,
            "AwaitingConcurrencySlot",
            "Deployment concurrency limit reached.",
        ),
        (
            deployment(1, 1, collision_strategy="CANCEL_NEW"),
            REJECT,
            "Cancelled",
            "Deployment concurrency limit reached.",
        ),
    ],
)
def test_a_slot_of_the_deployment_is_needed_for_pending(bench, run, facts, status, state, reason):
    decision = bench.flow("SCHEDULED", "PENDING", run=run, facts=bench.Facts(deployment=facts))
    assert (decision.status, decision.reason) == (status, reason)
    assert (decision.state and decision.state.name) == state


@pytest.mark.parametrize(("grace_period", "seconds"), [(None, 300.0), (60, 60)])
def test_the_slot_is_held_by_a_lease_that_the_state_names(bench, run, grace_period, seconds):
    facts = deployment(2, 1, grace_period_seconds=grace_period)
    decision = bench.flow("SCHEDULED", "PENDING", run=run, facts=bench.Facts(deployment=facts))
    lease_id = decision.state.state_details.deployment_concurrency_lease_id
    (effect,) = decision.effects
    assert (effect.lease_id, effect.limit_ids, effect.seconds) == (lease_id, (facts.limit.id,), seconds)
    assert (effect.holder_type, effect.holder_id) == ("flow_run", run.id)


def test_a_run_that_queues_is_scheduled_half_a_minute_later(bench, run):
    decision = bench.flow("SCHEDULED", "PENDING", run=run, facts=bench.Facts(deployment=deployment(1, 1)))
    assert decision.state.state_details.scheduled_time == bench.now + timedelta(seconds=30)
    assert decision.effects == ()


def test_a_run_that_is_cancelled_says_why(bench, run):
    facts = bench.Facts(deployment=deployment(1, 1, collision_strategy="CANCEL_NEW"))
    decision = bench.flow("SCHEDULED", "PENDING", run=run, facts=facts)
    assert decision.state.message == "Deployment concurrency limit reached."


@pytest.mark.parametrize("initial", ["PENDING", "RUNNING", "CANCELLING"])
def test_runs_that_hold_a_slot_take_no_other(bench, run, initial):
    assert bench.flow(initial, ("PENDING", {"name": "Submitting"}), run=run).effects == ()


def test_no_slot_is_taken_when_a_later_rule_objects(bench, run):
    decision = bench.flow("PAUSED", "PENDING", run=run, facts=bench.Facts(deployment=deployment(1)))
    assert (decision.status, decision.effects) == (REJECT, ())


def test_workers_that_take_slots_themselves_are_left_to_it(bench, run):
    facts = bench.Facts(deployment=deployment(0))
    decision = bench.flow("SCHEDULED", "PENDING", run=run, facts=facts, client=Client(prefect_version="3.0.2"))
    assert (decision.status, decision.effects) == (ACCEPT, ())


def test_runs_without_a_deployment_need_no_slot(bench):
    assert bench.flow("SCHEDULED", "PENDING", facts=bench.Facts(deployment=None)).status is ACCEPT


PENDING = ("PENDING", {"deployment_concurrency_lease_id": LEASE})


def test_the_lease_is_renewed_when_the_run_starts(bench, run):
    facts = bench.Facts(deployment=deployment(1, 1, grace_period_seconds=90), leases={LEASE})
    decision = bench.flow(PENDING, "RUNNING", run=run, facts=facts)
    assert decision.state.state_details.deployment_concurrency_lease_id == LEASE
    assert decision.effects == (RenewLease(lease_id=LEASE, seconds=90),)


def test_the_lease_is_renewed_also_when_the_run_has_to_wait(bench, run):
    due = ("PENDING", {**PENDING[1], "scheduled_time": bench.now + timedelta(hours=1)})
    facts = bench.Facts(deployment=deployment(1, 1), leases={LEASE})
    decision = bench.flow(due, "RUNNING", run=run, facts=facts)
    assert (decision.status, decision.effects) == (WAIT, (RenewLease(lease_id=LEASE, seconds=300.0),))


def test_a_lease_that_is_gone_is_replaced_while_there_is_room(bench, run):
    facts = bench.Facts(deployment=deployment(2, 1))
    decision = bench.flow(PENDING, "RUNNING", run=run, facts=facts)
    (effect,) = decision.effects
    assert isinstance(effect, AcquireSlots)
    assert (effect.holder_type, effect.holder_id) == ("flow_run", run.id)
    assert decision.state.state_details.deployment_concurrency_lease_id == effect.lease_id != LEASE


def test_a_lease_that_is_gone_cancels_the_run_when_there_is_no_room(bench, run):
    decision = bench.flow(PENDING, "RUNNING", run=run, facts=bench.Facts(deployment=deployment(1, 1)))
    assert (decision.status, decision.state.type) == (REJECT, StateType.CANCELLED)
    assert decision.reason == "Deployment concurrency limit reached after lease expiry."
    assert decision.state.message.startswith("Deployment concurrency slot lost during provisioning")
    assert decision.effects == (ReleaseDeploymentSlot(lease_id=LEASE),)


@pytest.mark.parametrize("deployed", [None, DeploymentConcurrency()])
def test_a_limit_that_was_removed_meanwhile_does_not_matter(bench, run, deployed):
    decision = bench.flow(PENDING, "RUNNING", run=run, facts=bench.Facts(deployment=deployed))
    assert (decision.status, decision.effects) == (ACCEPT, ())


@pytest.mark.parametrize("version", [None, "3.4.10", "3.4.11rc1", "2.20.4"])
@pytest.mark.parametrize("proposed", ["RUNNING", "CANCELLING"])
def test_clients_that_do_not_renew_keep_their_slot_until_the_end(bench, run, version, proposed):
    facts = bench.Facts(deployment=deployment(1, 1))
    decision = bench.flow(PENDING, proposed, run=run, facts=facts, client=Client(prefect_version=version))
    assert (decision.status, decision.effects) == (ACCEPT, (KeepLease(lease_id=LEASE),))


@pytest.mark.parametrize(
    ("proposed", "facts", "is_cancelled"),
    [
        ({"name": "Late"}, deployment(1, 1, collision_strategy="CANCEL_NEW"), True),
        ({"name": "Late"}, deployment(1, 0, collision_strategy="CANCEL_NEW"), False),
        ({"name": "Late"}, deployment(1, 1, collision_strategy="ENQUEUE"), False),
        ({"name": "Late"}, deployment(1, 1), False),
        ({"name": "Late"}, None, False),
        ({}, deployment(1, 1, collision_strategy="CANCEL_NEW"), False),
    ],
)
def test_late_runs_of_a_full_deployment_that_cancels_are_cancelled(bench, run, proposed, facts, is_cancelled):
    decision = bench.flow("SCHEDULED", ("SCHEDULED", proposed), MARK_LATE, run=run, facts=bench.Facts(deployment=facts))
    assert (decision.state.type is StateType.CANCELLED) is is_cancelled
    if is_cancelled:
        assert decision.reason == "Deployment concurrency limit is full and uses the CANCEL_NEW strategy."


def tag(name, slots, taken=0, **given):
    return limit(slots, taken, name=f"tag:{name}", **given)


def test_a_task_run_takes_a_slot_of_each_limit_on_its_tags(bench):
    limits = [tag("a", 2, 1), tag("b", 1), tag("c", 0), tag("off", 1, 1, active=False), tag("negative", -1)]
    run = bench.task_run(tags=["a", "b", "off", "negative", "free"])
    decision = bench.task("PENDING", "RUNNING", run=run, facts=bench.Facts(limits=limits))
    (effect,) = decision.effects
    assert isinstance(effect, AcquireSlots)
    assert effect.limit_ids == (limits[0].id, limits[1].id)
    assert (effect.seconds, effect.holder_type, effect.holder_id) == (None, "task_run", run.id)


def test_a_task_run_that_starts_again_takes_only_the_slots_that_it_does_not_hold(bench):
    held, other = tag("held", 1, 1, is_held=True), tag("other", 1)
    run = bench.task_run(tags=["held", "other"])
    (effect,) = bench.task("RUNNING", "RUNNING", run=run, facts=bench.Facts(limits=[held, other])).effects
    assert effect.limit_ids == (other.id,)
    decision = bench.task("RUNNING", "RUNNING", run=run, facts=bench.Facts(limits=[held]))
    assert (decision.status, decision.effects) == (ACCEPT, ())


def test_a_limit_of_zero_aborts(bench):
    facts = bench.Facts(limits=[tag("full", 1, 1), tag("zero", 0)])
    decision = bench.task("PENDING", "RUNNING", run=bench.task_run(tags=["full", "zero"]), facts=facts)
    assert (decision.status, decision.effects) == (ABORT, ())
    assert decision.reason == (
        'The concurrency limit on tag "zero" is 0 and will deadlock if the task tries to run again.'
    )


@pytest.mark.parametrize(("occupancy", "most"), [(2.0, 3), (1000.0, 13), (0.0, 13)])
def test_a_task_run_waits_while_one_of_its_limits_is_full(bench, occupancy, most):
    facts = bench.Facts(limits=[tag("full", 1, 1, avg_slot_occupancy_seconds=occupancy), tag("free", 5)])
    run = bench.task_run(tags=["full", "free"], run_count=2)
    decision = bench.task("FAILED", "RUNNING", run=run, facts=facts)
    assert (decision.status, decision.state) == (WAIT, None)
    assert decision.reason == "Concurrency limit reached for tags: full, free"
    assert 0 <= decision.delay_seconds <= most
    assert (decision.effects, decision.run.run_count) == ((), 2)


def test_slots_are_not_taken_by_a_task_run_that_has_to_wait_for_its_time(bench):
    due = ("SCHEDULED", {"scheduled_time": bench.now + timedelta(hours=1)})
    decision = bench.task(due, "RUNNING", run=bench.task_run(tags=["a"]), facts=bench.Facts(limits=[tag("a", 1)]))
    assert (decision.status, decision.effects) == (WAIT, ())
