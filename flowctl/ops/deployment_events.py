"""The events that flowctl emits about deployments: created, updated, deleted, ready, not-ready.

source  Prefect: server/models/events.py
"""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from flowctl.db.database import Tx
from flowctl.db.tables import deployments, flows, work_pools, work_queues
from flowctl.domain.deployments import Deployment
from flowctl.domain.events import RESOURCE_ID, RESOURCE_NAME, RESOURCE_ROLE
from flowctl.domain.values import JSONObject
from flowctl.ops import lifecycle_events

_FIELDS = (
    "description",
    "tags",
    "parameters",
    "parameter_openapi_schema",
    "enforce_parameter_schema",
    "entrypoint",
    "path",
    "pull_steps",
    "work_queue_id",
    "paused",
    "labels",
    "version",
    "concurrency_options",
)
"""What an update's event tells of; beside it job variables and the concurrency limit, which Prefect names otherwise."""


def emit(tx: Tx, deployment: Deployment, happening: str, payload: JSONObject | None = None) -> None:
    """Announce `prefect.deployment.<happening>`."""
    name = f"prefect.deployment.{happening}"
    id = f"prefect.deployment.{deployment.id}"
    lifecycle_events.emit(tx, name, id, deployment.name, payload or {}, _related(tx, deployment))


def emit_changes(tx: Tx, before: Deployment, after: Deployment) -> None:
    """Announce `prefect.deployment.updated` with what has changed; nothing if nothing has."""
    old, new = _told(before), _told(after)
    updates = {name: {"from": old[name], "to": new[name]} for name in new if old[name] != new[name]}
    if updates:
        emit(tx, after, "updated", {"updated_fields": list(updates), "updates": updates})


def mark_polled(tx: Tx, ids: Sequence[UUID]) -> None:
    """Make deployments READY, because somebody asked for their runs, and announce it of those that were not."""
    for id in deployments.mark_polled(tx, ids):
        deployment = deployments.get(tx, id)
        if deployment:
            emit(tx, deployment, "ready")


def _told(deployment: Deployment) -> JSONObject:
    limit = deployment.global_concurrency_limit
    values: JSONObject = {name: getattr(deployment, name) for name in _FIELDS}
    return {**values, "infra_overrides": deployment.job_variables, "concurrency_limit_id": limit and limit.id}


def _related(tx: Tx, deployment: Deployment) -> list[dict[str, str]]:
    related: list[dict[str, str]] = []
    flow = flows.get(tx, deployment.flow_id)
    if flow:
        related.append(_resource("flow", flow.id, "flow", flow.name))
    queue = work_queues.get(tx, deployment.work_queue_id) if deployment.work_queue_id else None
    pool = work_pools.of_queue(tx, queue.id) if queue else None
    if queue:
        related.append(_resource("work-queue", queue.id, "work-queue", queue.name))
    if pool:
        labels = _resource("work-pool", pool.id, "work-pool", pool.name)
        related.append({**labels, "prefect.work-pool.type": pool.type})
    if deployment.storage_document_id:
        related.append(_resource("block-document", deployment.storage_document_id, "storage"))
    if deployment.infrastructure_document_id:
        related.append(_resource("block-document", deployment.infrastructure_document_id, "infrastructure"))
    if deployment.global_concurrency_limit:
        related.append(_resource("concurrency-limit", deployment.global_concurrency_limit.id, "concurrency-limit"))
    return related


def _resource(kind: str, id: UUID, role: str, name: str | None = None) -> dict[str, str]:
    labels = {RESOURCE_ID: f"prefect.{kind}.{id}", RESOURCE_ROLE: role}
    return labels if name is None else {**labels, RESOURCE_NAME: name}
