"""Guards: transitions that are a repetition, come too late, or would submit a run twice."""

from __future__ import annotations

from flowctl.domain.flow_runs import FlowRun
from flowctl.domain.states import StateCreate, StateDetails, StateType
from flowctl.domain.task_runs import TaskRun
from flowctl.orchestration.transition import Transition, rule


@rule()
def preserve_deployment_concurrency_lease_id(t: Transition[FlowRun]) -> None:
    """Carry the lease of the deployment's slot over to a state that names none (workers send null)."""
    if t.initial is None or t.proposed is None:
        return
    lease_id = t.initial.state_details.deployment_concurrency_lease_id
    if lease_id and t.proposed.state_details.deployment_concurrency_lease_id is None:
        t.propose(t.proposed.with_details(deployment_concurrency_lease_id=lease_id))


@rule()
def prevent_duplicate_transitions(t: Transition[FlowRun]) -> None:
    """Answer a repeated request (same transition id) with the state that the first one left."""
    if t.initial is None or t.proposed is None:
        return
    transition_id = t.proposed.state_details.transition_id
    if transition_id is not None and transition_id == t.initial.state_details.transition_id:
        t.reject(None, "This run has already made this state transition.")


@rule(
    from_states={StateType.PENDING, StateType.CANCELLING, StateType.RUNNING, StateType.CANCELLED},
    to_states={StateType.PENDING},
)
def prevent_pending_transitions(t: Transition[FlowRun | TaskRun]) -> None:
    """Let only one worker submit a run: PENDING is the lock between them.

    The one that holds it may go on to named stages (Submitting, InfrastructurePending); they keep the scheduled time
    and the lease.
    """
    if t.initial is None or t.proposed is None:
        return
    is_next_stage = t.initial.name != t.proposed.name and t.proposed.name != "Pending"
    if t.initial.type is StateType.PENDING and is_next_stage:
        held = t.initial.state_details
        t.propose(
            t.proposed.with_details(
                scheduled_time=held.scheduled_time,
                deployment_concurrency_lease_id=held.deployment_concurrency_lease_id,
            )
        )
        return
    t.abort(f"This run is in a {t.initial.type.name} state and cannot transition to a PENDING state.")


@rule(to_states={StateType.SCHEDULED})
def ensure_only_scheduled_flows_marked_late(t: Transition[FlowRun]) -> None:
    """Mark only scheduled runs late, and each once."""
    if t.initial is None or t.proposed is None or t.proposed.name != "Late":
        return
    if t.initial.type is not StateType.SCHEDULED:
        t.reject(None, "Only scheduled flows can be marked late.")
    elif t.initial.name == "Late":
        t.reject(None, "This flow run is already marked late.")


@rule(to_states={StateType.RUNNING})
def prevent_running_tasks_from_stopped_flows(t: Transition[TaskRun]) -> None:
    """Start task runs only while their flow run runs; while it is paused they wait as PAUSED "NotReady"."""
    flow_run = t.facts.flow_run()
    if flow_run is None:
        return
    state = flow_run.state
    if state is not None and state.type is StateType.PAUSED:
        details = StateDetails(
            pause_timeout=state.state_details.pause_timeout, pause_reschedule=state.state_details.pause_reschedule
        )
        t.reject(
            StateCreate(type=StateType.PAUSED, name="NotReady", state_details=details),
            f"The flow is paused, new tasks can execute after resuming flow run: {flow_run.id}.",
        )
    elif state is None or state.type is not StateType.RUNNING:
        t.abort("The enclosing flow must be running to begin task execution.")
