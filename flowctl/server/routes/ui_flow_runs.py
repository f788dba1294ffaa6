"""What pages of flow runs ask for beside the lists."""

from __future__ import annotations

from uuid import UUID

from flowctl.db.columns import Rows
from flowctl.db.database import Tx
from flowctl.domain.list_queries import DashboardFlowRuns, FlowRunIds
from flowctl.domain.run_history import SimpleFlowRun
from flowctl.ops import ui as ops
from flowctl.server.endpoint import Routes

routes = Routes("/ui/flow_runs", tag="UI")


@routes.read("POST", "/history")
def read_flow_run_history(tx: Tx, body: DashboardFlowRuns) -> Rows[SimpleFlowRun]:
    """List flow runs as points of a chart."""
    return ops.flow_run_history(tx, body.criteria(), sort=body.sort, limit=body.size, offset=body.offset)


@routes.read("POST", "/count-task-runs")
def count_task_runs_by_flow_run(tx: Tx, body: FlowRunIds) -> dict[UUID, int]:
    """Count the task runs of each flow run, subflows aside."""
    return ops.count_task_runs(tx, body.flow_run_ids)
