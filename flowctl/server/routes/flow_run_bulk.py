"""Flow runs: operations on all that a filter matches."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

from annotated_types import Ge, Le

from flowctl.db.database import Tx
from flowctl.domain.flow_run_filters import FlowRunFilter
from flowctl.domain.states import StateCreate
from flowctl.ops import flow_run_bulk as ops
from flowctl.ops.flow_runs import FlowRunBulkDeleteResponse
from flowctl.ops.steps import Steps
from flowctl.server.endpoint import Call, Routes

routes = Routes("/flow_runs", tag="Flow Runs")


@dataclass(slots=True, kw_only=True)
class BulkDelete:
    """Body of `bulk_delete`."""

    NULL_IS_DEFAULT: ClassVar[bool] = True

    flow_runs: FlowRunFilter | None = None
    limit: Annotated[int, Ge(1), Le(ops.LIMIT)] = ops.LIMIT


@dataclass(slots=True, kw_only=True)
class BulkSetState:
    """Body of `bulk_set_state`."""

    NULL_IS_DEFAULT: ClassVar[bool] = True

    state: StateCreate
    flow_runs: FlowRunFilter | None = None
    force: bool = False
    limit: Annotated[int, Ge(1), Le(ops.LIMIT)] = ops.LIMIT


@routes.write("POST", "/bulk_delete")
def bulk_delete_flow_runs(tx: Tx, body: BulkDelete) -> Steps[FlowRunBulkDeleteResponse]:
    """Delete the flow runs that match a filter, with what hangs on them."""
    return ops.delete(tx, body.flow_runs, limit=body.limit)


@routes.write("POST", "/bulk_set_state")
def bulk_set_flow_run_state(tx: Tx, body: BulkSetState, call: Call) -> Steps[ops.FlowRunBulkSetStateResponse]:
    """Propose a state to each of the flow runs that match a filter."""
    return ops.propose_state(tx, body.flow_runs, body.state, force=body.force, limit=body.limit, client=call.client)
