"""What pages of flows ask for beside the lists."""

from __future__ import annotations

from uuid import UUID

from flowctl.db.database import Tx
from flowctl.domain.list_queries import FlowIds
from flowctl.domain.run_history import SimpleNextFlowRun
from flowctl.ops import ui as ops
from flowctl.server.endpoint import Routes

routes = Routes("/ui/flows", tag="UI")


@routes.read("POST", "/count-deployments")
def count_deployments_by_flow(tx: Tx, body: FlowIds) -> dict[UUID, int]:
    """Count the deployments of each flow."""
    return ops.count_deployments(tx, body.flow_ids)


@routes.read("POST", "/next-runs")
def next_runs_by_flow(tx: Tx, body: FlowIds) -> dict[UUID, SimpleNextFlowRun | None]:
    """Get the scheduled run of each flow that is due first."""
    return ops.next_runs(tx, body.flow_ids)
