"""Bookkeeping: what every state that is written does to its run, whichever rules let it pass.

Each function changes the draft of the run or the state.  They run in the order of the tuples at the end, which is
Prefect's; functions after the first read the state's final timestamp.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from flowctl.domain.flow_runs import FlowRun
from flowctl.domain.states import State, StateType
from flowctl.domain.task_runs import TaskRun
from flowctl.orchestration.effects import ReleaseDeploymentSlot, ReleaseTagSlots, UpdateParentTaskRun
from flowctl.orchestration.engine import Bookkeeping
from flowctl.orchestration.transition import Transition

HOLDS_DEPLOYMENT_SLOT = frozenset({StateType.PENDING, StateType.RUNNING, StateType.CANCELLING})
HOLDS_TAG_SLOTS = frozenset({StateType.RUNNING, StateType.CANCELLING})


def ensure_state_timestamp_is_unique(t: Transition[FlowRun | TaskRun]) -> None:
    """Let the state come after the one before it, so that a run's states have one order.

    The one before may lie in the future: two states of one instant, a clock that was set back, a client's clock.
    """
    state = _state(t)
    if t.initial is not None and state.timestamp <= t.initial.timestamp:
        t.propose(replace(state, timestamp=t.initial.timestamp + timedelta(microseconds=1)))


def set_run_state(t: Transition[FlowRun | TaskRun]) -> None:
    """Copy the state's id, type and name to the run."""
    state = _state(t)
    t.change(state_id=state.id, state_type=state.type, state_name=state.name)


def set_start_time(t: Transition[FlowRun | TaskRun]) -> None:
    """Record when the run first entered RUNNING."""
    state = _state(t)
    if state.type is StateType.RUNNING and t.run.start_time is None:
        t.change(start_time=state.timestamp)


def set_end_time(t: Transition[FlowRun | TaskRun]) -> None:
    """Record when the run ended, and forget it when the run goes on; what never ran started when it ended."""
    state = _state(t)
    if t.initial is not None and t.initial.is_final and not state.is_final:
        t.change(end_time=None)
    if state.is_final and t.run.end_time is None:
        t.change(start_time=t.run.start_time or state.timestamp, end_time=state.timestamp)


def increment_run_time(t: Transition[FlowRun | TaskRun]) -> None:
    """Add the time spent in the RUNNING state that is left."""
    if t.initial is not None and t.initial.type is StateType.RUNNING:
        seconds = (_state(t).timestamp - t.initial.timestamp).total_seconds()
        t.change(total_run_time=t.run.total_run_time + seconds)


def set_expected_start_time(t: Transition[FlowRun | TaskRun]) -> None:
    """Expect the run at its first state's scheduled time, or at once."""
    state = _state(t)
    if t.run.expected_start_time is None:
        is_scheduled = state.type is StateType.SCHEDULED
        t.change(expected_start_time=state.state_details.scheduled_time if is_scheduled else state.timestamp)


def set_next_scheduled_start_time(t: Transition[FlowRun | TaskRun]) -> None:
    """Tell when a scheduled run is due; workers poll by it."""
    state = _state(t)
    if t.initial is not None and t.initial.type is StateType.SCHEDULED:
        t.change(next_scheduled_start_time=None)
    if state.type is StateType.SCHEDULED:
        t.change(next_scheduled_start_time=state.state_details.scheduled_time)


def update_flow_run_state_details(t: Transition[FlowRun]) -> None:
    """Let the state name its run, and a subflow's state the placeholder task run of the parent."""
    state, run = _state(t), t.run
    state = state.with_details(flow_run_id=run.id)
    if run.parent_task_run_id is not None:
        state = state.with_details(task_run_id=run.parent_task_run_id)
    t.propose(state)


def update_task_run_state_details(t: Transition[TaskRun]) -> None:
    """Let the state name its run and the flow run."""
    t.propose(_state(t).with_details(flow_run_id=t.run.flow_run_id, task_run_id=t.run.id))


def update_subflow_parent_task(t: Transition[FlowRun]) -> None:
    """Give the placeholder task run in the parent a copy of a subflow's state."""
    if t.run.parent_task_run_id is not None:
        copy = replace(_state(t).with_details(child_flow_run_id=t.run.id), id=t.new_id(), timestamp=t.now)
        t.then(UpdateParentTaskRun(task_run_id=t.run.parent_task_run_id, state=copy))


def increment_flow_run_count(t: Transition[FlowRun]) -> None:
    """Count attempts: each RUNNING but the one that follows a pause."""
    resuming = t.client.speaks(0, 8, 4) and t.run.empirical_policy.resuming
    if _state(t).type is StateType.RUNNING and not resuming:
        t.change(run_count=t.run.run_count + 1)


def remove_resuming_indicator(t: Transition[FlowRun]) -> None:
    """Forget that the run is resuming once it runs or has ended."""
    state = _state(t)
    if t.client.speaks(0, 8, 4) and (state.type is StateType.RUNNING or state.is_final):
        t.change(empirical_policy=replace(t.run.empirical_policy, resuming=False))


def increment_task_run_count(t: Transition[TaskRun]) -> None:
    """Count attempts: each RUNNING."""
    if _state(t).type is StateType.RUNNING:
        t.change(run_count=t.run.run_count + 1)


def release_flow_concurrency_slots(t: Transition[FlowRun]) -> None:
    """Give the deployment's slot back when the run leaves the states that hold it (Prefect: a rule of each policy)."""
    if t.initial is None or t.run.deployment_id is None:
        return
    if t.initial.type in HOLDS_DEPLOYMENT_SLOT and _state(t).type not in HOLDS_DEPLOYMENT_SLOT:
        lease_id = t.initial.state_details.deployment_concurrency_lease_id
        t.then(ReleaseDeploymentSlot(lease_id=lease_id))


def release_task_concurrency_slots(t: Transition[TaskRun]) -> None:
    """Give the slots of tag limits back in any state but RUNNING and CANCELLING (Prefect: a rule of each policy)."""
    if t.run.tags and _state(t).type not in HOLDS_TAG_SLOTS:
        t.then(ReleaseTagSlots(task_run_id=t.run.id, tags=tuple(t.run.tags)))


def _state(t: Transition[FlowRun | TaskRun]) -> State:
    if t.proposed is None:
        raise RuntimeError("bookkeeping is for states that are written")
    return t.proposed


_COMMON: tuple[Bookkeeping[FlowRun | TaskRun], ...] = (
    ensure_state_timestamp_is_unique,
    set_run_state,
    set_start_time,
    set_end_time,
    increment_run_time,
    set_expected_start_time,
    set_next_scheduled_start_time,
)

FLOW_BOOKKEEPING: Sequence[Bookkeeping[FlowRun]] = (
    *_COMMON,
    update_flow_run_state_details,
    update_subflow_parent_task,
    increment_flow_run_count,
    remove_resuming_indicator,
    release_flow_concurrency_slots,
)

TASK_BOOKKEEPING: Sequence[Bookkeeping[TaskRun]] = (
    *_COMMON,
    update_task_run_state_details,
    increment_task_run_count,
    release_task_concurrency_slots,
)
