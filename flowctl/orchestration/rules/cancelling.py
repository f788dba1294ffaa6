"""Cancelling: where it may lead, and runs that have nothing to be stopped."""

from __future__ import annotations

from flowctl.domain.flow_runs import FlowRun
from flowctl.domain.states import StateType, cancelled
from flowctl.orchestration.transition import ANY, Transition, rule


@rule(from_states={StateType.CANCELLING}, to_states=ANY - {StateType.CANCELLED})
def enforce_cancelling_to_cancelled_transition(t: Transition[FlowRun]) -> None:
    """Let a run that is being cancelled only become CANCELLED."""
    t.reject(None, "Cannot transition flows that are cancelling to a state other than Cancelled.")


@rule(from_states={StateType.SCHEDULED, StateType.PAUSED}, to_states={StateType.CANCELLING})
def bypass_cancelling_flow_runs_with_no_infra(t: Transition[FlowRun]) -> None:
    """Cancel at once what no process executes: scheduled runs without infrastructure, and suspended ones."""
    if t.initial is None:
        return
    is_scheduled = t.initial.type is StateType.SCHEDULED
    if (is_scheduled and not t.run.infrastructure_pid) or t.initial.name == "Resuming":
        t.reject(cancelled(), "Scheduled flow run has no infrastructure to terminate.")
    elif t.initial.type is StateType.PAUSED and t.initial.state_details.pause_reschedule:
        t.reject(cancelled(), "Suspended flow run has no infrastructure to terminate.")
