"""Scheduling: makes the runs that the schedules of deployments ask for, some time ahead.

A schedule is looked at once a minute, and at once when it or its deployment has changed; that is one service for
Prefect's two, Scheduler and RecentDeploymentsScheduler.  Its runs are made by `plan`, or on request by `schedule_runs`.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any, cast
from uuid import UUID

from flowctl.db.columns import TIME
from flowctl.db.database import Tx
from flowctl.db.tables import deployment_schedules, deployments, flow_runs, states
from flowctl.domain import schedules
from flowctl.domain.deployments import Deployment, DeploymentSchedule, Horizon
from flowctl.domain.flow_runs import FlowRun
from flowctl.domain.states import State, StateDetails, StateType
from flowctl.domain.values import Actor
from flowctl.ops import missed_runs
from flowctl.ops.flow_runs import made_up_name, run_labels

BATCH = 10
"""Schedules that one transaction looks at."""


def run_once(tx: Tx) -> int:
    """Look at some schedules whose turn it is; returns how many.

    After an absence, first skips what was missed (`missed_runs`).
    source  Prefect: services/scheduler.py
    """
    before = tx.now - timedelta(seconds=tx.settings.scheduler_loop_seconds)
    due = deployment_schedules.due(tx, before, limit=BATCH)
    for id, deployment_id, evaluated_at in due:
        if evaluated_at is not None:
            missed_runs.settle(tx, id, deployment_id, evaluated_at)
        deployment, schedule = deployments.get(tx, deployment_id), deployment_schedules.get(tx, id)
        horizon = _horizon(tx)
        if deployment and schedule and _needs_runs(tx, schedule, horizon):
            plan(tx, deployment, schedule, horizon)
        deployment_schedules.set_evaluated(tx, id)
    return len(due)


def schedule_runs(
    tx: Tx,
    deployment_id: UUID,
    *,
    start: datetime | None = None,
    end: datetime | None = None,
    min_time: timedelta | None = None,
    min_runs: int | None = None,
    max_runs: int | None = None,
) -> list[UUID]:
    """Make the runs of a deployment's active schedules in a window, which may lie in the past; returns their ids.

    Of an unknown deployment, and of one without schedules, there are none.  What is None is as the server is set.
    source  Prefect: POST /deployments/{id}/schedule
    """
    deployment = deployments.get(tx, deployment_id)
    if deployment is None:
        return []
    horizon = _horizon(tx, start)
    horizon = Horizon(
        start=horizon.start,
        end=end or horizon.end,
        min_time=horizon.min_time if min_time is None else min_time,
        min_runs=horizon.min_runs if min_runs is None else min_runs,
        max_runs=horizon.max_runs if max_runs is None else max_runs,
    )
    active = deployment_schedules.of_deployment(tx, deployment_id, active_only=True)
    return [id for schedule in active for id in plan(tx, deployment, schedule, horizon)]


def plan(tx: Tx, deployment: Deployment, schedule: DeploymentSchedule, horizon: Horizon) -> list[UUID]:
    """Make the runs of one schedule that are not there yet; returns their ids.

    A run is known by its idempotency key, from which Prefect's clients can read the schedule and the time.  No event
    tells of it, as in Prefect.
    """
    made: list[UUID] = []
    for date in _dates(schedule, horizon):
        key = f"scheduled {deployment.id} {schedule.id} {date}"
        if flow_runs.by_idempotency_key(tx, deployment.flow_id, key) is None:
            made.append(_insert(tx, deployment, schedule, date, key))
    return made


def _dates(schedule: DeploymentSchedule, horizon: Horizon) -> Iterator[datetime]:
    """The least number of dates that fills the horizon."""
    limit = min(horizon.max_runs, schedule.max_scheduled_runs or horizon.max_runs)
    found = schedules.dates(schedule.schedule, start=horizon.start, end=horizon.end, limit=limit)
    for count, date in enumerate(found, start=1):
        yield date
        if count >= horizon.min_runs and date >= horizon.start + horizon.min_time:
            return


def _insert(tx: Tx, deployment: Deployment, schedule: DeploymentSchedule, date: datetime, key: str) -> UUID:
    id = tx.new_time_id()
    # Clients see the scheduled time with the offset of the schedule's zone.
    details = StateDetails(scheduled_time=cast("Any", schedules.iso(date)))
    state = State(
        id=tx.new_time_id(),
        type=StateType.SCHEDULED,
        name="Scheduled",
        timestamp=tx.now,
        message="Flow run scheduled",
        state_details=details,
    )
    run = FlowRun(
        id=id,
        created=tx.now,
        updated=tx.now,
        name=made_up_name(),
        flow_id=deployment.flow_id,
        state_id=state.id,
        state_type=state.type,
        state_name=state.name,
        deployment_id=deployment.id,
        deployment_version=deployment.version,
        work_queue_id=deployment.work_queue_id,
        work_queue_name=deployment.work_queue_name,
        parameters={**deployment.parameters, **schedule.parameters},
        idempotency_key=key,
        tags=["auto-scheduled", *deployment.tags],
        labels=run_labels(deployment),
        expected_start_time=date,
        next_scheduled_start_time=date,
        auto_scheduled=True,
        infrastructure_document_id=deployment.infrastructure_document_id,
        created_by=Actor(
            id=schedule.id,
            type="SCHEDULE",
            display_value=schedule.slug or schedules.type_name(schedule.schedule),
        ),
        state=state,
    )
    flow_runs.insert(tx, run)
    states.insert_flow_run_state(tx, id, state)
    return id


def _needs_runs(tx: Tx, schedule: DeploymentSchedule, horizon: Horizon) -> bool:
    """Whether a schedule has too few runs ahead, or none far enough."""
    count, last = tx.execute(
        """
        SELECT count(*), max(next_scheduled_start_time) FROM flow_run
        WHERE deployment_id = ? AND state_type = 'SCHEDULED' AND auto_scheduled = 1
          AND next_scheduled_start_time >= ? AND json_extract(created_by, '$.id') = ?
        """,  # ix_flow_run__deployment
        (str(schedule.deployment_id), TIME.encode(tx.now), str(schedule.id)),
    ).fetchone()
    return count < horizon.min_runs or TIME.decode(last) < tx.now + horizon.min_time


def _horizon(tx: Tx, start: datetime | None = None) -> Horizon:
    """How far ahead runs are made, as the server is set."""
    start = start or tx.now
    settings = tx.settings
    return Horizon(
        start=start,
        end=start + timedelta(seconds=settings.scheduler_max_scheduled_time),
        min_time=timedelta(seconds=settings.scheduler_min_scheduled_time),
        min_runs=settings.scheduler_min_runs,
        max_runs=settings.scheduler_max_runs,
    )
