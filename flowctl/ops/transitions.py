"""Makes a transition: decides on a state and applies the decision, for flow runs and task runs alike.

State row, run row, effects and event are written in the caller's transaction.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from random import SystemRandom
from typing import Any

from flowctl.db.database import Tx
from flowctl.db.facts import DbFacts
from flowctl.db.tables import flow_runs, states, task_runs
from flowctl.domain.flow_runs import FlowRun
from flowctl.domain.orchestration import (
    Client,
    OrchestrationResult,
    SetStateStatus,
    StateAbortDetails,
    StateAcceptDetails,
    StateRejectDetails,
    StateResponseDetails,
    StateWaitDetails,
)
from flowctl.domain.states import State, awaiting_retry, is_unpersisted
from flowctl.domain.task_runs import TaskRun
from flowctl.ops import effects, lifecycle_events
from flowctl.orchestration.bookkeeping import FLOW_BOOKKEEPING, TASK_BOOKKEEPING
from flowctl.orchestration.effects import Effect, ResetFailedTaskRuns, UpdateParentTaskRun
from flowctl.orchestration.engine import decide
from flowctl.orchestration.policies import MINIMAL_FLOW, MINIMAL_TASK, FlowPolicy, TaskPolicy
from flowctl.orchestration.transition import Decision, Transition

_RANDOM = SystemRandom()

_FLOW_RUN_FIELDS = (
    "state_id",
    "state_type",
    "state_name",
    "run_count",
    "expected_start_time",
    "next_scheduled_start_time",
    "start_time",
    "end_time",
    "total_run_time",
    "empirical_policy",
)
_TASK_RUN_FIELDS = (*_FLOW_RUN_FIELDS, "flow_run_run_count")


def of_flow_run(
    tx: Tx, run: FlowRun, state: State, policy: FlowPolicy, *, client: Client | None = None
) -> OrchestrationResult:
    """Put a flow run into a state, as far as the policy lets it."""
    decision = _decide_flow_run(tx, run, state, policy, client)
    written = decision.state
    changes = _changes(run, decision.run, _FLOW_RUN_FIELDS)
    if written is not None:
        changes["state_timestamp"] = written.timestamp
    if changes:
        flow_runs.update(tx, run.id, **changes)
    _write_flow_run_state(tx, decision)
    return _result(decision)


def start_flow_run(tx: Tx, run: FlowRun, state: State, *, client: Client | None = None) -> FlowRun:
    """Store a new flow run in its first state, which is forced; returns the run as it is stored.

    Raises Conflict if its flow knows the idempotency key.
    """
    decision = _decide_flow_run(tx, run, state, MINIMAL_FLOW, client)
    flow_runs.insert(tx, decision.run)
    _write_flow_run_state(tx, decision)
    return decision.run


def _decide_flow_run(
    tx: Tx, run: FlowRun, state: State, policy: FlowPolicy, client: Client | None
) -> Decision[FlowRun]:
    transition = Transition(
        run,
        run.state,
        state,
        facts=DbFacts(tx, run),
        now=tx.now,
        config=tx.settings.orchestration,
        new_id=tx.new_time_id,
        random=_RANDOM,
        client=client,
    )
    return decide(transition, policy, FLOW_BOOKKEEPING)


def _write_flow_run_state(tx: Tx, decision: Decision[FlowRun]) -> None:
    """Store the decided state, if any, do what follows from the decision, and announce it."""
    written = decision.state
    if written is not None:
        states.insert_flow_run_state(tx, decision.run.id, _as_stored(written))
    _perform(tx, decision)
    if written is not None:
        lifecycle_events.emit_flow_run_state(tx, decision.run, decision.initial, written)


def of_task_run(
    tx: Tx, run: TaskRun, state: State, policy: TaskPolicy, *, client: Client | None = None
) -> OrchestrationResult:
    """Put a task run into a state, as far as the policy lets it."""
    transition = Transition(
        run,
        run.state,
        state,
        facts=DbFacts(tx, run),
        now=tx.now,
        config=tx.settings.orchestration,
        new_id=tx.new_time_id,
        random=_RANDOM,
        client=client,
    )
    decision = decide(transition, policy, TASK_BOOKKEEPING)
    written = decision.state
    changes = _changes(run, decision.run, _TASK_RUN_FIELDS)
    if written is not None:
        states.insert_task_run_state(tx, run.id, _as_stored(written))
        changes["state_timestamp"] = written.timestamp
    if changes:
        task_runs.update(tx, run.id, **changes)
    _perform(tx, decision)
    return _result(decision)


def _changes(before: FlowRun | TaskRun, after: FlowRun | TaskRun, names: tuple[str, ...]) -> dict[str, Any]:
    return {name: value for name in names if (value := getattr(after, name)) != getattr(before, name)}


def _as_stored(state: State) -> State:
    """The state as later readers see it: a result that was not persisted is nothing to them (as in Prefect)."""
    return replace(state, data=None) if is_unpersisted(state.data) else state


def _result(decision: Decision[FlowRun] | Decision[TaskRun]) -> OrchestrationResult:
    return OrchestrationResult(
        state=decision.state or decision.initial,
        status=decision.status,
        details=_details(decision),
        written=decision.state is not None,
    )


def _details(decision: Decision[FlowRun] | Decision[TaskRun]) -> StateResponseDetails:
    match decision.status:
        case SetStateStatus.ACCEPT:
            return StateAcceptDetails()
        case SetStateStatus.REJECT:
            return StateRejectDetails(reason=decision.reason)
        case SetStateStatus.ABORT:
            return StateAbortDetails(reason=decision.reason)
        case SetStateStatus.WAIT:
            return StateWaitDetails(delay_seconds=decision.delay_seconds or 0, reason=decision.reason)


# -- effects


def _perform(tx: Tx, decision: Decision[FlowRun] | Decision[TaskRun]) -> None:
    for effect in decision.effects:
        _PERFORM[type(effect)](tx, effect, decision)


def _update_parent_task_run(tx: Tx, effect: UpdateParentTaskRun, decision: effects.AnyDecision) -> None:
    """Force a copy of a subflow's state on the placeholder task run, unless that was deleted."""
    parent = task_runs.get(tx, effect.task_run_id)
    if parent is not None:
        of_task_run(tx, parent, effect.state, MINIMAL_TASK)


def _reset_failed_task_runs(tx: Tx, effect: ResetFailedTaskRuns, decision: effects.AnyDecision) -> None:
    """Schedule the failed task runs again, for clients that loop over them."""
    for run in task_runs.failed_of_flow_run(tx, effect.flow_run_id):
        state = awaiting_retry(effect.scheduled_time).at(tx.now, tx.new_time_id())
        of_task_run(tx, run, state, MINIMAL_TASK)
        task_runs.update(tx, run.id, run_count=0)


_PERFORM: dict[type[Effect], Callable[[Tx, Any, effects.AnyDecision], None]] = {
    **effects.PERFORM,
    UpdateParentTaskRun: _update_parent_task_run,
    ResetFailedTaskRuns: _reset_failed_task_runs,
}
