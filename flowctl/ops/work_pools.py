"""Work pools: creation, and the queue that a deployment or a run names."""

from __future__ import annotations

import json
import re
from uuid import UUID

from flowctl.db.database import Tx
from flowctl.db.tables import work_pools as table
from flowctl.db.tables import work_queues as queues_table
from flowctl.domain.errors import Conflict, Forbidden, Invalid, NotFound
from flowctl.domain.events import RESOURCE_ID, RESOURCE_NAME, RESOURCE_ROLE, ReceivedEvent
from flowctl.domain.values import JSONObject
from flowctl.domain.work_pools import AGENT_POOL, AGENT_TYPE, DEFAULT_QUEUE, WorkPool, WorkPoolCreate, WorkPoolStatus
from flowctl.ops import events, job_variables, work_queues

_PLACEHOLDER = re.compile(r"\{\{\s*([\w.\-\[\]$]+)\s*\}\}")


def create(tx: Tx, body: WorkPoolCreate) -> WorkPool:
    """Create a work pool with its default queue.

    Raises Forbidden for names that Prefect keeps to itself, Invalid for a template that contradicts itself or has
    defaults that do not fit, Conflict if the name is taken.
    source  Prefect: POST /work_pools/
    """
    if body.name.lower().startswith("prefect"):
        raise Forbidden("Work pools starting with 'Prefect' are reserved for internal use.")
    _check_template(body.base_job_template)
    job_variables.check_defaults(body.base_job_template)
    return _create(tx, body)


def queue_id(tx: Tx, work_pool_name: str | None, work_queue_name: str | None) -> UUID | None:
    """The id of a queue by the names of its pool and itself; a queue that is not there is made, a pool is not.

    Without the queue's name it is the pool's default queue; without the pool's, a queue of `default-agent-pool`, which
    is made too.  Without either: None.  Raises NotFound for an unknown pool.
    """
    if work_pool_name is None:
        return _agent_queue_id(tx, work_queue_name) if work_queue_name else None
    pool = table.by_name(tx, work_pool_name)
    if pool is None:
        raise NotFound(f'Work pool "{work_pool_name}" not found.')
    if work_queue_name is None:
        return pool.default_queue_id
    found = queues_table.by_name(tx, pool.id, work_queue_name)
    return found.id if found else work_queues.create(tx, pool, work_queue_name).id


def _agent_queue_id(tx: Tx, name: str) -> UUID | None:
    pool = table.by_name(tx, AGENT_POOL) or _create(tx, WorkPoolCreate(name=AGENT_POOL, type=AGENT_TYPE))
    if name == DEFAULT_QUEUE:
        return pool.default_queue_id
    found = queues_table.by_name(tx, pool.id, name)
    return found.id if found else work_queues.create(tx, pool, name, priority=1).id


def _create(tx: Tx, body: WorkPoolCreate) -> WorkPool:
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
    _announce_new(tx, pool)
    return pool


def _check_template(template: JSONObject) -> None:
    if not template:
        return
    configuration, variables = template.get("job_configuration"), template.get("variables")
    if not (configuration and variables):
        raise _invalid(
            template, "The `base_job_template` must contain both a `job_configuration` key and a `variables` key."
        )
    used = {name for part in configuration.values() for name in _PLACEHOLDER.findall(json.dumps(part))}
    missing = {name for name in used if "." not in name} - set(variables.get("properties", {}))
    if missing:
        raise _invalid(
            template,
            "The variables specified in the job configuration template must be present as properties in the variables "
            f"schema. Your job configuration uses the following undeclared variable(s): {' ,'.join(sorted(missing))}.",
        )


def _invalid(template: JSONObject, message: str) -> Invalid:
    entry: dict[str, object] = {
        "type": "value_error",
        "loc": ["body", "base_job_template"],
        "msg": f"Value error, {message}",
        "input": template,
        "ctx": {"error": {}},
    }
    return Invalid(message, entries=[entry])


def _announce_new(tx: Tx, pool: WorkPool) -> None:
    """Announce `prefect.work-pool.created` and the pool's first status."""
    resource = {
        RESOURCE_ID: f"prefect.work-pool.{pool.id}",
        RESOURCE_NAME: pool.name,
        "prefect.work-pool.type": pool.type,
    }
    related = [{RESOURCE_ID: f"prefect.work-queue.{pool.default_queue_id}", RESOURCE_ROLE: "default-queue"}]
    if block_id := pool.storage_configuration.default_result_storage_block_id:
        related.append({RESOURCE_ID: f"prefect.block-document.{block_id}", RESOURCE_ROLE: "result-storage"})
    _emit(tx, "prefect.work-pool.created", {**resource, RESOURCE_ROLE: "work-pool"}, related)
    if pool.status is not None:
        _emit(tx, f"prefect.work-pool.{pool.status.value.lower().replace('_', '-')}", resource, [])


def _emit(tx: Tx, name: str, resource: dict[str, str], related: list[dict[str, str]]) -> None:
    event = ReceivedEvent(
        id=tx.new_time_id(), occurred=tx.now, received=tx.now, event=name, resource=resource, related=related
    )
    events.emit(tx, event)
