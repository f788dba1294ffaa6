from __future__ import annotations

from uuid import uuid4

import pytest

from flowctl.domain.orchestration import Client, SetStateStatus
from flowctl.orchestration.facts import DeploymentConcurrency, SlotLimit
from flowctl.orchestration.policies import MINIMAL_FLOW, MINIMAL_TASK

ACCEPT, REJECT, ABORT = SetStateStatus.ACCEPT, SetStateStatus.REJECT, SetStateStatus.ABORT
RESULT = {"type": "reference", "storage_key": "k"}
LOSS = "Cannot overwrite a COMPLETED state that carries persisted result data with one that does not."


def completed(data=None):
    return ("COMPLETED", {"data": data})


@pytest.mark.parametrize("initial", ["COMPLETED", "FAILED", "CRASHED", "CANCELLED"])
@pytest.mark.parametrize("proposed", ["CANCELLING", "PAUSED", "CRASHED"])
def test_finished_runs_are_not_cancelled_paused_or_crashed(bench, initial, proposed):
    flow, task = bench.flow(initial, proposed), bench.task(initial, proposed)
    assert (flow.status, flow.reason) == (ABORT, f"Run is already in terminal state {initial}.")
    assert (task.status, task.reason) == (ABORT, f"Run is already {initial}.")


@pytest.mark.parametrize(
    ("initial", "proposed", "status", "reason"),
    [
        (completed(RESULT), "RUNNING", REJECT, "Run is already COMPLETED."),
        (completed(RESULT), "PENDING", REJECT, "Run is already COMPLETED."),
        (completed(), "RUNNING", ACCEPT, None),
        (completed({}), "RUNNING", ACCEPT, None),
        (completed({"type": "unpersisted"}), "RUNNING", ACCEPT, None),
        (completed([1, 2]), "RUNNING", ACCEPT, None),
        (completed(RESULT), completed(), REJECT, LOSS),
        (completed(RESULT), completed({"type": "unpersisted"}), REJECT, LOSS),
        (completed(RESULT), completed({"type": "reference"}), ACCEPT, None),
        (completed(RESULT), "FAILED", ACCEPT, None),
        (("FAILED", {"data": RESULT}), "RUNNING", ACCEPT, None),
        ("FAILED", "SCHEDULED", ABORT, "Cannot reschedule a run without an associated deployment."),
    ],
)
def test_a_finished_flow_run_starts_again_unless_its_result_would_be_lost(bench, initial, proposed, status, reason):
    decision = bench.flow(initial, proposed)
    assert (decision.status, decision.reason) == (status, reason)


@pytest.mark.parametrize(
    ("initial", "proposed", "status"),
    [
        (completed(RESULT), completed(), REJECT),
        (completed(RESULT), completed({"type": "unpersisted"}), REJECT),
        (completed(RESULT), completed(RESULT), ACCEPT),
        (completed(RESULT), "RUNNING", ACCEPT),
        (completed(RESULT), "CRASHED", ACCEPT),
        (completed(), completed(), ACCEPT),
    ],
)
def test_force_does_not_lose_a_result(bench, initial, proposed, status):
    assert bench.flow(initial, proposed, MINIMAL_FLOW).status is status
    assert bench.task(initial, proposed, MINIMAL_TASK).status is ACCEPT


@pytest.mark.parametrize(
    ("proposed", "retry_type"), [("SCHEDULED", "reschedule"), ("PENDING", None), ("RUNNING", None)]
)
def test_a_flow_run_that_starts_again_forgets_its_pauses(bench, proposed, retry_type):
    run = bench.flow_run(
        deployment_id=uuid4(), policy={"pause_keys": ["1"], "resuming": True, "retry_type": "in_process", "retries": 2}
    )
    policy = bench.flow("FAILED", proposed, run=run).run.empirical_policy
    assert (policy.pause_keys, policy.resuming, policy.retry_type, policy.retries) == ([], False, retry_type, 2)


@pytest.mark.parametrize(("proposed", "client"), [("CANCELLED", None), ("RUNNING", Client(api_version=(0, 8, 3)))])
def test_pauses_are_kept_from_one_end_to_another_and_for_old_clients(bench, proposed, client):
    run = bench.flow_run(policy={"pause_keys": ["1"], "retry_type": "in_process"})
    policy = bench.flow("FAILED", proposed, run=run, client=client).run.empirical_policy
    assert (policy.pause_keys, policy.retry_type) == (["1"], "in_process")


def test_pauses_are_kept_when_a_later_rule_changes_the_transition(bench):
    full = SlotLimit(id=uuid4(), name="deployment:x", limit=1, active_slots=1)
    facts = bench.Facts(deployment=DeploymentConcurrency(limit=full, collision_strategy="CANCEL_NEW"))
    run = bench.flow_run(deployment_id=uuid4(), policy={"pause_keys": ["1"], "resuming": True})
    decision = bench.flow("FAILED", "PENDING", run=run, facts=facts)
    assert decision.state.type.value == "CANCELLED"
    assert decision.run.empirical_policy == run.empirical_policy


@pytest.mark.parametrize(
    ("initial", "proposed", "status"),
    [
        (completed(RESULT), "RUNNING", REJECT),
        (completed(RESULT), completed(RESULT), REJECT),
        (completed(RESULT), "FAILED", REJECT),
        (completed({"type": "unpersisted"}), "RUNNING", ACCEPT),
        (completed(), "SCHEDULED", ACCEPT),
        ("FAILED", "SCHEDULED", ACCEPT),
    ],
)
def test_a_finished_task_run_starts_again_unless_it_has_a_result(bench, initial, proposed, status):
    decision = bench.task(initial, proposed)
    assert decision.status is status
    if status is REJECT:
        assert decision.reason == "This run is already completed."


@pytest.mark.parametrize(("proposed", "count"), [("PENDING", 0), ("RUNNING", 1), ("FAILED", 4)])
def test_a_task_run_that_starts_again_has_its_retries_before_it(bench, proposed, count):
    assert bench.task("CRASHED", proposed, run=bench.task_run(run_count=4)).run.run_count == count


def test_a_task_run_keeps_its_count_when_it_may_not_start_again(bench):
    facts = bench.Facts(run_of_flow=bench.flow_run(state=bench.state("FAILED")))
    decision = bench.task("FAILED", "RUNNING", run=bench.task_run(run_count=4), facts=facts)
    assert (decision.status, decision.run.run_count) == (ABORT, 4)


@pytest.mark.parametrize(("flow_attempts", "name"), [(1, "Running"), (2, "Retrying")])
def test_a_task_run_of_another_attempt_of_its_flow_is_retrying(bench, flow_attempts, name):
    facts = bench.Facts(run_of_flow=bench.flow_run(run_count=flow_attempts, state=bench.state("RUNNING")))
    run = bench.task_run(run_count=1, flow_run_run_count=1)
    decision = bench.task("FAILED", "RUNNING", run=run, facts=facts)
    assert (decision.state.name, decision.run.flow_run_run_count) == (name, flow_attempts)
