"""Schedules of deployments: create, read, update and delete.  What they make due is in `scheduling`."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from flowctl.db.database import Tx
from flowctl.db.tables import deployment_schedules as table
from flowctl.db.tables import deployments
from flowctl.domain import schedules
from flowctl.domain.deployments import DeploymentSchedule, DeploymentScheduleCreate, DeploymentScheduleUpdate
from flowctl.domain.errors import Invalid, NotFound
from flowctl.ops import scheduled_runs


def create(tx: Tx, deployment_id: UUID, bodies: Sequence[DeploymentScheduleCreate]) -> list[DeploymentSchedule]:
    """Add schedules to a deployment.  Raises NotFound, and Conflict if a slug is taken."""
    _require_deployment(tx, deployment_id)
    return [add(tx, deployment_id, body, max_scheduled_runs=body.max_scheduled_runs) for body in bodies]


def find(tx: Tx, deployment_id: UUID) -> list[DeploymentSchedule]:
    """The schedules of a deployment, those changed last first.  Raises NotFound."""
    _require_deployment(tx, deployment_id)
    return table.of_deployment(tx, deployment_id)


def update(tx: Tx, deployment_id: UUID, id: UUID, body: DeploymentScheduleUpdate) -> None:
    """Change a schedule, and delete the runs that the deployment's schedules had made due.

    Raises NotFound, and Conflict if the slug is taken.
    """
    _require_deployment(tx, deployment_id)
    if not _change(tx, deployment_id, id, body):
        raise NotFound("Schedule not found.")
    scheduled_runs.delete(tx, deployment_id, future_only=True)


def delete(tx: Tx, deployment_id: UUID, id: UUID) -> None:
    """Delete a schedule, and the runs that the deployment's schedules had made due.  Raises NotFound."""
    _require_deployment(tx, deployment_id)
    if not table.delete(tx, deployment_id, id):
        raise NotFound("Schedule not found.")
    scheduled_runs.delete(tx, deployment_id)


def add(
    tx: Tx,
    deployment_id: UUID,
    body: DeploymentScheduleCreate | DeploymentScheduleUpdate,
    *,
    max_scheduled_runs: int | None = None,
) -> DeploymentSchedule:
    """Store one schedule of a deployment that exists.

    max_scheduled_runs  is not taken from the body: Prefect drops it where a schedule comes with its deployment
    Raises Invalid without a schedule, Conflict if the slug is taken.
    """
    if body.schedule is None:
        raise Invalid("Unable to create new deployment schedules without a schedule configuration.")
    return table.insert(
        tx,
        DeploymentSchedule(
            id=tx.new_id(),
            created=tx.now,
            updated=tx.now,
            deployment_id=deployment_id,
            schedule=schedules.resolved(body.schedule, tx.now),
            active=body.active is not False,
            max_scheduled_runs=max_scheduled_runs,
            parameters=body.parameters,
            slug=body.slug,
        ),
    )


def replace_all(
    tx: Tx, deployment_id: UUID, bodies: Sequence[DeploymentScheduleCreate | DeploymentScheduleUpdate]
) -> None:
    """Let a deployment have these schedules and no others."""
    table.delete_all(tx, deployment_id)
    for body in bodies:
        if body.schedule is not None:
            add(tx, deployment_id, body)


def merge(
    tx: Tx, deployment_id: UUID, existing: Sequence[DeploymentSchedule], bodies: Sequence[DeploymentScheduleUpdate]
) -> None:
    """Change and add schedules by their slugs; those that no body names stay.

    A body that `replaces` a slug changes that schedule and gives it its own slug.
    existing  the deployment's schedules; all of them and all bodies have slugs
    Raises Invalid for renamings that collide, and for a new schedule without dates.
    source    Prefect: PATCH /deployments/{id}
    """
    ids = {schedule.slug: schedule.id for schedule in existing}
    _check_renamings(bodies, set(ids))
    renamed = [body.replaces for body in bodies if body.replaces in ids]
    for slug in renamed:  # first, so that slugs can be exchanged
        table.update(tx, deployment_id, ids[slug], slug=None)
    for body in bodies:
        id = ids.get(body.replaces or body.slug)
        if id is None:
            add(tx, deployment_id, body)
        else:
            _change(tx, deployment_id, id, body)


def _check_renamings(bodies: Sequence[DeploymentScheduleUpdate], slugs: set[str | None]) -> None:
    replaced: set[str] = set()
    for body in bodies:
        if body.replaces in replaced:
            raise Invalid(f"Multiple schedules have 'replaces' targeting the same slug: {body.replaces}")
        if body.replaces:
            replaced.add(body.replaces)
    for body in bodies:
        if body.replaces and body.slug in slugs and body.slug not in replaced:
            raise Invalid(
                f"Cannot rename schedule from '{body.replaces}' to '{body.slug}': "
                f"a schedule with slug '{body.slug}' already exists."
            )


def _change(tx: Tx, deployment_id: UUID, id: UUID, body: DeploymentScheduleUpdate) -> bool:
    changes: dict[str, object] = {"parameters": body.parameters}
    if body.schedule is not None:
        changes["schedule"] = schedules.resolved(body.schedule, tx.now)
    for name in ("active", "max_scheduled_runs", "slug"):
        if getattr(body, name) is not None:
            changes[name] = getattr(body, name)
    return table.update(tx, deployment_id, id, **changes)


def _require_deployment(tx: Tx, id: UUID) -> None:
    if not deployments.exists(tx, id):
        raise NotFound("Deployment not found.")
