"""Work queues by their ids, as agents knew them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar
from uuid import UUID

from flowctl.db.database import Tx
from flowctl.domain.flow_runs import FlowRun
from flowctl.domain.list_queries import PageNumber
from flowctl.domain.values import NonNegative
from flowctl.domain.work_pool_filters import WorkQueueFilter
from flowctl.domain.work_pool_slots import WorkQueueConcurrencyStatus
from flowctl.domain.work_pools import WorkQueueCreate, WorkQueueResponse, WorkQueueStatusDetail, WorkQueueUpdate
from flowctl.ops import work_pool_runs, work_pool_slots, work_pools
from flowctl.ops import work_queues as ops
from flowctl.ops.pages import size
from flowctl.ops.steps import Steps
from flowctl.server.endpoint import Call, Routes

routes = Routes("/work_queues", tag="Work Queues")


@dataclass(slots=True, kw_only=True)
class QueuesQuery:
    """Body of `filter`."""

    NULL_IS_DEFAULT: ClassVar[bool] = True

    work_queues: WorkQueueFilter | None = None
    limit: int | None = None
    offset: NonNegative = 0


@dataclass(slots=True, kw_only=True)
class RunsQuery:
    """Body of `get_runs`."""

    NULL_IS_DEFAULT: ClassVar[bool] = True

    limit: int | None = None
    scheduled_before: datetime | None = None


@dataclass(slots=True, kw_only=True)
class ConcurrencyQuery:
    """Body of `concurrency_status`: a page of the runs."""

    NULL_IS_DEFAULT: ClassVar[bool] = True

    page: PageNumber = 1
    limit: int | None = None


@routes.write("POST", "/", status=201)
def create_work_queue(tx: Tx, body: WorkQueueCreate) -> WorkQueueResponse:
    """Create a queue in the pool for agents."""
    return work_pools.create_queue_for_agents(tx, body)


@routes.write("PATCH", "/{id}")
def update_work_queue(tx: Tx, id: UUID, body: WorkQueueUpdate) -> None:
    """Set the fields that are sent."""
    ops.update(tx, id, body)


@routes.read("GET", "/name/{name}")
def read_work_queue_by_name(tx: Tx, name: str) -> WorkQueueResponse:
    """Get a queue by its name."""
    return ops.read_by_name(tx, name)


@routes.read("GET", "/{id}")
def read_work_queue(tx: Tx, id: UUID) -> WorkQueueResponse:
    """Get a queue by its id."""
    return ops.read(tx, id)


@routes.write("POST", "/{id}/get_runs", status=200, not_found_key="exception_message")
def read_work_queue_runs(tx: Tx, id: UUID, body: RunsQuery, call: Call) -> list[FlowRun]:
    """List the runs that may start; the queue and its deployments become READY, unless a dashboard asks."""
    is_dashboard = (call.header("x-prefect-ui") or "").lower() in ("true", "1", "yes", "on", "t", "y")
    return work_pool_runs.find_in_queue(
        tx, id, scheduled_before=body.scheduled_before, limit=size(tx, body.limit), is_poll=not is_dashboard
    )


@routes.read("POST", "/filter")
def read_work_queues(tx: Tx, body: QueuesQuery) -> list[WorkQueueResponse]:
    """List queues of all pools by name."""
    return ops.find(tx, body.work_queues, limit=size(tx, body.limit), offset=body.offset)


@routes.write("DELETE", "/{id}")
def delete_work_queue(tx: Tx, id: UUID) -> Steps[None]:
    """Delete a queue."""
    return ops.delete(tx, id)


@routes.read("POST", "/{id}/concurrency_status")
def read_work_queue_concurrency_status(tx: Tx, id: UUID, body: ConcurrencyQuery) -> WorkQueueConcurrencyStatus:
    """Tell which runs hold the slots of a queue."""
    return work_pool_slots.read_queue_status(tx, id, page=body.page, limit=size(tx, body.limit))


@routes.read("GET", "/{id}/status", not_found_key="exception_message")
def read_work_queue_status(tx: Tx, id: UUID) -> WorkQueueStatusDetail:
    """Tell whether a queue is polled and has no late runs."""
    return ops.read_status(tx, id)
