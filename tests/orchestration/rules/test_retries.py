from __future__ import annotations

import random
from datetime import timedelta

import pytest

from flowctl.domain.orchestration import Client, SetStateStatus
from flowctl.domain.states import StateType
from flowctl.orchestration.effects import ResetFailedTaskRuns


@pytest.mark.parametrize(
    ("policy", "run_count", "delay"),
    [
        ({"retries": 2, "retry_delay": 600}, 1, 600),
        ({"retries": 2, "retry_delay": 600}, 2, 600),
        ({"retries": 2, "retry_delay": 600}, 3, None),
        ({"retries": 1}, 1, 0),
        ({"retries": 0}, 1, None),
        ({}, 1, None),
    ],
)
def test_a_failed_flow_run_is_scheduled_again_while_it_has_retries(bench, policy, run_count, delay):
    run = bench.flow_run(run_count=run_count, policy={**policy, "retry_type": "reschedule", "pause_keys": ["1"]})
    decision = bench.flow("RUNNING", ("FAILED", {"message": "boom", "data": {"a": 1}}), run=run)
    state, after = decision.state, decision.run.empirical_policy
    if delay is None:
        assert (decision.status, state.type) == (SetStateStatus.ACCEPT, StateType.FAILED)
        assert (after.retry_type, after.pause_keys) == (None, ["1"])
        return
    assert (decision.status, decision.reason) == (SetStateStatus.REJECT, "Retrying")
    assert (state.type, state.name) == (StateType.SCHEDULED, "AwaitingRetry")
    assert (state.message, state.data) == ("boom", {"a": 1})
    assert state.state_details.scheduled_time == bench.now + timedelta(seconds=delay)
    assert (after.retry_type, after.pause_keys, after.resuming) == ("in_process", [], False)
    assert decision.run.next_scheduled_start_time == state.state_details.scheduled_time


@pytest.mark.parametrize(("api_version", "resets"), [((0, 8, 2), True), ((0, 8, 3), False), ((0, 8, 4), False)])
def test_clients_that_loop_over_their_tasks_get_the_failed_ones_reset(bench, api_version, resets):
    run = bench.flow_run(run_count=1, policy={"retries": 1, "pause_keys": ["1"]})
    decision = bench.flow("RUNNING", "FAILED", run=run, client=Client(api_version=api_version))
    effect = ResetFailedTaskRuns(flow_run_id=run.id, scheduled_time=bench.now)
    assert decision.effects == ((effect,) if resets else ())
    assert decision.run.empirical_policy.pause_keys == ([] if api_version == (0, 8, 4) else ["1"])


@pytest.mark.parametrize(
    ("policy", "run_count", "delay"),
    [
        ({"retries": 2, "retry_delay": 600}, 1, 600),
        ({"retries": 2, "retry_delay": 600}, 3, None),
        ({"retries": 3, "retry_delay": [300, 600]}, 1, 300),
        ({"retries": 3, "retry_delay": [300, 600]}, 2, 600),
        ({"retries": 3, "retry_delay": [300, 600]}, 3, 600),
        ({"retries": 1, "retry_delay": 0.5}, 1, 0.5),
        ({"retries": 1, "retry_delay": []}, 1, 0),
        ({"retries": 1, "retry_delay": 0, "retry_jitter_factor": 0.5}, 1, 0),
        ({"max_retries": 2, "retry_delay_seconds": 5}, 1, 5),
        ({"retries": 0}, 1, None),
    ],
)
def test_a_failed_task_run_is_scheduled_again_while_it_has_retries(bench, policy, run_count, delay):
    run = bench.task_run(run_count=run_count, policy=policy)
    decision = bench.task("RUNNING", ("FAILED", {"message": "boom"}), run=run)
    if delay is None:
        assert decision.state.type is StateType.FAILED
    else:
        assert (decision.status, decision.state.name) == (SetStateStatus.REJECT, "AwaitingRetry")
        assert decision.state.message == "boom"
        assert decision.state.state_details.scheduled_time == bench.now + timedelta(seconds=delay)


def test_jitter_spreads_retries_around_the_delay(bench):
    run = bench.task_run(run_count=1, policy={"retries": 1, "retry_delay": 100, "retry_jitter_factor": 0.5})
    delays = set()
    for seed in range(50):
        state = bench.task("RUNNING", "FAILED", run=run, random=random.Random(seed)).state
        delays.add((state.state_details.scheduled_time - bench.now).total_seconds())
    assert len(delays) > 40
    assert 40 < min(delays) < 100 < max(delays) <= 150


def test_a_task_run_that_says_so_is_not_retried(bench):
    run = bench.task_run(run_count=1, policy={"retries": 3})
    assert bench.task("RUNNING", ("FAILED", {"retriable": False}), run=run).state.type is StateType.FAILED
    assert bench.task("RUNNING", ("FAILED", {"retriable": True}), run=run).state.name == "AwaitingRetry"


@pytest.mark.parametrize(
    ("initial", "run_count", "name"),
    [
        ("PENDING", 0, "Running"),
        ("PENDING", 1, "Rerunning"),
        (("SCHEDULED", {"name": "AwaitingRetry"}), 1, "Retrying"),
        (("SCHEDULED", {"name": "AwaitingRetry"}), 0, "Running"),
        ("RUNNING", 1, "Rerunning"),
        (None, 1, "Running"),
    ],
)
def test_another_attempt_of_a_task_run_is_named_so(bench, initial, run_count, name):
    decision = bench.task(initial, "RUNNING", run=bench.task_run(run_count=run_count))
    assert (decision.state.name, decision.run.state_name) == (name, name)


def test_flow_runs_keep_the_name_that_was_proposed(bench):
    assert bench.flow("PENDING", "RUNNING", run=bench.flow_run(run_count=3)).state.name == "Running"


def test_a_task_run_notes_the_attempt_of_its_flow_run(bench):
    facts = bench.Facts(run_of_flow=bench.flow_run(run_count=3, state=bench.state("RUNNING")))
    assert bench.task("PENDING", "RUNNING", facts=facts).run.flow_run_run_count == 3
    due = ("SCHEDULED", {"scheduled_time": bench.now + timedelta(hours=1)})
    assert bench.task(due, "RUNNING", facts=facts).run.flow_run_run_count == 0
