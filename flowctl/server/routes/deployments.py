"""Deployments: create, read, update, delete, pause and resume; lists; their runs are in `deployment_runs`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar
from uuid import UUID

from annotated_types import Ge, Le

from flowctl.db.database import Tx
from flowctl.domain.criteria import Criteria
from flowctl.domain.deployment_filters import DeploymentFilter, DeploymentSort
from flowctl.domain.deployments import (
    Deployment,
    DeploymentBulkDeleteResponse,
    DeploymentCreateBody,
    DeploymentSchedule,
    DeploymentScheduleCreate,
    DeploymentScheduleUpdate,
    DeploymentUpdateBody,
)
from flowctl.domain.list_queries import FlowRunsCount, PageNumber
from flowctl.domain.values import NonNegative
from flowctl.domain.work_pools import WorkQueue
from flowctl.ops import deployment_lists as lists
from flowctl.ops import deployment_schedules
from flowctl.ops import deployments as ops
from flowctl.ops.pages import Page, size
from flowctl.server.endpoint import Reply, Routes

routes = Routes("/deployments", tag="Deployments")

MOST_AT_ONCE = 50
"""Deployments that one bulk operation may touch."""


@dataclass(slots=True, kw_only=True)
class DeploymentsQuery(FlowRunsCount):
    """Body of `filter`."""

    sort: DeploymentSort = DeploymentSort.NAME_ASC
    limit: int | None = None
    offset: NonNegative = 0


@dataclass(slots=True, kw_only=True)
class DeploymentsPage(FlowRunsCount):
    """Body of `paginate`."""

    sort: DeploymentSort = DeploymentSort.NAME_ASC
    limit: int | None = None
    page: PageNumber = 1


@dataclass(slots=True, kw_only=True)
class BulkDelete:
    """Body of `bulk_delete`."""

    NULL_IS_DEFAULT: ClassVar[bool] = True

    deployments: DeploymentFilter | None = None
    limit: Annotated[int, Ge(1), Le(MOST_AT_ONCE)] = MOST_AT_ONCE


@routes.write("POST", "/", status=201)
def create_deployment(tx: Tx, body: DeploymentCreateBody) -> Reply[Deployment]:
    """Create a deployment, or change the one of that flow and name (200)."""
    deployment, created = ops.create(tx, body)
    return Reply(deployment, status=201 if created else 200)


@routes.write("PATCH", "/{id}")
def update_deployment(tx: Tx, id: UUID, body: DeploymentUpdateBody) -> None:
    """Set the fields that are sent."""
    ops.update(tx, id, body)


@routes.read("GET", "/name/{flow_name}/{deployment_name}")
def read_deployment_by_name(tx: Tx, flow_name: str, deployment_name: str) -> Deployment:
    """Get a deployment by the names of its flow and itself."""
    return ops.read_by_name(tx, flow_name, deployment_name)


@routes.read("GET", "/{id}")
def read_deployment(tx: Tx, id: UUID) -> Deployment:
    """Get a deployment by its id."""
    return ops.read(tx, id)


@routes.read("POST", "/filter")
def read_deployments(tx: Tx, body: DeploymentsQuery) -> list[Deployment]:
    """List deployments."""
    return lists.find(tx, body.criteria(), sort=body.sort, limit=size(tx, body.limit), offset=body.offset)


@routes.read("POST", "/paginate")
def paginate_deployments(tx: Tx, body: DeploymentsPage) -> Page[Deployment]:
    """Get one page of the deployments, with the number of pages."""
    return lists.paginate(tx, body.criteria(), sort=body.sort, limit=size(tx, body.limit), page=body.page)


@routes.read("POST", "/count")
def count_deployments(tx: Tx, body: FlowRunsCount) -> int:
    """Count deployments."""
    return lists.count(tx, body.criteria())


@routes.write("DELETE", "/{id}")
def delete_deployment(tx: Tx, id: UUID) -> None:
    """Delete a deployment, and its runs that have not started."""
    ops.delete(tx, id)


@routes.write("POST", "/bulk_delete")
def bulk_delete_deployments(tx: Tx, body: BulkDelete) -> DeploymentBulkDeleteResponse:
    """Delete deployments that match a filter."""
    criteria = Criteria(deployments=body.deployments)
    return ops.delete_many(tx, lists.find(tx, criteria, sort=DeploymentSort.NAME_ASC, limit=body.limit, offset=0))


@routes.write("POST", "/{id}/resume_deployment", status=200)
def resume_deployment(tx: Tx, id: UUID) -> None:
    """Let the schedules of a deployment go on."""
    ops.resume(tx, id)


@routes.write("POST", "/{id}/pause_deployment", status=200)
def pause_deployment(tx: Tx, id: UUID) -> None:
    """Let the schedules of a deployment rest, and delete the runs that they had made due."""
    ops.pause(tx, id)


@routes.read("GET", "/{id}/work_queue_check")
def work_queue_check_for_deployment(tx: Tx, id: UUID) -> list[WorkQueue]:
    """List the work queues that would take a deployment (deprecated)."""
    return ops.suitable_work_queues(tx, id)


@routes.read("GET", "/{id}/schedules")
def read_deployment_schedules(tx: Tx, id: UUID) -> list[DeploymentSchedule]:
    """List the schedules of a deployment."""
    return deployment_schedules.find(tx, id)


@routes.write("POST", "/{id}/schedules", status=201)
def create_deployment_schedules(tx: Tx, id: UUID, body: list[DeploymentScheduleCreate]) -> list[DeploymentSchedule]:
    """Add schedules to a deployment."""
    return deployment_schedules.create(tx, id, body)


@routes.write("PATCH", "/{id}/schedules/{schedule_id}")
def update_deployment_schedule(tx: Tx, id: UUID, schedule_id: UUID, body: DeploymentScheduleUpdate) -> None:
    """Change a schedule."""
    deployment_schedules.update(tx, id, schedule_id, body)


@routes.write("DELETE", "/{id}/schedules/{schedule_id}")
def delete_deployment_schedule(tx: Tx, id: UUID, schedule_id: UUID) -> None:
    """Delete a schedule."""
    deployment_schedules.delete(tx, id, schedule_id)
