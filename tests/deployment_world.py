"""Flows and deployments for tests that need some."""

from __future__ import annotations

from typing import Any

from flowctl.db.database import Tx
from flowctl.domain.deployments import Deployment, DeploymentScheduleCreate
from flowctl.domain.flows import FlowCreate
from flowctl.domain.schedules import CronSchedule, IntervalSchedule
from flowctl.domain.work_pools import WorkPool, WorkPoolCreate
from flowctl.ops import deployments, flows, work_pools

TEMPLATE: dict[str, Any] = {
    "job_configuration": {"command": "{{ command }}"},
    "variables": {
        "type": "object",
        "properties": {"command": {"type": "string", "default": "run"}, "n": {"type": "integer"}},
    },
}


def make_flow(tx: Tx, name: str = "etl", **fields: Any) -> Any:
    return flows.create(tx, FlowCreate(name=name, **fields))[0]


def deploy(tx: Tx, name: str = "nightly", flow: str = "etl", **fields: Any) -> Deployment:
    """Create or change a deployment."""
    return deployments.create(tx, {"name": name, "flow_id": make_flow(tx, flow).id, **fields})[0]  # type: ignore[typeddict-item]


def make_pool(tx: Tx, name: str = "pool", **fields: Any) -> WorkPool:
    return work_pools.create(tx, WorkPoolCreate(name=name, type="process", base_job_template=TEMPLATE, **fields))


def cron(line: str, **fields: Any) -> DeploymentScheduleCreate:
    return DeploymentScheduleCreate(schedule=CronSchedule(cron=line), **fields)


def every(seconds: float, **fields: Any) -> DeploymentScheduleCreate:
    return DeploymentScheduleCreate(schedule=IntervalSchedule(interval=seconds), **fields)
