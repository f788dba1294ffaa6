"""Workers of a work pool."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from flowctl.db.columns import Rows
from flowctl.db.database import Tx
from flowctl.domain.values import NonNegative
from flowctl.domain.workers import Worker, WorkerFilter
from flowctl.ops import workers as ops
from flowctl.ops.pages import size
from flowctl.server.endpoint import Routes

routes = Routes("/work_pools", tag="Work Pools")


@dataclass(slots=True, kw_only=True)
class Heartbeat:
    """Body of `heartbeat`."""

    NULL_IS_DEFAULT: ClassVar[bool] = True

    name: str
    heartbeat_interval_seconds: int | None = None


@dataclass(slots=True, kw_only=True)
class WorkersQuery:
    """Body of `filter`."""

    NULL_IS_DEFAULT: ClassVar[bool] = True

    workers: WorkerFilter | None = None
    limit: int | None = None
    offset: NonNegative = 0


@routes.write("POST", "/{work_pool_name}/workers/heartbeat", status=204)
def worker_heartbeat(tx: Tx, work_pool_name: str, body: Heartbeat) -> None:
    """Note that a worker lives."""
    ops.note_heartbeat(tx, work_pool_name, body.name, body.heartbeat_interval_seconds)


@routes.read("POST", "/{work_pool_name}/workers/filter")
def read_workers(tx: Tx, work_pool_name: str, body: WorkersQuery) -> Rows[Worker]:
    """List the workers of a pool, the one heard of last first."""
    return ops.find(tx, work_pool_name, body.workers, limit=size(tx, body.limit), offset=body.offset)


@routes.write("DELETE", "/{work_pool_name}/workers/{name}")
def delete_worker(tx: Tx, work_pool_name: str, name: str) -> None:
    """Forget a worker."""
    ops.delete(tx, work_pool_name, name)
