"""Work pools: create, read, list, update, delete; and the queue that a deployment or a run names."""

from __future__ import annotations

from uuid import UUID

from flowctl.db.database import Tx
from flowctl.db.queries import work_queue_references as references
from flowctl.db.tables import work_pools as table
from flowctl.db.tables import work_queues as queues_table
from flowctl.db.tables import workers
from flowctl.domain.errors import INTEGRITY, Conflict, Forbidden, Invalid, NotFound
from flowctl.domain.values import JSONObject
from flowctl.domain.work_pool_filters import WorkPoolFilter
from flowctl.domain.work_pools import (
    AGENT_POOL,
    AGENT_TYPE,
    DEFAULT_QUEUE,
    WorkPool,
    WorkPoolCreate,
    WorkPoolStatus,
    WorkPoolUpdate,
    WorkQueueCreate,
    WorkQueueResponse,
    check_template,
)
from flowctl.ops import job_variables, work_pool_events, work_pool_slots, work_queues
from flowctl.ops.steps import ROWS_A_STEP, Steps


def create(tx: Tx, body: WorkPoolCreate, *, tells_status: bool = True) -> WorkPool:
    """Create a work pool with its default queue.

    tells_status  announce the status that it begins with
    Raises Forbidden for names that Prefect keeps to itself, Invalid for a template that contradicts itself or has
    defaults that do not fit, Conflict if the name is taken.
    source  Prefect: POST /work_pools/
    """
    if _is_reserved(body.name):
        raise Forbidden("Work pools starting with 'Prefect' are reserved for internal use.")
    _check_template(body.base_job_template)
    job_variables.check_defaults(body.base_job_template)
    return _create(tx, body, tells_status=tells_status)


def read(tx: Tx, name: str) -> WorkPool:
    """A pool by its name, with its taken slots.  Raises NotFound."""
    return work_pool_slots.counted_pool(tx, require(tx, name))


def require(tx: Tx, name: str) -> WorkPool:
    """A pool by its name as it is stored.  Raises NotFound."""
    pool = table.by_name(tx, name)
    if pool is None:
        raise NotFound(f'Work pool "{name}" not found.')
    return pool


def find(tx: Tx, filter: WorkPoolFilter | None, *, limit: int, offset: int) -> list[WorkPool]:
    """List pools that match, by name."""
    return work_pool_slots.counted_pools(tx, table.find(tx, filter, limit=limit, offset=offset))


def count(tx: Tx, filter: WorkPoolFilter | None) -> int:
    """Count pools that match."""
    return table.count(tx, filter)


def update(tx: Tx, name: str, body: WorkPoolUpdate) -> None:
    """Set what is present in the body.  A pool that is no longer paused is READY if it has workers.

    Raises Forbidden for what Prefect keeps to itself, NotFound, Invalid, and Conflict for null where a value has to be.
    source  Prefect: PATCH /work_pools/{name}
    """
    if _is_reserved(name) and set(body) - {"is_paused", "concurrency_limit"}:
        raise Forbidden(
            "Work pools starting with 'Prefect' are reserved for internal use "
            "and can only be updated to set concurrency limits or pause."
        )
    changes: JSONObject = dict(body)
    if "base_job_template" in body:
        _check_template(body["base_job_template"])
    before = require(tx, name)
    if any(changes.get(key, ...) is None for key in ("is_paused", "storage_configuration")):
        raise Conflict(INTEGRITY)
    table.update(tx, before.id, **changes)
    if "is_paused" in changes and before.type != AGENT_TYPE:
        work_pool_events.set_status(tx, before.id, _status(tx, before.id, is_paused=changes["is_paused"]))
    work_pool_events.emit_pool_changes(tx, before, table.get(tx, before.id) or before)


def delete(tx: Tx, name: str) -> Steps[None]:
    """Delete a pool with its queues and workers; deployments and runs that name them have none afterwards.

    Raises Forbidden for what Prefect keeps to itself, NotFound.
    """
    if _is_reserved(name):
        raise Forbidden("Work pools starting with 'Prefect' are reserved for internal use and can not be deleted.")
    pool = require(tx, name)
    for queue in queues_table.of_pool(tx, pool.id):
        while (rows := references.clear(tx, queue.id, limit=ROWS_A_STEP)) >= ROWS_A_STEP:
            tx = yield rows
    for queue in queues_table.of_pool(tx, pool.id):  # also those that somebody made between the steps
        while references.clear(tx, queue.id, limit=ROWS_A_STEP) >= ROWS_A_STEP:
            pass
        queues_table.delete(tx, queue.id)
        work_pool_events.emit_queue(tx, queue, "deleted", pool)
    workers.delete_all(tx, pool.id)
    if table.delete(tx, pool.id):
        work_pool_events.emit_pool(tx, pool, "deleted")


def _status(tx: Tx, id: UUID, *, is_paused: bool) -> WorkPoolStatus:
    if is_paused:
        return WorkPoolStatus.PAUSED
    return WorkPoolStatus.READY if workers.has_online(tx, id) else WorkPoolStatus.NOT_READY


def _is_reserved(name: str) -> bool:
    return name.lower().startswith("prefect")


def queue_id(tx: Tx, work_pool_name: str | None, work_queue_name: str | None) -> UUID | None:
    """The id of a queue by the names of its pool and itself; a queue that is not there is made, a pool is not.

    Without the queue's name it is the pool's default queue; without the pool's, a queue of `default-agent-pool`, which
    is made too.  Without either: None.  Raises NotFound for an unknown pool.
    """
    if work_pool_name is None:
        return _agent_queue_id(tx, work_queue_name) if work_queue_name else None
    pool = require(tx, work_pool_name)
    if work_queue_name is None:
        return pool.default_queue_id
    found = queues_table.by_name(tx, pool.id, work_queue_name)
    return found.id if found else work_queues.create(tx, pool, work_queue_name).id


def create_queue_for_agents(tx: Tx, body: WorkQueueCreate) -> WorkQueueResponse:
    """Make a queue in `default-agent-pool`, which is made too.  Raises Conflict if it has a queue of that name.

    source  Prefect: POST /work_queues/
    """
    pool = table.agents(tx)
    if pool is None:
        pool = _create(tx, WorkPoolCreate(name=AGENT_POOL, type=AGENT_TYPE))
        if body.name == DEFAULT_QUEUE:
            return work_queues.read_in_pool(tx, AGENT_POOL, DEFAULT_QUEUE)
    return work_queues.create_from(tx, pool, body, taken="A work queue with this name already exists.")


def _agent_queue_id(tx: Tx, name: str) -> UUID | None:
    pool = table.agents(tx) or _create(tx, WorkPoolCreate(name=AGENT_POOL, type=AGENT_TYPE))
    if name == DEFAULT_QUEUE:
        return pool.default_queue_id
    found = queues_table.by_name(tx, pool.id, name)
    return found.id if found else work_queues.create(tx, pool, name, priority=1).id


def _create(tx: Tx, body: WorkPoolCreate, *, tells_status: bool = True) -> WorkPool:
    if table.by_name(tx, body.name):
        raise Conflict("A work pool with this name already exists.")
    status = WorkPoolStatus.PAUSED if body.is_paused else WorkPoolStatus.NOT_READY
    pool = WorkPool(
        id=tx.new_id(),
        created=tx.now,
        updated=tx.now,
        name=body.name,
        type=body.type,
        description=body.description,
        base_job_template=body.base_job_template,
        is_paused=body.is_paused,
        concurrency_limit=body.concurrency_limit,
        status=None if body.type == AGENT_TYPE else status,
        storage_configuration=body.storage_configuration,
        active_slots=None if body.concurrency_limit is None else 0,
    )
    table.insert(tx, pool)
    queue = work_queues.create(tx, pool, DEFAULT_QUEUE, description="The work pool's default queue.")
    pool.default_queue_id = queue.id
    table.update(tx, pool.id, default_queue_id=queue.id)
    work_pool_events.emit_pool(tx, pool, "created")
    if tells_status:
        work_pool_events.emit_pool_status(tx, pool)
    return pool


def _check_template(template: JSONObject | None) -> None:
    try:
        check_template(template)
    except ValueError as error:
        raise Invalid(str(error)) from None
