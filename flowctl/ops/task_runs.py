"""Task runs over HTTP: create, read, update and delete; most arrive as events (`recorder`)."""

from __future__ import annotations

from uuid import UUID

from flowctl.db.database import Tx
from flowctl.db.queries import deletion
from flowctl.db.tables import flow_runs
from flowctl.db.tables import task_runs as table
from flowctl.domain import states
from flowctl.domain.errors import INTEGRITY, Conflict, NotFound
from flowctl.domain.task_runs import TaskRun, TaskRunCreate, TaskRunUpdate
from flowctl.domain.values import KeyValueLabels
from flowctl.ops import set_state
from flowctl.ops.flow_runs import made_up_name
from flowctl.ops.steps import ROWS_A_STEP, Steps


def create(tx: Tx, body: TaskRunCreate) -> tuple[TaskRun, bool]:
    """Create a task run, or find the one with the same flow run and keys; also tells whether it is new.

    Its first state is forced.  Raises Conflict if its flow run is gone or its id is taken.
    """
    existing = table.by_natural_key(tx, body.flow_run_id, body.task_key, body.dynamic_key)
    if existing:
        return existing, False
    run = TaskRun(
        id=body.id or tx.new_time_id(),
        created=tx.now,
        updated=tx.now,
        name=body.name or made_up_name(),
        flow_run_id=body.flow_run_id,
        task_key=body.task_key,
        dynamic_key=body.dynamic_key,
        cache_key=body.cache_key,
        cache_expiration=body.cache_expiration,
        task_version=body.task_version,
        empirical_policy=body.empirical_policy,
        tags=body.tags,
        labels=_labels(tx, body),
        task_inputs=body.task_inputs,
    )
    table.insert(tx, run)
    set_state.set_task_run_state(tx, run.id, body.state or states.pending(), force=True)
    return read(tx, run.id), True


def read(tx: Tx, id: UUID) -> TaskRun:
    """A task run by its id.  Raises NotFound."""
    run = table.get(tx, id)
    if run is None:
        raise NotFound("Task not found")
    return run


def update(tx: Tx, id: UUID, body: TaskRunUpdate) -> None:
    """Set what is present in the body.  Raises NotFound."""
    if not table.update(tx, id, **body):
        raise NotFound("Task run not found")


def delete(tx: Tx, id: UUID) -> Steps[None]:
    """Delete a task run with its states and logs, in bounded steps.  Raises NotFound."""
    read(tx, id)
    while (rows := deletion.delete_task_run(tx, id, limit=ROWS_A_STEP)) >= ROWS_A_STEP:
        tx = yield rows


def _labels(tx: Tx, body: TaskRunCreate) -> KeyValueLabels:
    """Labels of the flow run, its id, and the client's own, the last of which count most."""
    if body.flow_run_id is None:
        return body.labels or {}
    flow_run = flow_runs.get(tx, body.flow_run_id)
    if flow_run is None:
        raise Conflict(INTEGRITY)
    return {**(flow_run.labels or {}), "prefect.flow-run.id": str(body.flow_run_id), **(body.labels or {})}
