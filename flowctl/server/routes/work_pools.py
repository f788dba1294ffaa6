"""Work pools and their queues."""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import datetime
from typing import Annotated, Any, ClassVar

from annotated_types import Ge, Le

from flowctl.db.database import Tx
from flowctl.domain.list_queries import PageNumber
from flowctl.domain.values import NonNegative
from flowctl.domain.work_pool_filters import WorkPoolFilter, WorkQueueFilter
from flowctl.domain.work_pool_slots import WorkPoolConcurrencyStatus
from flowctl.domain.work_pools import (
    WorkPool,
    WorkPoolCreate,
    WorkPoolUpdate,
    WorkQueueCreate,
    WorkQueueResponse,
    WorkQueueUpdate,
)
from flowctl.domain.workers import WorkerFlowRun
from flowctl.ops import work_pool_runs, work_pool_slots, work_queues
from flowctl.ops import work_pools as ops
from flowctl.ops.pages import size
from flowctl.ops.steps import Steps
from flowctl.server.endpoint import Call, Reply, Routes

routes = Routes("/work_pools", tag="Work Pools")


@dataclass(slots=True, kw_only=True)
class WorkPoolsCount:
    """Body of `count`."""

    NULL_IS_DEFAULT: ClassVar[bool] = True

    work_pools: WorkPoolFilter | None = None


@dataclass(slots=True, kw_only=True)
class WorkPoolsQuery(WorkPoolsCount):
    """Body of `filter`."""

    limit: int | None = None
    offset: NonNegative = 0


@dataclass(slots=True, kw_only=True)
class QueuesQuery:
    """Body of `POST …/queues/filter`."""

    NULL_IS_DEFAULT: ClassVar[bool] = True

    work_queues: WorkQueueFilter | None = None
    limit: int | None = None
    offset: NonNegative = 0


@dataclass(slots=True, kw_only=True)
class ConcurrencyQuery:
    """Body of `concurrency_status`: a page of the pool's queues, and how many runs of each."""

    NULL_IS_DEFAULT: ClassVar[bool] = True

    page: PageNumber = 1
    limit: int | None = None
    flow_run_limit: Annotated[int, Ge(0), Le(200)] = 10


@dataclass(slots=True, kw_only=True)
class ScheduledRunsQuery:
    """Body of `get_scheduled_flow_runs`."""

    NULL_IS_DEFAULT: ClassVar[bool] = True

    work_queue_names: list[str] | None = None
    scheduled_before: datetime | None = None
    scheduled_after: datetime | None = None
    limit: int | None = None


@routes.write("POST", "/", status=201)
def create_work_pool(tx: Tx, body: WorkPoolCreate, call: Call) -> Reply[WorkPool]:
    """Create a work pool with its default queue."""
    return Reply(_for_client(ops.create(tx, body), call), status=201)


@routes.read("GET", "/{name}")
def read_work_pool(tx: Tx, name: str, call: Call) -> Reply[WorkPool]:
    """Get a work pool by its name."""
    return Reply(_for_client(ops.read(tx, name), call))


@routes.write("PATCH", "/{name}")
def update_work_pool(tx: Tx, name: str, body: WorkPoolUpdate) -> None:
    """Set the fields that are sent."""
    ops.update(tx, name, body)


@routes.write("DELETE", "/{name}")
def delete_work_pool(tx: Tx, name: str) -> Steps[None]:
    """Delete a work pool with its queues and workers."""
    return ops.delete(tx, name)


@routes.read("POST", "/filter")
def read_work_pools(tx: Tx, body: WorkPoolsQuery, call: Call) -> Reply[list[WorkPool]]:
    """List work pools by name."""
    pools = ops.find(tx, body.work_pools, limit=size(tx, body.limit), offset=body.offset)
    return Reply([_for_client(pool, call) for pool in pools])


@routes.read("POST", "/count")
def count_work_pools(tx: Tx, body: WorkPoolsCount) -> int:
    """Count work pools."""
    return ops.count(tx, body.work_pools)


@routes.read("POST", "/{name}/concurrency_status")
def read_work_pool_concurrency_status(tx: Tx, name: str, body: ConcurrencyQuery) -> WorkPoolConcurrencyStatus:
    """Tell which runs hold the slots of a work pool and of its queues."""
    limit = size(tx, body.limit)
    return work_pool_slots.read_pool_status(tx, name, page=body.page, limit=limit, flow_run_limit=body.flow_run_limit)


@routes.write("POST", "/{name}/get_scheduled_flow_runs", status=200)
def get_scheduled_flow_runs(tx: Tx, name: str, body: ScheduledRunsQuery) -> list[WorkerFlowRun]:
    """List the runs that a worker may take; its queues and their deployments become READY."""
    return work_pool_runs.find_scheduled(
        tx,
        name,
        body.work_queue_names,
        scheduled_before=body.scheduled_before,
        scheduled_after=body.scheduled_after,
        limit=size(tx, body.limit),
    )


@routes.write("POST", "/{work_pool_name}/queues", status=201)
def create_work_queue(tx: Tx, work_pool_name: str, body: WorkQueueCreate) -> WorkQueueResponse:
    """Create a queue in a work pool."""
    return work_queues.create_in_pool(tx, work_pool_name, body)


@routes.read("GET", "/{work_pool_name}/queues/{name}")
def read_work_queue(tx: Tx, work_pool_name: str, name: str) -> WorkQueueResponse:
    """Get a queue of a work pool by its name."""
    return work_queues.read_in_pool(tx, work_pool_name, name)


@routes.read("POST", "/{work_pool_name}/queues/filter")
def read_work_queues(tx: Tx, work_pool_name: str, body: QueuesQuery) -> list[WorkQueueResponse]:
    """List the queues of a work pool by priority."""
    return work_queues.find_in_pool(
        tx, work_pool_name, body.work_queues, limit=size(tx, body.limit), offset=body.offset
    )


@routes.write("PATCH", "/{work_pool_name}/queues/{name}")
def update_work_queue(tx: Tx, work_pool_name: str, name: str, body: WorkQueueUpdate) -> None:
    """Set the fields that are sent."""
    work_queues.update_in_pool(tx, work_pool_name, name, body)


@routes.write("DELETE", "/{work_pool_name}/queues/{name}")
def delete_work_queue(tx: Tx, work_pool_name: str, name: str) -> Steps[None]:
    """Delete a queue of a work pool."""
    return work_queues.delete_in_pool(tx, work_pool_name, name)


def _for_client(pool: WorkPool, call: Call) -> Any:
    """A pool as a client understands it: up to 3.3.7 they refuse a storage configuration with a block for results."""
    version = call.client.prefect_version
    if version is None or _numbers(version) > (3, 3, 7):
        return pool
    storage = pool.storage_configuration
    return {
        **{field.name: getattr(pool, field.name) for field in fields(pool)},
        "storage_configuration": {
            "bundle_upload_step": storage.bundle_upload_step,
            "bundle_execution_step": storage.bundle_execution_step,
        },
    }


def _numbers(version: str) -> tuple[int, ...]:
    """`3.3.7` or `3.4.0rc1` -> its numbers; what follows them does not count."""
    return tuple(int("".join(filter(str.isdigit, part[:3])) or 0) for part in version.split(".")[:3])
