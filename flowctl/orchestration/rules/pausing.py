"""Pausing and suspending flow runs, and what follows a pause."""

from __future__ import annotations

from flowctl.domain.flow_runs import FlowRun
from flowctl.domain.states import StateType, failed
from flowctl.orchestration.effects import MarkResuming, RecordPauseKey
from flowctl.orchestration.transition import Transition, rule


@rule(to_states={StateType.PAUSED})
def handle_pausing_flows(t: Transition[FlowRun]) -> None:
    """Pause a running flow run, once for each pause key; only runs of a deployment can be suspended.

    A run that was resumed comes to the same pause again: the rejection lets it pass.
    """
    if t.proposed is None:
        return
    verb = "suspend" if t.proposed.name == "Suspended" else "pause"
    if t.initial is None:
        t.abort(f"Cannot {verb} flows with no state.")
        return
    if t.initial.type is not StateType.RUNNING:
        t.reject(None, f"Cannot {verb} flows that are not currently running.")
        return
    details = t.proposed.state_details
    key = str(t.new_id()) if details.pause_key is None else details.pause_key
    if key in (t.run.empirical_policy.pause_keys or ()):
        t.reject(None, f"This {verb} has already fired.")
    elif details.pause_reschedule and t.run.parent_task_run_id:
        t.abort(f"Cannot {verb} subflows.")
    elif details.pause_reschedule and t.run.deployment_id is None:
        t.abort(f"Cannot {verb} flows without a deployment.")
    else:
        t.then(RecordPauseKey(key))


@rule(from_states={StateType.PAUSED})
def handle_resuming_paused_flows(t: Transition[FlowRun]) -> None:
    """Let a paused flow run go on or end, but not after its timeout."""
    if t.initial is None or t.proposed is None:
        return
    # Prefect marks the run as resuming whatever this rule answers, a rejection included.
    t.then(MarkResuming())
    proposed = t.proposed
    if not (proposed.type in (StateType.RUNNING, StateType.SCHEDULED) or proposed.is_final):
        t.reject(
            None,
            # Clients see the names of Prefect's enumeration here.
            f"This run cannot transition to the StateType.{proposed.type.name} state"
            f" from the StateType.{t.initial.type.name} state.",
        )
        return
    verb = "suspend" if proposed.name == "Suspended" else "pause"
    shown = proposed.name.lower()
    paused = t.initial.state_details
    if paused.pause_reschedule and not t.run.deployment_id:
        t.reject(None, f"Cannot reschedule a {shown} flow run without a deployment.")
    elif paused.pause_timeout and paused.pause_timeout < t.now:
        t.reject(
            failed(f"The flow was {shown} and never resumed."),
            f"The flow run {verb} has timed out and can no longer resume.",
        )
