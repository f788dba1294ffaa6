"""Retries of flow runs and task runs, and the names of states that are another attempt."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from flowctl.domain.flow_runs import FlowRun
from flowctl.domain.jitter import clamped_poisson_interval
from flowctl.domain.states import State, StateCreate, StateType, awaiting_retry
from flowctl.domain.task_runs import TaskRun, TaskRunPolicy
from flowctl.orchestration.effects import ResetFailedTaskRuns, TrackFlowRunAttempt
from flowctl.orchestration.transition import Transition, rule


@rule(from_states={StateType.RUNNING}, to_states={StateType.FAILED})
def retry_failed_flows(t: Transition[FlowRun]) -> None:
    """Schedule a failed flow run again while it has retries left; the process that ran it waits and goes on."""
    if t.proposed is None:
        return
    policy = t.run.empirical_policy
    if policy.retries is None or t.run.run_count > policy.retries:
        # A later retry from the dashboard is again one of the whole run.
        t.change(empirical_policy=replace(policy, retry_type=None))
        return
    retry_at = _after(t.now, policy.retry_delay or 0)
    if not t.client.speaks(0, 8, 3):
        t.then(ResetFailedTaskRuns(flow_run_id=t.run.id, scheduled_time=retry_at))
    if t.client.speaks(0, 8, 4):
        t.change(empirical_policy=replace(policy, resuming=False, pause_keys=[], retry_type="in_process"))
    t.reject(_retry_of(t.proposed, awaiting_retry(retry_at)), "Retrying")


@rule(from_states={StateType.RUNNING}, to_states={StateType.FAILED})
def retry_failed_tasks(t: Transition[TaskRun]) -> None:
    """Schedule a failed task run again while it has retries left, unless it says that this would not help."""
    if t.proposed is None or t.proposed.state_details.retriable is False:
        return
    policy = t.run.empirical_policy
    if policy.retries is None or t.run.run_count > policy.retries:
        return
    delay_seconds = _task_retry_delay(policy, t)
    t.reject(_retry_of(t.proposed, awaiting_retry(_after(t.now, delay_seconds))), "Retrying")


@rule(to_states={StateType.RUNNING})
def rename_reruns(t: Transition[TaskRun]) -> None:
    """Call a second RUNNING "Retrying" after a failure and "Rerunning" otherwise."""
    if t.initial is None or t.proposed is None or t.run.run_count == 0:
        return
    name = "Retrying" if t.initial.name == "AwaitingRetry" else "Rerunning"
    t.propose(replace(t.proposed, name=name))


@rule(to_states={StateType.RUNNING})
def update_flow_run_tracker_on_tasks(t: Transition[TaskRun]) -> None:
    """Note in which attempt of its flow run the task run started."""
    flow_run = t.facts.flow_run()
    if flow_run is not None:
        t.then(TrackFlowRunAttempt(flow_run.run_count))


_END_OF_TIME = datetime.max.replace(tzinfo=UTC)


def _after(moment: datetime, seconds: float) -> datetime:
    """So many seconds later; the end of time for a delay that no calendar has."""
    try:
        return moment + timedelta(seconds=seconds)
    except OverflowError:
        return _END_OF_TIME


def _task_retry_delay(policy: TaskRunPolicy, t: Transition[TaskRun]) -> float:
    """Seconds until the next attempt: the delay of this retry (the last of a list goes on), with jitter."""
    delay = policy.retry_delay
    if isinstance(delay, list):
        delay = delay[min(t.run.run_count - 1, len(delay) - 1)] if delay else 0
    delay = delay or 0
    if policy.retry_jitter_factor and delay > 0:
        return clamped_poisson_interval(delay, t.random, policy.retry_jitter_factor)
    return delay


def _retry_of(failed: State, retry: StateCreate) -> StateCreate:
    """The retry state, with the failure's message and data."""
    return replace(retry, message=failed.message, data=failed.data)
