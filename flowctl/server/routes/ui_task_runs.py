"""What pages of task runs ask for beside the lists."""

from __future__ import annotations

from uuid import UUID

from flowctl.db.database import Tx
from flowctl.domain.list_queries import DashboardTaskRuns, TaskRunsCount
from flowctl.domain.run_history import CountByState, TaskRunCount
from flowctl.ops import ui as ops
from flowctl.ops.ui import UITaskRun
from flowctl.server.endpoint import Routes

routes = Routes("/ui/task_runs", tag="UI")


@routes.read("POST", "/dashboard/counts")
def read_dashboard_task_run_counts(tx: Tx, body: DashboardTaskRuns) -> list[TaskRunCount]:
    """Count the task runs that completed and that failed in each twentieth of a span of time."""
    return ops.task_run_counts(tx, body.criteria())


@routes.read("POST", "/count")
def read_task_run_counts_by_state(tx: Tx, body: TaskRunsCount) -> CountByState:
    """Count task runs by type of state."""
    return ops.count_by_state(tx, body.criteria())


@routes.read("GET", "/{id}")
def read_task_run_with_flow_run_name(tx: Tx, id: UUID) -> UITaskRun:
    """Get a task run with the name of its flow run."""
    return ops.read_task_run(tx, id)
