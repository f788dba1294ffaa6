"""Flows: create, read, update and delete."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID

from flowctl.db.database import Tx
from flowctl.db.queries import deletion
from flowctl.db.tables import flows as table
from flowctl.domain.errors import NotFound
from flowctl.domain.flows import Flow, FlowCreate, FlowUpdate
from flowctl.domain.values import JSONObject
from flowctl.ops import flow_runs, lifecycle_events
from flowctl.ops.steps import ROWS_A_STEP, Steps


@dataclass(slots=True, kw_only=True)
class FlowBulkDeleteResponse:
    """The ids of the flows that were deleted."""

    deleted: list[UUID] = field(default_factory=list[UUID])


def create(tx: Tx, body: FlowCreate) -> tuple[Flow, bool]:
    """Create a flow, or find the one of that name; also tells whether it is new."""
    if existing := table.by_name(tx, body.name):
        return existing, False
    flow = Flow(id=tx.new_id(), created=tx.now, updated=tx.now, name=body.name, tags=body.tags, labels=body.labels)
    table.insert(tx, flow)
    _emit(tx, flow, "created")
    return flow, True


def read(tx: Tx, id: UUID) -> Flow:
    """A flow by its id.  Raises NotFound."""
    flow = table.get(tx, id)
    if flow is None:
        raise NotFound("Flow not found")
    return flow


def read_by_name(tx: Tx, name: str) -> Flow:
    """A flow by its name.  Raises NotFound."""
    flow = table.by_name(tx, name)
    if flow is None:
        raise NotFound("Flow not found")
    return flow


def update(tx: Tx, id: UUID, body: FlowUpdate) -> None:
    """Set what is present in the body.  Raises NotFound."""
    read(tx, id)
    table.update(tx, id, **body)
    _emit(tx, read(tx, id), "updated")


def delete(tx: Tx, id: UUID) -> Steps[None]:
    """Delete a flow with its runs and deployments, in bounded steps.  Raises NotFound."""
    flow = read(tx, id)
    tx = yield from _delete(tx, flow)


def delete_many(tx: Tx, flows: Sequence[Flow]) -> Steps[FlowBulkDeleteResponse]:
    """Delete flows with their runs and deployments, in bounded steps; answers what was deleted."""
    response = FlowBulkDeleteResponse()
    for flow in flows:
        tx = yield from _delete(tx, flow)
        response.deleted.append(flow.id)
    return response


def _delete(tx: Tx, flow: Flow) -> Steps[Tx]:
    """Delete one flow; returns the transaction to go on with.

    As in Prefect the logs of its runs, and their artifacts, outlive it; the logs for as long as `ops/retention.py`
    leaves them.
    """
    while run_ids := deletion.flow_run_ids(tx, flow.id, limit=50):
        for run_id in run_ids:
            tx = yield from flow_runs.delete_steps(tx, run_id, keep_log=True)
        tx = yield ROWS_A_STEP
    deletion.delete_deployments(tx, flow.id)
    if table.delete(tx, flow.id):
        _emit(tx, flow, "deleted")
    return tx


def _emit(tx: Tx, flow: Flow, action: str) -> None:
    """Announce `prefect.flow.<action>` (Prefect: events/schemas/lifecycle.py)."""
    payload: JSONObject = {"name": flow.name, "tags": flow.tags, "labels": flow.labels}
    lifecycle_events.emit(tx, f"prefect.flow.{action}", f"prefect.flow.{flow.id}", flow.name, payload)
