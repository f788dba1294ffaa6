"""What a written state does to its run."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import pytest

from flowctl.domain.orchestration import Client
from flowctl.domain.states import StateType
from flowctl.orchestration.effects import ReleaseDeploymentSlot, ReleaseTagSlots, UpdateParentTaskRun
from flowctl.orchestration.policies import MINIMAL_FLOW, MINIMAL_TASK


@pytest.mark.parametrize("decide", ["flow", "task"])
def test_the_run_names_the_state_that_is_written(bench, decide):
    decision = getattr(bench, decide)("PENDING", ("RUNNING", {"name": "Own"}), ())
    state, run = decision.state, decision.run
    assert (run.state_id, run.state_type, run.state_name, run.state) == (state.id, StateType.RUNNING, "Own", state)


def test_a_flow_runs_state_names_the_run_and_the_parents_placeholder(bench):
    run = bench.flow_run(parent_task_run_id=uuid4())
    details = bench.flow("PENDING", "RUNNING", run=run).state.state_details
    assert (details.flow_run_id, details.task_run_id) == (run.id, run.parent_task_run_id)
    details = bench.flow("PENDING", "RUNNING").state.state_details
    assert details.task_run_id is None


def test_a_task_runs_state_names_both_runs(bench):
    run = bench.task_run(flow_run_id=uuid4())
    details = bench.task("PENDING", "COMPLETED", run=run).state.state_details
    assert (details.flow_run_id, details.task_run_id) == (run.flow_run_id, run.id)


@pytest.mark.parametrize("decide", ["flow", "task"])
@pytest.mark.parametrize("ahead", [timedelta(0), timedelta(hours=1)])
def test_a_state_comes_after_the_one_before_it(bench, decide, ahead):
    initial = bench.state("PENDING", bench.now + ahead)
    decision = getattr(bench, decide)(initial, "RUNNING")
    assert decision.state.timestamp == initial.timestamp + timedelta(microseconds=1)
    assert decision.run.start_time == decision.state.timestamp


@pytest.mark.parametrize("decide", ["flow", "task"])
@pytest.mark.parametrize(
    ("initial", "proposed", "before", "start", "end"),
    [
        ("PENDING", "RUNNING", {}, "now", None),
        ("PENDING", "RUNNING", {"start_time": "earlier"}, "earlier", None),
        ("PENDING", "PAUSED", {}, None, None),
        ("RUNNING", "COMPLETED", {"start_time": "earlier"}, "earlier", "now"),
        ("SCHEDULED", "CANCELLED", {}, "now", "now"),
        ("COMPLETED", "FAILED", {"start_time": "earlier", "end_time": "earlier"}, "earlier", "earlier"),
        ("FAILED", "SCHEDULED", {"start_time": "earlier", "end_time": "earlier"}, "earlier", None),
    ],
)
def test_start_and_end_times(bench, decide, initial, proposed, before, start, end):
    make = bench.flow_run if decide == "flow" else bench.task_run
    run = make(**{name: getattr(bench, value) for name, value in before.items()})
    minimal = MINIMAL_FLOW if decide == "flow" else MINIMAL_TASK
    after = getattr(bench, decide)(initial, proposed, minimal, run=run).run
    assert after.start_time == (getattr(bench, start) if start else None)
    assert after.end_time == (getattr(bench, end) if end else None)


def test_time_in_running_states_is_added_up(bench):
    run = bench.flow_run(total_run_time=10.0)
    assert bench.flow("RUNNING", "COMPLETED", run=run).run.total_run_time == 3610.0
    assert bench.flow("PENDING", "RUNNING", run=run).run.total_run_time == 10.0


def test_expected_start_is_the_first_scheduled_time_and_then_stays(bench):
    due = bench.now + timedelta(hours=3)
    first = bench.flow(None, ("SCHEDULED", {"scheduled_time": due}), MINIMAL_FLOW).run
    assert (first.expected_start_time, first.next_scheduled_start_time) == (due, due)
    later = due + timedelta(hours=1)
    second = bench.flow("SCHEDULED", ("SCHEDULED", {"scheduled_time": later}), MINIMAL_FLOW, run=first).run
    assert (second.expected_start_time, second.next_scheduled_start_time) == (due, later)
    third = bench.flow("SCHEDULED", "PENDING", MINIMAL_FLOW, run=second).run
    assert (third.expected_start_time, third.next_scheduled_start_time) == (due, None)


def test_expected_start_of_an_unscheduled_run_is_its_first_state(bench):
    assert bench.task(None, "PENDING", MINIMAL_TASK).run.expected_start_time == bench.now


@pytest.mark.parametrize(
    ("proposed", "resuming", "client", "count", "left_resuming"),
    [
        ("RUNNING", False, None, 3, False),
        ("RUNNING", True, None, 2, False),
        ("RUNNING", True, Client(api_version=(0, 8, 3)), 3, True),
        ("PENDING", True, None, 2, True),
        ("COMPLETED", True, None, 2, False),
        ("COMPLETED", True, Client(api_version=(0, 8, 3)), 2, True),
    ],
)
def test_flow_run_count_leaves_out_resumptions(bench, proposed, resuming, client, count, left_resuming):
    run = bench.flow_run(run_count=2, policy={"resuming": resuming})
    after = bench.flow("SCHEDULED", proposed, (), run=run, client=client).run
    assert (after.run_count, after.empirical_policy.resuming) == (count, left_resuming)


def test_task_run_count_counts_every_running(bench):
    assert bench.task("RUNNING", "RUNNING", MINIMAL_TASK, run=bench.task_run(run_count=2)).run.run_count == 3
    assert bench.task("RUNNING", "FAILED", MINIMAL_TASK, run=bench.task_run(run_count=2)).run.run_count == 2


def test_the_parents_placeholder_gets_a_copy_of_the_state(bench):
    run = bench.flow_run(parent_task_run_id=uuid4())
    decision = bench.flow("RUNNING", ("COMPLETED", {"message": "done"}), run=run)
    (effect,) = decision.effects
    assert isinstance(effect, UpdateParentTaskRun)
    assert effect.task_run_id == run.parent_task_run_id
    assert (effect.state.type, effect.state.message) == (StateType.COMPLETED, "done")
    assert effect.state.state_details.child_flow_run_id == run.id
    assert effect.state.id != decision.state.id
    assert decision.state.state_details.child_flow_run_id is None


@pytest.mark.parametrize(
    ("initial", "proposed", "releases"),
    [
        ("RUNNING", "COMPLETED", True),
        ("PENDING", "SCHEDULED", True),
        ("CANCELLING", "CANCELLED", True),
        ("RUNNING", "PAUSED", True),
        ("RUNNING", "CANCELLING", False),
        ("PENDING", "RUNNING", False),
        ("SCHEDULED", "CANCELLED", False),
        (None, "SCHEDULED", False),
    ],
)
def test_the_deployments_slot_is_released_when_the_run_leaves_the_states_that_hold_it(
    bench, initial, proposed, releases
):
    lease_id, run = uuid4(), bench.flow_run(deployment_id=uuid4())
    held = initial and (initial, {"deployment_concurrency_lease_id": lease_id})
    effects = bench.flow(held, proposed, MINIMAL_FLOW, run=run).effects
    expected = ReleaseDeploymentSlot(lease_id=lease_id)
    assert effects == ((expected,) if releases else ())


def test_runs_without_a_deployment_release_nothing(bench):
    assert bench.flow("RUNNING", "COMPLETED").effects == ()


@pytest.mark.parametrize(
    ("proposed", "releases"), [("COMPLETED", True), ("PENDING", True), ("RUNNING", False), ("CANCELLING", False)]
)
def test_tag_slots_are_released_outside_running_and_cancelling(bench, proposed, releases):
    run = bench.task_run(tags=["a", "b"])
    effects = bench.task("RUNNING", proposed, MINIMAL_TASK, run=run).effects
    assert effects == ((ReleaseTagSlots(task_run_id=run.id, tags=("a", "b")),) if releases else ())
    assert bench.task("RUNNING", proposed, MINIMAL_TASK).effects == ()


def test_nothing_is_kept_when_no_state_is_written(bench):
    run = bench.flow_run(deployment_id=uuid4(), parent_task_run_id=uuid4(), run_count=1)
    decision = bench.flow("CANCELLING", "RUNNING", run=run)
    assert decision.state is None
    assert decision.run == run
    assert decision.effects == ()
