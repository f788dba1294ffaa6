"""Runs that are over: which of them may go on, and results that must not be lost."""

from __future__ import annotations

from dataclasses import replace
from typing import cast

from flowctl.domain.flow_runs import FlowRun
from flowctl.domain.states import TERMINAL, State, StateType
from flowctl.domain.task_runs import TaskRun
from flowctl.domain.values import JSONObject, JSONValue
from flowctl.orchestration.transition import Transition, rule

NOT_AFTER_THE_END = frozenset({StateType.CANCELLING, StateType.PAUSED, StateType.CRASHED})


@rule(from_states=TERMINAL)
def handle_flow_terminal_state_transitions(t: Transition[FlowRun]) -> None:
    """Let a finished flow run start again, unless its result would be lost, and with its pauses forgotten."""
    if t.initial is None or t.proposed is None:
        return
    proposed = t.proposed
    if proposed.type in NOT_AFTER_THE_END:
        t.abort(f"Run is already in terminal state {t.initial.type.value}.")
    elif not proposed.is_final and _holds_result(t.initial):
        t.reject(None, "Run is already COMPLETED.")
    elif _loses_result(t.initial, proposed):
        _reject_loss(t)
    elif proposed.type is StateType.SCHEDULED and not t.run.deployment_id:
        t.abort("Cannot reschedule a run without an associated deployment.")
    elif not proposed.is_final and t.client.speaks(0, 8, 4):
        t.change(
            empirical_policy=replace(
                t.run.empirical_policy,
                resuming=False,
                pause_keys=[],
                retry_type="reschedule" if proposed.type is StateType.SCHEDULED else None,
            )
        )


@rule(from_states=TERMINAL, to_states=TERMINAL)
def prevent_result_data_loss(t: Transition[FlowRun]) -> None:
    """Keep a COMPLETED state with a result from being replaced by one without, also when forced."""
    if t.initial is not None and t.proposed is not None and _loses_result(t.initial, t.proposed):
        _reject_loss(t)


@rule(from_states=TERMINAL)
def handle_task_terminal_state_transitions(t: Transition[TaskRun]) -> None:
    """Let a finished task run start again, with its retries before it, unless it is COMPLETED with a result."""
    if t.initial is None or t.proposed is None:
        return
    proposed = t.proposed
    if proposed.type in NOT_AFTER_THE_END:
        t.abort(f"Run is already {t.initial.type.value}.")
        return
    if _holds_result(t.initial):
        t.reject(None, "This run is already completed.")
        return
    if not proposed.is_final:
        t.change(run_count=0)
    if proposed.type is StateType.RUNNING:
        flow_run = t.facts.flow_run()
        if flow_run is not None and t.run.flow_run_run_count < flow_run.run_count:
            t.propose(replace(proposed, name="Retrying"))  # another attempt of the flow run takes it along


def _holds_result(state: State) -> bool:
    return state.type is StateType.COMPLETED and bool(state.data) and _is_persisted(state.data)


def _loses_result(initial: State, proposed: State) -> bool:
    return proposed.type is StateType.COMPLETED and _holds_result(initial) and not _is_persisted(proposed.data)


def _is_persisted(data: JSONValue) -> bool:
    """Whether data is result metadata that points somewhere; a client may also have stored any other JSON."""
    return isinstance(data, dict) and cast("JSONObject", data).get("type") != "unpersisted"


def _reject_loss(t: Transition[FlowRun]) -> None:
    t.reject(None, "Cannot overwrite a COMPLETED state that carries persisted result data with one that does not.")
