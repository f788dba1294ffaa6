"""Task runs: create, read, update, delete and states; lists are in `task_run_lists`."""

from __future__ import annotations

from uuid import UUID

from flowctl.db.database import Tx
from flowctl.domain.orchestration import OrchestrationResult
from flowctl.domain.states import SetState
from flowctl.domain.task_runs import TaskRun, TaskRunCreate, TaskRunUpdate
from flowctl.ops import set_state
from flowctl.ops import task_runs as ops
from flowctl.ops.steps import Steps
from flowctl.server.endpoint import Call, Reply, Routes

routes = Routes("/task_runs", tag="Task Runs")


@routes.write("POST", "/", status=201)
def create_task_run(tx: Tx, body: TaskRunCreate) -> Reply[TaskRun]:
    """Create a task run, or find the one with the same flow run, task key and dynamic key (200)."""
    run, created = ops.create(tx, body)
    return Reply(run, status=201 if created else 200)


@routes.read("GET", "/{id}", quick=True)
def read_task_run(tx: Tx, id: UUID) -> TaskRun:
    """Get a task run by its id."""
    return ops.read(tx, id)


@routes.write("PATCH", "/{id}")
def update_task_run(tx: Tx, id: UUID, body: TaskRunUpdate) -> None:
    """Rename a task run."""
    ops.update(tx, id, body)


@routes.write("DELETE", "/{id}")
def delete_task_run(tx: Tx, id: UUID) -> Steps[None]:
    """Delete a task run with its states and logs."""
    return ops.delete(tx, id)


@routes.write("POST", "/{id}/set_state", not_found_key="exception_message")
def set_task_run_state(tx: Tx, id: UUID, body: SetState, call: Call) -> Reply[OrchestrationResult]:
    """Propose a state; 201 if one was written, which need not be the one proposed."""
    result = set_state.set_task_run_state(tx, id, body.state, force=body.force, client=call.client)
    return Reply(result, status=201 if result.created else 200)
