"""Scheduled times, and parameters that follow a deferred task run from state to state."""

from __future__ import annotations

import math

from flowctl.domain.flow_runs import FlowRun
from flowctl.domain.states import StateType
from flowctl.domain.task_runs import TaskRun
from flowctl.orchestration.transition import Transition, rule


@rule(from_states={StateType.SCHEDULED}, to_states={StateType.PENDING})
def copy_scheduled_time(t: Transition[FlowRun | TaskRun]) -> None:
    """Keep the scheduled time on a PENDING state that names none."""
    if t.initial is None or t.proposed is None or t.proposed.state_details.scheduled_time:
        return
    t.propose(t.proposed.with_details(scheduled_time=t.initial.state_details.scheduled_time))


@rule(from_states={StateType.SCHEDULED, StateType.PENDING}, to_states={StateType.RUNNING})
def wait_for_scheduled_time(t: Transition[FlowRun | TaskRun]) -> None:
    """Hold a run until its scheduled time; runners start processes ahead of it on purpose."""
    if t.initial is None or (due := t.initial.state_details.scheduled_time) is None:
        return
    delay = due - t.now
    delay_seconds = math.floor(delay.total_seconds()) + round(delay.microseconds / 1e6)
    if delay_seconds > 0:
        t.wait(delay_seconds, "Scheduled time is in the future")


@rule(
    from_states={StateType.SCHEDULED, StateType.PENDING},
    to_states={StateType.PENDING, StateType.RUNNING},
)
def copy_task_parameters_id(t: Transition[TaskRun]) -> None:
    """Keep the id of stored parameters on the states between SCHEDULED and RUNNING."""
    if t.initial is None or t.proposed is None or t.proposed.state_details.task_parameters_id:
        return
    t.propose(t.proposed.with_details(task_parameters_id=t.initial.state_details.task_parameters_id))
