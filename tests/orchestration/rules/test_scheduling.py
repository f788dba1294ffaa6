from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import pytest

from flowctl.domain.orchestration import SetStateStatus
from flowctl.orchestration.policies import BACKGROUND_TASK


@pytest.mark.parametrize("decide", ["flow", "task"])
def test_pending_keeps_the_scheduled_time(bench, decide):
    due, own = bench.earlier, bench.now
    go = getattr(bench, decide)
    assert go(("SCHEDULED", {"scheduled_time": due}), "PENDING").state.state_details.scheduled_time == due
    proposed = ("PENDING", {"scheduled_time": own})
    assert go(("SCHEDULED", {"scheduled_time": due}), proposed).state.state_details.scheduled_time == own


@pytest.mark.parametrize("decide", ["flow", "task"])
@pytest.mark.parametrize("initial", ["SCHEDULED", "PENDING"])
@pytest.mark.parametrize(
    ("ahead", "delay"),
    [
        (timedelta(hours=1), 3600),
        (timedelta(seconds=1), 1),
        (timedelta(seconds=1, milliseconds=400), 1),
        (timedelta(seconds=1, milliseconds=600), 2),
        (timedelta(milliseconds=600), 1),
        (timedelta(milliseconds=400), None),
        (timedelta(0), None),
        (timedelta(hours=-1), None),
    ],
)
def test_a_run_waits_for_its_scheduled_time_in_whole_seconds(bench, decide, initial, ahead, delay):
    decision = getattr(bench, decide)((initial, {"scheduled_time": bench.now + ahead}), "RUNNING")
    assert decision.delay_seconds == delay
    if delay:
        assert (decision.status, decision.state) == (SetStateStatus.WAIT, None)
        assert decision.reason == "Scheduled time is in the future"


def test_a_run_that_is_not_started_does_not_wait(bench):
    due = bench.now + timedelta(hours=1)
    assert bench.flow(("SCHEDULED", {"scheduled_time": due}), "COMPLETED").status is SetStateStatus.ACCEPT


@pytest.mark.parametrize(("initial", "proposed"), [("SCHEDULED", "PENDING"), ("PENDING", "RUNNING")])
def test_parameters_follow_a_background_task_to_running(bench, initial, proposed):
    stored, own = uuid4(), uuid4()
    held = (initial, {"task_parameters_id": stored})
    details = bench.task(held, proposed, BACKGROUND_TASK).state.state_details
    assert details.task_parameters_id == stored
    details = bench.task(held, (proposed, {"task_parameters_id": own}), BACKGROUND_TASK).state.state_details
    assert details.task_parameters_id == own


def test_a_failed_background_task_awaits_its_retry_where_it_ran(bench):
    # A retry is not deferred: the task server that has the run goes on with it.
    run = bench.task_run(run_count=1, policy={"retries": 1})
    decision = bench.task("RUNNING", ("FAILED", {"deferred": True}), BACKGROUND_TASK, run=run)
    assert (decision.state.name, decision.state.state_details.deferred) == ("AwaitingRetry", False)
