"""Puts flow runs and task runs into states that somebody proposes, and resumes paused flow runs."""

from __future__ import annotations

import json
from uuid import UUID

from flowctl.db.database import Tx
from flowctl.db.tables import concurrency_limits, flow_run_inputs, flow_runs, task_runs
from flowctl.domain import hydration, parameter_schema, states, templates
from flowctl.domain.errors import NotFound
from flowctl.domain.flow_runs import FlowRun
from flowctl.domain.orchestration import Client, OrchestrationResult, SetStateStatus, StateAbortDetails
from flowctl.domain.states import State, StateCreate, StateType
from flowctl.domain.values import JSONObject
from flowctl.ops import flow_run_inputs as inputs
from flowctl.ops import leases, transitions, variables
from flowctl.orchestration.bookkeeping import HOLDS_DEPLOYMENT_SLOT
from flowctl.orchestration.policies import (
    BACKGROUND_TASK,
    CORE_FLOW,
    CORE_TASK,
    MINIMAL_FLOW,
    MINIMAL_TASK,
    FlowPolicy,
)


def set_flow_run_state(
    tx: Tx,
    id: UUID,
    state: StateCreate,
    *,
    force: bool = False,
    client: Client | None = None,
    policy: FlowPolicy = CORE_FLOW,
) -> OrchestrationResult:
    """Propose a state for a flow run.  The answer tells what became of it, and whether a state was written.

    force   skip the rules, but for those that keep results and cancel at once what nothing executes
    policy  the rules when it is not forced (`MARK_LATE` for the late-runs service)
    Raises NotFound.
    source  Prefect: POST /flow_runs/{id}/set_state
    """
    run = flow_runs.get(tx, id)
    if run is None:
        raise NotFound(f"Flow run with id {id} not found")
    proposed = state.at(tx.now, tx.new_time_id())
    return transitions.of_flow_run(tx, run, proposed, MINIMAL_FLOW if force else policy, client=client)


def set_task_run_state(
    tx: Tx, id: UUID, state: StateCreate, *, force: bool = False, client: Client | None = None
) -> OrchestrationResult:
    """Propose a state for a task run.  The answer tells what became of it, and whether a state was written.

    A `deferred` state is one of a background task, for which rules hold even when it is forced.
    Raises NotFound.
    source  Prefect: POST /task_runs/{id}/set_state
    """
    run = task_runs.get(tx, id)
    if run is None:
        raise NotFound(f"Task run with id {id} not found")
    policy = MINIMAL_TASK if force else CORE_TASK
    if state.state_details.deferred:
        policy = BACKGROUND_TASK
    return transitions.of_task_run(tx, run, state.at(tx.now, tx.new_time_id()), policy, client=client)


def resume_flow_run(
    tx: Tx, id: UUID, *, run_input: JSONObject | None = None, client: Client | None = None
) -> OrchestrationResult:
    """Let a paused flow run go on: at once, or rescheduled as "Resuming" if its process has ended.

    run_input  what the pause waits for; checked against the schema that the run has stored, and stored for it
    Raises NotFound.
    source     Prefect: POST /flow_runs/{id}/resume
    """
    run = flow_runs.get(tx, id)
    if run is None:
        raise NotFound(f"Flow run with id {id} not found")
    if run.state is None or run.state.type is not StateType.PAUSED:
        return _refused("Cannot resume a flow run that is not paused.", None, SetStateStatus.ABORT)
    keyset = run.state.state_details.run_input_keyset
    values: JSONObject = {}
    if keyset:
        try:
            values = hydration.hydrate(
                run_input or {}, variables=variables.Values(tx), render=lambda text: templates.render(text, {})
            )
            parameter_schema.validate(values, _stored_schema(tx, run, keyset["schema"]))
        except hydration.HydrationError as error:
            return _refused(f"Error hydrating run input: {error}", run.state)
        except parameter_schema.SchemaProblem as error:
            return _refused(str(error), run.state)
        except parameter_schema.Mismatch as error:
            return _refused(f"Reason: {error}", run.state)
    if run.state.state_details.pause_reschedule:
        proposed = states.scheduled(tx.now, name="Resuming")
    else:
        proposed = states.running()
    result = set_flow_run_state(tx, id, proposed, client=client)
    if keyset and values and result.status is SetStateStatus.ACCEPT:
        inputs.create(tx, id, keyset["response"], json.dumps(values, separators=(",", ":"), ensure_ascii=False), None)
    return result


def release_slots(tx: Tx, flow_run_id: UUID) -> None:
    """Give back the slots that a flow run and its task runs hold; it is about to be deleted."""
    run = flow_runs.get(tx, flow_run_id)
    if run is None:
        return
    if run.deployment_id is not None and run.state is not None and run.state.type in HOLDS_DEPLOYMENT_SLOT:
        leases.release_deployment_slot(tx, run, run.state.state_details.deployment_concurrency_lease_id)
    for lease in concurrency_limits.leases_of_task_runs(tx, flow_run_id):
        leases.release(tx, lease)


def _stored_schema(tx: Tx, run: FlowRun, key: str) -> JSONObject:
    stored = flow_run_inputs.by_key(tx, run.id, key)
    if stored is None:
        raise parameter_schema.SchemaProblem("Run input schema not found.")
    try:
        return json.loads(stored.value)
    except ValueError:
        raise parameter_schema.SchemaProblem("Run input schema is not valid JSON.") from None


def _refused(reason: str, state: State | None, status: SetStateStatus = SetStateStatus.REJECT) -> OrchestrationResult:
    return OrchestrationResult(state=state, status=status, details=StateAbortDetails(reason=reason))
