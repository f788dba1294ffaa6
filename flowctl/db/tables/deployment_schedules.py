"""Table deployment_schedule."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from flowctl.db.columns import BOOL, INT, JSON, TEXT, TIME, UUID_, Columns, Kind
from flowctl.db.database import Tx
from flowctl.domain import schedules
from flowctl.domain.deployments import DeploymentSchedule

SCHEDULE = Kind(schedules.dumps, schedules.loads, lambda text, raw: raw(text))

DEPLOYMENT_SCHEDULE = Columns(
    DeploymentSchedule,
    table="deployment_schedule",
    extra={"evaluated_at": TIME},
    id=UUID_,
    created=TIME,
    updated=TIME,
    deployment_id=UUID_,
    schedule=SCHEDULE,
    active=BOOL,
    max_scheduled_runs=INT,
    parameters=JSON,
    slug=TEXT,
)


def of_deployment(tx: Tx, deployment_id: UUID, *, active_only: bool = False) -> list[DeploymentSchedule]:
    """The schedules of a deployment, those changed last first."""
    condition = "AND active = 1 " if active_only else ""
    where = f"WHERE deployment_id = ? {condition}ORDER BY updated DESC, rowid DESC"
    return list(DEPLOYMENT_SCHEDULE.rows(tx, where, (str(deployment_id),)))


def of_deployments(tx: Tx, deployment_ids: Sequence[UUID]) -> dict[UUID, list[DeploymentSchedule]]:
    """The schedules of each deployment that has some, those changed last first."""
    marks = ", ".join("?" * len(deployment_ids))
    rows = DEPLOYMENT_SCHEDULE.rows(
        tx, f"WHERE deployment_id IN ({marks}) ORDER BY updated DESC, rowid DESC", [str(id) for id in deployment_ids]
    )
    found: dict[UUID, list[DeploymentSchedule]] = {}
    for schedule in rows:
        found.setdefault(schedule.deployment_id, []).append(schedule)
    return found


def by_slug(tx: Tx, deployment_id: UUID, slug: str) -> DeploymentSchedule | None:
    """A deployment's schedule by its slug, or None."""
    return DEPLOYMENT_SCHEDULE.one(tx, "WHERE deployment_id = ? AND slug = ?", (str(deployment_id), slug))


def insert(tx: Tx, schedule: DeploymentSchedule) -> DeploymentSchedule:
    """Store a new schedule.  Raises Conflict if its deployment has one with this slug."""
    return DEPLOYMENT_SCHEDULE.insert(tx, schedule)


def update(tx: Tx, deployment_id: UUID, id: UUID, **changes: object) -> bool:
    """Set columns of a deployment's schedule, and `updated`; the scheduler looks at it at once.

    Tells whether it exists.  Raises Conflict if its deployment has another one with this slug.
    """
    if tx.scalar("SELECT 1 FROM deployment_schedule WHERE id = ? AND deployment_id = ?", (str(id), str(deployment_id))):
        return DEPLOYMENT_SCHEDULE.update(tx, id, updated=tx.now, evaluated_at=None, **changes)
    return False


def delete(tx: Tx, deployment_id: UUID, id: UUID) -> bool:
    """Delete a deployment's schedule; tells whether it was there."""
    statement = "DELETE FROM deployment_schedule WHERE id = ? AND deployment_id = ?"
    return tx.execute(statement, (str(id), str(deployment_id))).rowcount > 0


def delete_all(tx: Tx, deployment_id: UUID) -> None:
    """Delete the schedules of a deployment."""
    tx.execute("DELETE FROM deployment_schedule WHERE deployment_id = ?", (str(deployment_id),))


def ask_for_evaluation(tx: Tx, deployment_id: UUID) -> None:
    """Let the scheduler look at a deployment's schedules at once."""
    tx.execute("UPDATE deployment_schedule SET evaluated_at = NULL WHERE deployment_id = ?", (str(deployment_id),))


_DUE = """
    SELECT deployment_schedule.id, deployment_schedule.deployment_id, deployment_schedule.evaluated_at
    FROM deployment_schedule
    JOIN deployment ON deployment.id = deployment_schedule.deployment_id
    WHERE deployment_schedule.active = 1
      AND deployment.paused = 0
      AND (evaluated_at IS NULL OR evaluated_at <= :before OR evaluated_at > :now)
    ORDER BY evaluated_at
    LIMIT :limit
"""  # ix_deployment_schedule__evaluated_at


def due(tx: Tx, before: datetime, *, limit: int) -> list[tuple[UUID, UUID, datetime | None]]:
    """Active schedules not evaluated since `before`, never first: their ids, deployments and last evaluations.

    One that was evaluated in the future, before the clock was set back, is due too.
    """
    parameters: dict[str, object] = {"before": TIME.encode(before), "now": TIME.encode(tx.now), "limit": limit}
    rows = tx.execute(_DUE, parameters).fetchall()
    return [(UUID(id), UUID(deployment_id), TIME.decode(at) if at else None) for id, deployment_id, at in rows]


def overdue_of(tx: Tx, deployment_ids: Sequence[UUID], before: datetime) -> list[tuple[UUID, UUID, datetime]]:
    """Active schedules of some deployments that were evaluated, but not since `before`."""
    marks = ", ".join("?" * len(deployment_ids))
    rows = tx.execute(
        f"""
        SELECT id, deployment_id, evaluated_at FROM deployment_schedule
        WHERE deployment_id IN ({marks}) AND active = 1 AND evaluated_at <= ?
        """,
        (*(str(id) for id in deployment_ids), TIME.encode(before)),
    )
    return [(UUID(id), UUID(deployment_id), TIME.decode(at)) for id, deployment_id, at in rows]


def set_evaluated(tx: Tx, id: UUID) -> None:
    """Note that the scheduler has looked at a schedule now."""
    DEPLOYMENT_SCHEDULE.update(tx, id, evaluated_at=tx.now)


def get(tx: Tx, id: UUID) -> DeploymentSchedule | None:
    """A schedule by its id, or None."""
    return DEPLOYMENT_SCHEDULE.by_id(tx, id)
