"""Work pools."""

from __future__ import annotations

from flowctl.db.database import Tx
from flowctl.domain.work_pools import WorkPool, WorkPoolCreate, WorkQueueCreate, WorkQueueResponse
from flowctl.ops import work_pools as ops
from flowctl.ops import work_queues
from flowctl.server.endpoint import Routes

routes = Routes("/work_pools", tag="Work Pools")


@routes.write("POST", "/", status=201)
def create_work_pool(tx: Tx, body: WorkPoolCreate) -> WorkPool:
    """Create a work pool with its default queue."""
    return ops.create(tx, body)


@routes.write("POST", "/{work_pool_name}/queues", status=201)
def create_work_queue(tx: Tx, work_pool_name: str, body: WorkQueueCreate) -> WorkQueueResponse:
    """Create a queue in a work pool."""
    return work_queues.create_in_pool(tx, work_pool_name, body)
