"""Runs of deployments: made on request, by schedule, and handed to runners."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar
from uuid import UUID

from flowctl.db.columns import Rows
from flowctl.db.database import Tx
from flowctl.domain.deployments import DeploymentFlowRunCreate, FlowRunBulkCreateResponse
from flowctl.domain.flow_runs import FlowRun
from flowctl.ops import deployment_runs as ops
from flowctl.ops import scheduling
from flowctl.ops.pages import size
from flowctl.server.endpoint import Call, Reply, Routes

routes = Routes("/deployments", tag="Deployments")


@dataclass(slots=True, kw_only=True)
class ScheduledRunsQuery:
    """Body of `get_scheduled_flow_runs`."""

    NULL_IS_DEFAULT: ClassVar[bool] = True

    deployment_ids: list[UUID]
    scheduled_before: datetime | None = None
    limit: int | None = None


@dataclass(slots=True, kw_only=True)
class ScheduleRuns:
    """Body of `schedule`; `min_time` in seconds."""

    NULL_IS_DEFAULT: ClassVar[bool] = True

    start_time: datetime | None = None
    end_time: datetime | None = None
    min_time: float | None = None
    min_runs: int | None = None
    max_runs: int | None = None


@routes.write("POST", "/get_scheduled_flow_runs", status=200)
def get_scheduled_flow_runs_for_deployments(tx: Tx, body: ScheduledRunsQuery) -> Rows[FlowRun]:
    """List the runs of some deployments that are due, for a runner; makes the deployments READY."""
    limit = size(tx, body.limit)
    return ops.find_scheduled(tx, body.deployment_ids, scheduled_before=body.scheduled_before, limit=limit)


@routes.write("POST", "/{id}/schedule", status=200)
def schedule_deployment(tx: Tx, id: UUID, body: ScheduleRuns) -> None:
    """Make the runs of a deployment's schedules in a window; for backfills, in the past."""
    scheduling.schedule_runs(
        tx,
        id,
        start=body.start_time,
        end=body.end_time,
        min_time=None if body.min_time is None else timedelta(seconds=body.min_time),
        min_runs=body.min_runs,
        max_runs=body.max_runs,
    )


@routes.write("POST", "/{id}/create_flow_run", status=201)
def create_flow_run_from_deployment(tx: Tx, id: UUID, body: DeploymentFlowRunCreate, call: Call) -> Reply[FlowRun]:
    """Make a run of a deployment, or find the one with this idempotency key (200)."""
    run, created = ops.create(tx, id, body, client=call.client, created_by=call.created_by)
    return Reply(run, status=201 if created else 200)


@routes.write("POST", "/{id}/create_flow_run/bulk", status=200)
def bulk_create_flow_runs_from_deployment(
    tx: Tx, id: UUID, body: list[DeploymentFlowRunCreate], call: Call
) -> FlowRunBulkCreateResponse:
    """Make several runs of a deployment."""
    return ops.create_many(tx, id, body, client=call.client, created_by=call.created_by)
