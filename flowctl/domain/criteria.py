"""Criteria: one filter per resource, combined.

A resource without a filter does not narrow a list.  An empty filter does: `task_runs=TaskRunFilter()` asks for flow
runs that have a task run.
"""

from __future__ import annotations

from dataclasses import dataclass

from flowctl.domain.deployment_filters import DeploymentFilter
from flowctl.domain.flow_filters import FlowFilter
from flowctl.domain.flow_run_filters import FlowRunFilter
from flowctl.domain.task_run_filters import TaskRunFilter
from flowctl.domain.work_pool_filters import WorkPoolFilter, WorkQueueFilter


@dataclass(slots=True, kw_only=True)
class Criteria:
    """Which flows, flow runs or task runs: those that meet every filter, by what they belong to or contain."""

    flows: FlowFilter | None = None
    flow_runs: FlowRunFilter | None = None
    task_runs: TaskRunFilter | None = None
    deployments: DeploymentFilter | None = None
    work_pools: WorkPoolFilter | None = None
    work_queues: WorkQueueFilter | None = None
