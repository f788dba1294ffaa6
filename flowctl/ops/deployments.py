"""Deployments: create, read, update, delete, pause and resume; their runs are made in `deployment_runs`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from flowctl.db.database import Tx
from flowctl.db.tables import concurrency_limits, flows, work_pools, work_queues
from flowctl.db.tables import deployment_schedules as schedule_table
from flowctl.db.tables import deployments as table
from flowctl.domain import parameter_schema
from flowctl.domain.concurrency_limits import ConcurrencyLimitV2
from flowctl.domain.deployments import (
    Deployment,
    DeploymentBulkDeleteResponse,
    DeploymentCreate,
    DeploymentStatus,
    DeploymentUpdate,
    MissedRuns,
)
from flowctl.domain.errors import INTEGRITY, Conflict, Invalid, NotFound
from flowctl.domain.parameter_schema import Mismatch, SchemaProblem
from flowctl.domain.values import JSONObject, KeyValueLabels
from flowctl.domain.work_pools import AGENT_POOL, WorkQueue
from flowctl.ops import deployment_checks as checks
from flowctl.ops import deployment_events as events
from flowctl.ops import deployment_schedules, job_variables, scheduled_runs
from flowctl.ops import work_pools as pools

_COLUMNS = (
    "version",
    "description",
    "paused",
    "concurrency_options",
    "parameters",
    "parameter_openapi_schema",
    "tags",
    "work_queue_name",
    "path",
    "pull_steps",
    "entrypoint",
    "storage_document_id",
    "infrastructure_document_id",
    "enforce_parameter_schema",
)
"""Keys of a body that are columns of the same name."""


def create(tx: Tx, body: DeploymentCreate) -> tuple[Deployment, bool]:
    """Create a deployment, or change the one that its flow has under this name; also tells whether it is new.

    Of a known one, only what is sent changes, but parameters, labels and schedules are set in any case, and the runs
    that its schedules had made due are deleted.
    Raises Invalid, NotFound for an unknown work pool or limit, Conflict for an unknown flow or block.
    source  Prefect: POST /deployments/
    """
    definition: JSONObject = dict(body)
    checks.check_definition(tx, definition)
    if not set("/%&><").isdisjoint(body["name"]):
        raise Invalid("A deployment's name cannot contain any of /, %, &, > and <.")
    _check_job_variables(tx, body)
    checks.require_limit(tx, body.get("global_concurrency_limit_id"))
    changes = {key: definition[key] for key in _COLUMNS if key in definition}
    changes["parameters"] = body.get("parameters", {})
    changes["labels"] = _labels(tx, body["flow_id"], body.get("labels"))
    changes |= _limit_and_variables(definition)
    pool_name, queue_name = body.get("work_pool_name"), body.get("work_queue_name")
    if pool_name or queue_name:
        changes["work_queue_id"] = pools.queue_id(tx, pool_name or None, queue_name or None)
    checks.require_blocks(body.get("infrastructure_document_id"), body.get("storage_document_id"))
    before = table.by_name(tx, body["flow_id"], body["name"])
    if before is None:
        id = _insert(tx, body["flow_id"], body["name"], changes)
    else:
        id = before.id
        table.update(tx, id, **changes)
        scheduled_runs.delete(tx, id, future_only=True)
    deployment_schedules.replace_all(tx, id, body.get("schedules", []))
    if "concurrency_limit" in body:
        _set_limit(tx, id, body["concurrency_limit"])
    deployment = read(tx, id)
    if before is None:
        events.emit(tx, deployment, "created")
    else:
        events.emit_changes(tx, before, deployment)
    return deployment, before is None


def read(tx: Tx, id: UUID) -> Deployment:
    """A deployment by its id.  Raises NotFound."""
    return _found(table.get(tx, id))


def read_by_name(tx: Tx, flow_name: str, name: str) -> Deployment:
    """A deployment by the names of its flow and itself.  Raises NotFound."""
    return _found(table.by_names(tx, flow_name, name))


def update(tx: Tx, id: UUID, body: DeploymentUpdate) -> None:
    """Set what is present in the body, and delete the runs that the schedules had made due.

    Raises NotFound, Invalid, and Conflict for parameters or job variables that do not fit.
    source  Prefect: PATCH /deployments/{id}
    """
    definition: JSONObject = dict(body)
    checks.check_limits(definition)
    checks.check_size(tx, body.get("parameters"))
    before = table.get(tx, id)
    if before is None:
        raise NotFound("Deployment not found.")
    _check_slugs(before, body)
    _check_job_variables_of_update(tx, body)
    parameters = body.get("parameters")
    if parameters is not None:
        definition["parameters"] = parameters = checks.hydrated(
            tx, parameters, failure="Error hydrating deployment parameters: "
        )
    enforced = body.get("enforce_parameter_schema")
    if before.enforce_parameter_schema if enforced is None else enforced:
        schema = body.get("parameter_openapi_schema") or before.parameter_openapi_schema
        values = before.parameters if parameters is None else parameters
        checks.check_parameters(values, schema, failure="Error updating deployment: ", partial=True)
    checks.require_limit(tx, body.get("global_concurrency_limit_id"))
    for key in ("parameters", "enforce_parameter_schema"):
        if definition.get(key, ...) is None:
            raise Conflict(INTEGRITY)
    changes = {key: definition[key] for key in _COLUMNS if key in definition}
    table.update(tx, id, **changes, **_limit_and_variables(definition), **_queue(tx, body))
    scheduled_runs.delete(tx, id, future_only=True)
    _update_schedules(tx, before, body)
    if "concurrency_limit" in body:
        _set_limit(tx, id, body["concurrency_limit"])
    events.emit_changes(tx, before, read(tx, id))


def delete(tx: Tx, id: UUID) -> None:
    """Delete a deployment with its schedules, its own concurrency limit, and the runs that have not started.

    Raises NotFound.
    """
    deployment = read(tx, id)
    events.emit(tx, deployment, "deleted")
    scheduled_runs.delete(tx, id, also_by_hand=True)
    _delete_own_limit(tx, deployment)
    table.delete(tx, id)


def delete_many(tx: Tx, deployments: Sequence[Deployment]) -> DeploymentBulkDeleteResponse:
    """Delete deployments as `delete` does; answers those that were there."""
    response = DeploymentBulkDeleteResponse()
    for deployment in deployments:
        if table.exists(tx, deployment.id):
            delete(tx, deployment.id)
            response.deleted.append(deployment.id)
    return response


def pause(tx: Tx, id: UUID) -> None:
    """Let the schedules of a deployment rest, and delete the runs that they had made due.  Raises NotFound."""
    read(tx, id)
    table.update(tx, id, paused=True)
    scheduled_runs.delete(tx, id)


def resume(tx: Tx, id: UUID) -> None:
    """Let the schedules of a deployment go on; the scheduler sees to them at once.  Raises NotFound."""
    read(tx, id)
    table.update(tx, id, paused=False)
    schedule_table.ask_for_evaluation(tx, id)


def set_missed_runs(tx: Tx, id: UUID, policy: MissedRuns | None) -> None:
    """Say what becomes of runs that were due while flowctl did not run; None: as the server is set.

    Raises NotFound.
    """
    read(tx, id)
    table.update(tx, id, missed_runs=policy)


def suitable_work_queues(tx: Tx, id: UUID) -> list[WorkQueue]:
    """The work queues that would take a deployment by the filters that agents' queues once had.  Raises NotFound."""
    deployment = read(tx, id)
    return [queue for queue in work_queues.every(tx) if _takes(queue, deployment)]


def _takes(queue: WorkQueue, deployment: Deployment) -> bool:
    if queue.filter is None:
        return True
    tags, ids = queue.filter.tags or [], queue.filter.deployment_ids or []
    return set(tags) <= set(deployment.tags) and (not ids or deployment.id in ids)


def _found(deployment: Deployment | None) -> Deployment:
    if deployment is None:
        raise NotFound("Deployment not found")
    return deployment


def _insert(tx: Tx, flow_id: UUID, name: str, changes: dict[str, Any]) -> UUID:
    id = tx.new_id()
    extra = {key: changes.pop(key) for key in ("work_queue_name", "concurrency_limit_id") if key in changes}
    variables = changes.pop("infra_overrides", {})
    deployment = Deployment(
        id=id,
        created=tx.now,
        updated=tx.now,
        flow_id=flow_id,
        name=name,
        status=DeploymentStatus.NOT_READY,
        job_variables=variables,
        **changes,
    )
    table.insert(tx, deployment, **extra)
    return id


def _labels(tx: Tx, flow_id: UUID, labels: KeyValueLabels | None) -> KeyValueLabels:
    flow = flows.get(tx, flow_id)
    if flow is None:
        raise Conflict(INTEGRITY)
    return {**(flow.labels or {}), "prefect.flow.id": str(flow_id), **(labels or {})}


def _limit_and_variables(definition: JSONObject) -> dict[str, Any]:
    """The keys whose columns have other names; empty job variables change nothing (as in Prefect)."""
    changes: dict[str, Any] = {}
    if "global_concurrency_limit_id" in definition:
        changes["concurrency_limit_id"] = definition["global_concurrency_limit_id"]
    if definition.get("job_variables"):
        changes["infra_overrides"] = definition["job_variables"]
    return changes


def _queue(tx: Tx, body: DeploymentUpdate) -> dict[str, UUID | None]:
    """The queue that an update names, if it names one; `work_pool_name: null` takes it away."""
    pool_name, queue_name = body.get("work_pool_name"), body.get("work_queue_name")
    if "work_pool_name" in body and pool_name is None:
        return {"work_queue_id": None}
    if pool_name or queue_name:
        return {"work_queue_id": pools.queue_id(tx, pool_name or None, queue_name or None)}
    return {}


def _check_job_variables(tx: Tx, body: DeploymentCreate) -> None:
    name = body.get("work_pool_name")
    if not name or name == AGENT_POOL:
        return
    pool = work_pools.by_name(tx, name)
    if pool is None:
        raise NotFound(f'Work pool "{name}" not found.')
    job_variables.check_deployment(pool.base_job_template, body.get("job_variables", {}), doing="creating")


def _check_job_variables_of_update(tx: Tx, body: DeploymentUpdate) -> None:
    """An update's job variables are only checked if it names a pool, and answered with 409 (as in Prefect)."""
    name = body.get("work_pool_name")
    if not name:
        return
    pool = work_pools.by_name(tx, name)
    if pool is None:
        raise NotFound(f'Work pool "{name}" not found.')
    schema, variables = pool.base_job_template.get("variables"), body.get("job_variables")
    if schema is None or variables is None:
        return
    try:
        parameter_schema.validate(variables, schema, partial=True)
    except (Mismatch, SchemaProblem) as error:
        raise Conflict(f"Error creating deployment: {error}") from None


def _check_slugs(before: Deployment, body: DeploymentUpdate) -> None:
    if _all_have_slugs(before.schedules) and not _all_have_slugs(body.get("schedules", ()), empty=True):
        raise Invalid(
            "Please provide a slug for each schedule in your request to ensure schedules are updated correctly."
        )


def _update_schedules(tx: Tx, before: Deployment, body: DeploymentUpdate) -> None:
    """Schedules with slugs are changed one by one, others are replaced together."""
    schedules = body.get("schedules")
    if schedules is None:
        return
    if _all_have_slugs(before.schedules):
        deployment_schedules.merge(tx, before.id, before.schedules, schedules)
    else:
        deployment_schedules.replace_all(tx, before.id, schedules)


def _all_have_slugs(schedules: Sequence[Any], *, empty: bool = False) -> bool:
    return all(schedule.slug is not None for schedule in schedules) if schedules else empty


def _set_limit(tx: Tx, id: UUID, limit: int | None) -> None:
    """Let at most `limit` runs of a deployment be under way; None: any number.

    The limit is called `deployment:<id>`.  One that the deployment shares with others is left alone: it takes a limit
    of its own instead (Prefect changes and deletes the shared one).
    """
    deployment = read(tx, id)
    if limit is None:
        _delete_own_limit(tx, deployment)
        table.update(tx, id, concurrency_limit_id=None)
        return
    own = concurrency_limits.by_name(tx, f"deployment:{id}")
    if own is None:
        name = f"deployment:{id}"
        own = ConcurrencyLimitV2(id=tx.new_id(), created=tx.now, updated=tx.now, name=name, limit=limit)
        concurrency_limits.insert(tx, own)
    elif own.limit != limit:
        concurrency_limits.update(tx, own.id, limit=limit)
    table.update(tx, id, concurrency_limit_id=own.id)


def _delete_own_limit(tx: Tx, deployment: Deployment) -> None:
    limit = deployment.global_concurrency_limit
    if limit and limit.name == f"deployment:{deployment.id}":
        concurrency_limits.delete(tx, limit.id)
