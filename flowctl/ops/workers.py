"""Workers: their heartbeats, which make a pool READY; lists; deletion."""

from __future__ import annotations

from flowctl.db.columns import Rows
from flowctl.db.database import Tx
from flowctl.db.tables import workers as table
from flowctl.domain.errors import NotFound
from flowctl.domain.work_pools import WorkPoolStatus
from flowctl.domain.workers import Worker, WorkerFilter
from flowctl.ops import work_pool_events, work_pools


def note_heartbeat(tx: Tx, work_pool_name: str, name: str, interval_seconds: int | None) -> None:
    """Note that a worker of a pool lives, whether it was known or not; a pool that was NOT_READY becomes READY.

    Raises NotFound.
    source  Prefect: POST /work_pools/{name}/workers/heartbeat
    """
    pool = work_pools.require(tx, work_pool_name)
    table.note_heartbeat(tx, pool.id, name, interval_seconds)
    if pool.status is WorkPoolStatus.NOT_READY:
        work_pool_events.set_status(tx, pool.id, WorkPoolStatus.READY)


def find(tx: Tx, work_pool_name: str, filter: WorkerFilter | None, *, limit: int, offset: int) -> Rows[Worker]:
    """List workers of a pool, the one heard of last first.  Raises NotFound."""
    return table.find(tx, work_pools.require(tx, work_pool_name).id, filter, limit=limit, offset=offset)


def delete(tx: Tx, work_pool_name: str, name: str) -> None:
    """Forget a worker.  Raises NotFound; one that lives comes back with its next heartbeat."""
    if not table.delete(tx, work_pools.require(tx, work_pool_name).id, name):
        raise NotFound("Worker not found.")
