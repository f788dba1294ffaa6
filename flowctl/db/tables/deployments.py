"""Table deployment.  Entities that leave this module have their schedules and their concurrency limit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from flowctl.db.columns import BOOL, JSON, TEXT, TIME, UUID_, Columns, Joined, enum_of, json_items
from flowctl.db.database import Tx
from flowctl.db.tables import concurrency_limits, deployment_schedules
from flowctl.domain.concurrency_limits import GlobalConcurrencyLimit
from flowctl.domain.deployments import ConcurrencyOptions, Deployment, DeploymentStatus, MissedRuns
from flowctl.domain.values import Actor


def _filled_in_later(row: Mapping[str, Any], now: datetime) -> dict[str, object]:
    """The fields that `_complete` sets."""
    return {"schedules": [], "concurrency_limit": None, "global_concurrency_limit": None}


DEPLOYMENT = Columns(
    Deployment,
    table="deployment",
    joins=(
        "LEFT JOIN work_queue ON work_queue.id = deployment.work_queue_id "
        "LEFT JOIN work_pool ON work_pool.id = work_queue.work_pool_id"
    ),
    derive=_filled_in_later,
    extra={
        "work_queue_name": TEXT,
        "infra_overrides": JSON,
        "concurrency_limit_id": UUID_,
        "missed_runs": TEXT,
    },
    id=UUID_,
    created=TIME,
    updated=TIME,
    name=TEXT,
    flow_id=UUID_,
    version=TEXT,
    description=TEXT,
    paused=BOOL,
    concurrency_options=json_items(ConcurrencyOptions),
    parameters=JSON,
    tags=JSON,
    labels=JSON,
    work_queue_id=UUID_,
    last_polled=TIME,
    parameter_openapi_schema=JSON,
    path=TEXT,
    pull_steps=JSON,
    entrypoint=TEXT,
    storage_document_id=UUID_,
    infrastructure_document_id=UUID_,
    created_by=json_items(Actor),
    updated_by=json_items(Actor),
    status=enum_of(DeploymentStatus),
    enforce_parameter_schema=BOOL,
    # Prefect calls the column infra_overrides and the field job_variables.
    job_variables=Joined("deployment.infra_overrides", JSON),
    work_queue_name=Joined("coalesce(work_queue.name, deployment.work_queue_name)", TEXT),
    work_pool_name=Joined("work_pool.name", TEXT),
)


def get(tx: Tx, id: UUID) -> Deployment | None:
    """A deployment by its id, or None."""
    return _first(find(tx, "WHERE deployment.id = ?", (str(id),)))


def exists(tx: Tx, id: UUID) -> bool:
    """Whether there is such a deployment."""
    return tx.scalar("SELECT 1 FROM deployment WHERE id = ?", (str(id),)) is not None


def by_name(tx: Tx, flow_id: UUID, name: str) -> Deployment | None:
    """A flow's deployment by its name, or None."""
    return _first(find(tx, "WHERE deployment.flow_id = ? AND deployment.name = ?", (str(flow_id), name)))


def by_names(tx: Tx, flow_name: str, name: str) -> Deployment | None:
    """A deployment by the names of its flow and itself, or None."""
    where = "WHERE deployment.flow_id = (SELECT id FROM flow WHERE name = ?) AND deployment.name = ?"
    return _first(find(tx, where, (flow_name, name)))


def find(tx: Tx, where: str, parameters: Sequence[object] = ()) -> list[Deployment]:
    """Deployments by SQL that goes on after `SELECT … FROM deployment …`."""
    return _complete(tx, list(DEPLOYMENT.rows(tx, where, parameters)))


def insert(tx: Tx, deployment: Deployment, **extra: object) -> None:
    """Store a deployment without its schedules and limit; its job variables too.

    extra  `work_queue_name`, `concurrency_limit_id`
    Raises Conflict if its flow has one of that name.
    """
    DEPLOYMENT.insert(tx, deployment, infra_overrides=deployment.job_variables, **extra)


def update(tx: Tx, id: UUID, **changes: object) -> bool:
    """Set columns of a deployment, and `updated`; `infra_overrides` are its job variables.  Tells whether it exists."""
    return DEPLOYMENT.update(tx, id, updated=tx.now, **changes)


def delete(tx: Tx, id: UUID) -> bool:
    """Delete a deployment and its schedules; tells whether it was there."""
    deployment_schedules.delete_all(tx, id)
    return DEPLOYMENT.delete(tx, id)


def concurrency_limit_id(tx: Tx, id: UUID) -> UUID | None:
    """The id of the limit that a deployment keeps, or None."""
    found = tx.scalar("SELECT concurrency_limit_id FROM deployment WHERE id = ?", (str(id),))
    return UUID(found) if found else None


def missed_runs(tx: Tx, id: UUID) -> MissedRuns | None:
    """What becomes of a deployment's missed runs; None if that is left to the server."""
    return tx.scalar("SELECT missed_runs FROM deployment WHERE id = ?", (str(id),))


def mark_polled(tx: Tx, ids: Sequence[UUID]) -> list[UUID]:
    """Make deployments READY and note that somebody asked for their runs; returns those that were not ready.

    `updated` stays, because nobody changed them.
    """
    texts = [str(id) for id in ids]
    marks = ", ".join("?" * len(texts))
    unready = tx.execute(f"SELECT id FROM deployment WHERE id IN ({marks}) AND status = 'NOT_READY'", texts).fetchall()
    tx.execute(
        f"UPDATE deployment SET status = 'READY', last_polled = ? WHERE id IN ({marks})",
        (TIME.encode(tx.now), *texts),
    )
    return [UUID(row[0]) for row in unready]


def _complete(tx: Tx, deployments: list[Deployment]) -> list[Deployment]:
    """Give deployments their schedules and their limit."""
    if not deployments:
        return []
    ids = [deployment.id for deployment in deployments]
    schedules = deployment_schedules.of_deployments(tx, ids)
    limits = dict(
        tx.execute(
            f"""
            SELECT id, concurrency_limit_id FROM deployment
            WHERE concurrency_limit_id IS NOT NULL AND id IN ({", ".join("?" * len(ids))})
            """,
            [str(id) for id in ids],
        ).fetchall()
    )
    for deployment in deployments:
        deployment.schedules = schedules.get(deployment.id, [])
        if limit_id := limits.get(str(deployment.id)):
            deployment.global_concurrency_limit = _limit(tx, UUID(limit_id))
    return deployments


def _limit(tx: Tx, id: UUID) -> GlobalConcurrencyLimit | None:
    limit = concurrency_limits.get(tx, id)
    if limit is None:
        return None
    return GlobalConcurrencyLimit(
        id=limit.id,
        created=limit.created,
        updated=limit.updated,
        active=limit.active,
        name=limit.name,
        limit=limit.limit,
        active_slots=limit.active_slots,
        slot_decay_per_second=limit.slot_decay_per_second,
    )


def _first(deployments: list[Deployment]) -> Deployment | None:
    return deployments[0] if deployments else None
