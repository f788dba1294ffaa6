"""Workers: how they report, which makes a pool READY; lists; deletion."""

from __future__ import annotations

from flowctl.db.columns import Rows
from flowctl.db.database import Tx
from flowctl.db.tables import work_pools as pools_table
from flowctl.db.tables import work_queues as queues_table
from flowctl.db.tables import workers as table
from flowctl.domain.errors import NotFound
from flowctl.domain.work_pools import WorkPoolCreate, WorkPoolStatus
from flowctl.domain.worker_channel import CAPABILITIES, VERSION, Hello, Ready, ResolvedQueue, Snapshot
from flowctl.domain.workers import Worker, WorkerFilter
from flowctl.ops import job_variables, work_pool_events, work_pools, work_queues


def note_heartbeat(tx: Tx, work_pool_name: str, name: str, interval_seconds: int | None) -> None:
    """Note that a worker of a pool lives, whether it was known or not; a pool that was NOT_READY becomes READY.

    Raises NotFound.
    source  Prefect: POST /work_pools/{name}/workers/heartbeat
    """
    pool = work_pools.require(tx, work_pool_name)
    table.note_heartbeat(tx, pool.id, name, interval_seconds)
    if pool.status is WorkPoolStatus.NOT_READY:
        work_pool_events.set_status(tx, pool.id, WorkPoolStatus.READY)


def greet(tx: Tx, work_pool_name: str, hello: Hello) -> Ready:
    """Note that a worker lives, and tell it its pool and queues.

    Where the worker wants it, the pool is made; and one without a template gets the worker's.
    Raises NotFound for the pool and for a queue, Forbidden and Invalid for a pool that may not be made.
    source  Prefect: the websocket /work_pools/{name}/workers/connect
    """
    if hello.create_pool_if_not_found and not pools_table.by_name(tx, work_pool_name):
        template = hello.default_base_job_template
        body = WorkPoolCreate(name=work_pool_name, type=hello.worker_type, base_job_template=template)
        work_pools.create(tx, body, tells_status=False)  # it is READY in a moment
    pool = work_pools.require(tx, work_pool_name)
    if hello.work_queue_names:
        names = dict.fromkeys(hello.work_queue_names)
        queues = [work_queues.read_in_pool(tx, work_pool_name, name) for name in names]
    else:
        queues = list(queues_table.of_pool(tx, pool.id))
    note_heartbeat(tx, work_pool_name, hello.worker_name, hello.heartbeat_interval_seconds)
    if not pool.base_job_template and hello.default_base_job_template:
        job_variables.check_defaults(hello.default_base_job_template)
        work_pools.update(tx, work_pool_name, {"base_job_template": hello.default_base_job_template})
    wanted = dict.fromkeys(hello.requested_capabilities)
    snapshot = Snapshot(snapshot_sequence=1, reason="initial", work_pool=work_pools.read(tx, work_pool_name))
    return Ready(
        consumer_id=hello.consumer_id,
        worker_id=None,
        selected_channel_version=VERSION,
        effective_heartbeat_interval_seconds=hello.heartbeat_interval_seconds,
        accepted_capabilities=list(CAPABILITIES),
        rejected_capabilities=[name for name in wanted if name not in CAPABILITIES],
        effective_max_cleanup_concurrency=0,
        resolved_work_queues=[ResolvedQueue(id=queue.id, name=queue.name) for queue in queues],
        initial_snapshot=snapshot,
    )


def find(tx: Tx, work_pool_name: str, filter: WorkerFilter | None, *, limit: int, offset: int) -> Rows[Worker]:
    """List workers of a pool, the one heard of last first.  Raises NotFound."""
    return table.find(tx, work_pools.require(tx, work_pool_name).id, filter, limit=limit, offset=offset)


def delete(tx: Tx, work_pool_name: str, name: str) -> None:
    """Forget a worker.  Raises NotFound; one that lives comes back with its next heartbeat."""
    if not table.delete(tx, work_pools.require(tx, work_pool_name).id, name):
        raise NotFound("Worker not found.")
