"""Flows: create, read, update and delete; lists are in `flow_lists`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar
from uuid import UUID

from annotated_types import Ge, Le

from flowctl.db.database import Tx
from flowctl.domain.criteria import Criteria
from flowctl.domain.flow_filters import FlowFilter, FlowSort
from flowctl.domain.flows import Flow, FlowCreate, FlowUpdate
from flowctl.ops import flow_lists
from flowctl.ops import flows as ops
from flowctl.ops.steps import Steps
from flowctl.server.endpoint import Reply, Routes

routes = Routes("/flows", tag="Flows")

BULK_LIMIT = 50
"""Flows that one request may delete (Prefect: BULK_OPERATION_LIMIT)."""


@dataclass(slots=True, kw_only=True)
class BulkDelete:
    """Body of `bulk_delete`."""

    NULL_IS_DEFAULT: ClassVar[bool] = True

    flows: FlowFilter | None = None
    limit: Annotated[int, Ge(1), Le(BULK_LIMIT)] = BULK_LIMIT


@routes.write("POST", "/", status=201)
def create_flow(tx: Tx, body: FlowCreate) -> Reply[Flow]:
    """Create a flow, or find the one of that name (200)."""
    flow, created = ops.create(tx, body)
    return Reply(flow, status=201 if created else 200)


@routes.read("GET", "/{id}", quick=True)
def read_flow(tx: Tx, id: UUID) -> Flow:
    """Get a flow by its id."""
    return ops.read(tx, id)


@routes.read("GET", "/name/{name}", quick=True)
def read_flow_by_name(tx: Tx, name: str) -> Flow:
    """Get a flow by its name."""
    return ops.read_by_name(tx, name)


@routes.write("PATCH", "/{id}")
def update_flow(tx: Tx, id: UUID, body: FlowUpdate) -> None:
    """Set the tags of a flow."""
    ops.update(tx, id, body)


@routes.write("DELETE", "/{id}")
def delete_flow(tx: Tx, id: UUID) -> Steps[None]:
    """Delete a flow with its deployments and runs."""
    return ops.delete(tx, id)


@routes.write("POST", "/bulk_delete")
def bulk_delete_flows(tx: Tx, body: BulkDelete) -> Steps[ops.FlowBulkDeleteResponse]:
    """Delete the flows that match a filter, with their deployments and runs."""
    found = flow_lists.find(tx, Criteria(flows=body.flows), sort=FlowSort.NAME_ASC, limit=body.limit, offset=0)
    return ops.delete_many(tx, list(found))
