"""Flow runs: create, read, update, delete, states, inputs and labels; lists are in `flow_run_lists`."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar
from uuid import UUID

from flowctl.db.columns import Rows
from flowctl.db.database import Tx
from flowctl.domain.flow_runs import FlowRun, FlowRunCreate, FlowRunInput, FlowRunUpdate
from flowctl.domain.orchestration import OrchestrationResult
from flowctl.domain.states import SetState
from flowctl.domain.values import JSONObject, KeyValueLabels
from flowctl.ops import flow_run_inputs, set_state
from flowctl.ops import flow_runs as ops
from flowctl.ops.steps import Steps
from flowctl.server.endpoint import Call, Reply, Routes

routes = Routes("/flow_runs", tag="Flow Runs")


@dataclass(slots=True, kw_only=True)
class Resume:
    """Body of `resume`: the answer to a pause that asked for input."""

    NULL_IS_DEFAULT: ClassVar[bool] = True

    run_input: JSONObject | None = None


@dataclass(slots=True, kw_only=True)
class InputCreate:
    """Body of `POST …/input`; `value` is JSON text."""

    NULL_IS_DEFAULT: ClassVar[bool] = True

    key: str
    value: str
    sender: str | None = None


@dataclass(slots=True, kw_only=True)
class InputQuery:
    """Body of `POST …/input/filter`."""

    NULL_IS_DEFAULT: ClassVar[bool] = True

    prefix: str
    limit: int = 1
    exclude_keys: list[str] = field(default_factory=list[str])


@routes.write("POST", "/", status=201)
def create_flow_run(tx: Tx, body: FlowRunCreate, call: Call) -> Reply[FlowRun]:
    """Create a flow run, or find the one with this idempotency key (200)."""
    run, created = ops.create(tx, body, client=call.client, created_by=call.created_by)
    return Reply(run, status=201 if created else 200)


@routes.read("GET", "/{id}", quick=True)
def read_flow_run(tx: Tx, id: UUID) -> FlowRun:
    """Get a flow run by its id."""
    return ops.read(tx, id)


@routes.write("PATCH", "/{id}")
def update_flow_run(tx: Tx, id: UUID, body: FlowRunUpdate) -> None:
    """Set the fields that are sent."""
    ops.update(tx, id, body)


@routes.write("DELETE", "/{id}")
def delete_flow_run(tx: Tx, id: UUID) -> Steps[None]:
    """Delete a flow run with its task runs, states, inputs and logs."""
    return ops.delete(tx, id)


@routes.write("POST", "/{id}/set_state", not_found_key="exception_message")
def set_flow_run_state(tx: Tx, id: UUID, body: SetState, call: Call) -> Reply[OrchestrationResult]:
    """Propose a state; 201 if one was written, which need not be the one proposed."""
    result = set_state.set_flow_run_state(tx, id, body.state, force=body.force, client=call.client)
    if call.context.runner_processes is not None and not body.force:
        executor = call.scope if call.client.prefect_version else None
        call.context.runner_processes.note(id, result, executor)
    return Reply(result, status=201 if result.created else 200)


@routes.write("POST", "/{id}/resume")
def resume_flow_run(tx: Tx, id: UUID, body: Resume, call: Call) -> Reply[OrchestrationResult]:
    """Resume a paused flow run, with the input that it waits for."""
    result = set_state.resume_flow_run(tx, id, run_input=body.run_input, client=call.client)
    return Reply(result, status=201 if result.created else 200)


@routes.write("PATCH", "/{id}/labels", not_found_key="exception_message")
def update_flow_run_labels(tx: Tx, id: UUID, body: KeyValueLabels) -> None:
    """Merge labels into those of a flow run."""
    ops.update_labels(tx, id, body)


@routes.write("POST", "/{id}/input", status=201)
def create_flow_run_input(tx: Tx, id: UUID, body: InputCreate) -> Reply[None]:
    """Store an input of a flow run."""
    flow_run_inputs.create(tx, id, body.key, body.value, body.sender)
    return Reply(None, status=201)


@routes.read("POST", "/{id}/input/filter")
def filter_flow_run_input(tx: Tx, id: UUID, body: InputQuery) -> Rows[FlowRunInput]:
    """List inputs whose key begins with a prefix."""
    return flow_run_inputs.find(tx, id, body.prefix, limit=body.limit, exclude_keys=body.exclude_keys)


@routes.read("GET", "/{id}/input/{key}", quick=True)
def read_flow_run_input(tx: Tx, id: UUID, key: str) -> Reply[str]:
    """Get the value of an input, as plain text."""
    return Reply.raw(flow_run_inputs.read(tx, id, key).value, media_type="text/plain; charset=utf-8")


@routes.write("DELETE", "/{id}/input/{key}")
def delete_flow_run_input(tx: Tx, id: UUID, key: str) -> None:
    """Delete an input."""
    flow_run_inputs.delete(tx, id, key)
