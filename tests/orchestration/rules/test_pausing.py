from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import pytest

from flowctl.domain.orchestration import SetStateStatus
from flowctl.domain.states import StateType

ACCEPT, REJECT, ABORT = SetStateStatus.ACCEPT, SetStateStatus.REJECT, SetStateStatus.ABORT


@pytest.mark.parametrize(
    ("initial", "run", "proposed", "status", "reason"),
    [
        ("RUNNING", {}, {"pause_key": "1"}, ACCEPT, None),
        (None, {}, {}, ABORT, "Cannot pause flows with no state."),
        ("PENDING", {}, {}, REJECT, "Cannot pause flows that are not currently running."),
        ("PENDING", {}, {"name": "Suspended"}, REJECT, "Cannot suspend flows that are not currently running."),
        ("PAUSED", {}, {}, REJECT, "Cannot pause flows that are not currently running."),
        ("RUNNING", {"policy": {"pause_keys": ["1"]}}, {"pause_key": "1"}, REJECT, "This pause has already fired."),
        ("RUNNING", {"policy": {"pause_keys": ["1"]}}, {"pause_key": "2"}, ACCEPT, None),
        ("RUNNING", {"policy": {"pause_keys": None}}, {"pause_key": "2"}, ACCEPT, None),
        (
            "RUNNING",
            {"parent_task_run_id": uuid4()},
            {"pause_reschedule": True, "name": "Suspended"},
            ABORT,
            "Cannot suspend subflows.",
        ),
        ("RUNNING", {}, {"pause_reschedule": True}, ABORT, "Cannot pause flows without a deployment."),
        ("RUNNING", {"deployment_id": uuid4()}, {"pause_reschedule": True}, ACCEPT, None),
        ("RUNNING", {"parent_task_run_id": uuid4()}, {}, ACCEPT, None),
    ],
)
def test_who_can_be_paused(bench, initial, run, proposed, status, reason):
    decision = bench.flow(initial, ("PAUSED", proposed), run=bench.flow_run(**run))
    assert (decision.status, decision.reason) == (status, reason)


def test_a_pause_is_remembered_by_its_key(bench):
    run = bench.flow_run(policy={"pause_keys": ["1"]})
    decision = bench.flow("RUNNING", ("PAUSED", {"pause_key": "2"}), run=run)
    assert decision.run.empirical_policy.pause_keys == ["1", "2"]
    again = bench.flow("RUNNING", ("PAUSED", {"pause_key": "2"}), run=decision.run)
    assert again.run.empirical_policy.pause_keys == ["1", "2"]


def test_a_pause_without_a_key_gets_one(bench):
    keys = bench.flow("RUNNING", "PAUSED").run.empirical_policy.pause_keys
    assert len(keys) == 1


@pytest.mark.parametrize("proposed", ["RUNNING", "SCHEDULED", "COMPLETED", "FAILED", "CANCELLED", "CRASHED"])
def test_a_paused_run_goes_on_or_ends(bench, proposed):
    decision = bench.flow("PAUSED", proposed)
    assert decision.status is ACCEPT
    assert decision.run.empirical_policy.resuming is True


@pytest.mark.parametrize("proposed", ["PENDING", "CANCELLING"])
def test_other_states_are_rejected_but_the_run_counts_as_resuming(bench, proposed):
    decision = bench.flow("PAUSED", proposed)
    assert (decision.status, decision.state) == (REJECT, None)
    assert decision.reason == (
        f"This run cannot transition to the StateType.{proposed} state from the StateType.PAUSED state."
    )
    assert decision.run.empirical_policy.resuming is True


def test_a_pause_on_a_paused_run_does_not_resume_it(bench):
    assert bench.flow("PAUSED", "PAUSED").run.empirical_policy.resuming is False


def test_a_suspended_run_without_deployment_is_not_rescheduled(bench):
    decision = bench.flow(("PAUSED", {"pause_reschedule": True}), ("SCHEDULED", {"name": "Resuming"}))
    assert decision.reason == "Cannot reschedule a resuming flow run without a deployment."
    assert (decision.status, decision.state) == (REJECT, None)


@pytest.mark.parametrize(("seconds", "is_over"), [(-1, True), (0, False), (1, False)])
def test_a_pause_that_timed_out_ends_in_failure(bench, seconds, is_over):
    timeout = bench.now + timedelta(seconds=seconds)
    decision = bench.flow(("PAUSED", {"pause_timeout": timeout}), "RUNNING")
    if is_over:
        assert (decision.status, decision.state.type) == (REJECT, StateType.FAILED)
        assert decision.state.message == "The flow was running and never resumed."
        assert decision.reason == "The flow run pause has timed out and can no longer resume."
    else:
        assert (decision.status, decision.state.type) == (ACCEPT, StateType.RUNNING)


def test_the_first_running_after_a_rescheduled_pause_is_the_same_attempt(bench):
    run = bench.flow_run(run_count=1, deployment_id=uuid4())
    resumed = bench.flow(("PAUSED", {"pause_reschedule": True}), ("SCHEDULED", {"name": "Resuming"}), run=run)
    pending = bench.flow(resumed.state, "PENDING", run=resumed.run)
    running = bench.flow(pending.state, "RUNNING", run=pending.run)
    assert running.run.run_count == 1
    assert running.run.empirical_policy.resuming is False
