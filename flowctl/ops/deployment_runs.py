"""Runs made from deployments, one or many; and those that are due, for the runners that ask."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from flowctl.db.columns import TIME, Rows
from flowctl.db.database import Tx
from flowctl.db.tables import flow_runs as table
from flowctl.db.tables import task_runs
from flowctl.domain import states
from flowctl.domain.deployments import (
    Deployment,
    DeploymentFlowRunCreate,
    FlowRunBulkCreateResponse,
    FlowRunCreateResult,
)
from flowctl.domain.errors import INTEGRITY, Conflict, FlowctlError, Refused
from flowctl.domain.flow_runs import FlowRun
from flowctl.domain.orchestration import Client
from flowctl.domain.values import Actor
from flowctl.ops import deployment_checks as checks
from flowctl.ops import deployment_events, deployments, flow_runs, job_variables, missed_runs, work_pools

MOST_AT_ONCE = 100
"""Runs that one bulk creation may make."""


@dataclass(frozen=True, slots=True)
class _Failures:
    """What the messages begin with about parameters …"""

    making: str
    """… whose values cannot be made,"""
    checking: str
    """… and that do not fit the schema."""


_ONE = _Failures("Error hydrating flow run parameters: ", "Error creating flow run: ")
_OF_MANY = _Failures("", "Parameter validation failed: ")


def create(
    tx: Tx,
    deployment_id: UUID,
    body: DeploymentFlowRunCreate,
    *,
    client: Client | None = None,
    created_by: Actor | None = None,
) -> tuple[FlowRun, bool]:
    """Make a run of a deployment, or find the one with this idempotency key; also tells whether it is new.

    Parameters and tags are added to the deployment's.
    Raises NotFound, Conflict for parameters that do not fit, Invalid for job variables that do not, Refused for values
    that cannot be made and for a queue of a deployment without a work pool.
    source  Prefect: POST /deployments/{id}/create_flow_run
    """
    deployment = deployments.read(tx, deployment_id)
    checks.check_size(tx, body.parameters)
    return _create(tx, deployment, body, _ONE, client=client, created_by=created_by)


def create_many(
    tx: Tx,
    deployment_id: UUID,
    bodies: Sequence[DeploymentFlowRunCreate],
    *,
    client: Client | None = None,
    created_by: Actor | None = None,
) -> FlowRunBulkCreateResponse:
    """Make several runs of a deployment; one that is refused does not keep the others from being made.

    Raises Refused for more than 100, NotFound, and Invalid for parameters that are too long.
    source  Prefect: POST /deployments/{id}/create_flow_run/bulk
    """
    if len(bodies) > MOST_AT_ONCE:
        raise Refused(f"Cannot create more than {MOST_AT_ONCE} flow runs at once.")
    for number, body in enumerate(bodies):
        checks.check_size(tx, body.parameters, place=(number, "parameters"))
    deployment = deployments.read(tx, deployment_id)
    response = FlowRunBulkCreateResponse()
    for body in bodies:
        try:
            run, _ = _create(tx, deployment, body, _OF_MANY, client=client, created_by=created_by)
            response.results.append(FlowRunCreateResult(status="CREATED", flow_run_id=run.id))
        except FlowctlError as error:
            response.results.append(FlowRunCreateResult(status="FAILED", error=error.message))
    return response


def find_scheduled(
    tx: Tx, deployment_ids: Sequence[UUID], *, scheduled_before: datetime | None, limit: int
) -> Rows[FlowRun]:
    """List the SCHEDULED runs of some deployments, those due first first.  Who asks makes the deployments READY.

    source  Prefect: POST /deployments/get_scheduled_flow_runs
    """
    missed_runs.settle_overdue(tx, deployment_ids)
    if deployment_ids:
        deployment_events.mark_polled(tx, deployment_ids)
    ids = [str(id) for id in deployment_ids]
    due = " AND flow_run.next_scheduled_start_time <= ?" if scheduled_before else ""
    moment = [TIME.encode(scheduled_before)] if scheduled_before else []
    return table.FLOW_RUN.rows(
        tx,
        f"""
        WHERE flow_run.deployment_id IN ({", ".join("?" * len(ids))}) AND flow_run.state_type = 'SCHEDULED'{due}
        ORDER BY flow_run.next_scheduled_start_time, flow_run.id
        LIMIT ?
        """,  # ix_flow_run__deployment
        (*ids, *moment, limit),
    )


def _create(
    tx: Tx,
    deployment: Deployment,
    body: DeploymentFlowRunCreate,
    failures: _Failures,
    *,
    client: Client | None,
    created_by: Actor | None,
) -> tuple[FlowRun, bool]:
    parameters = checks.hydrated(tx, {**deployment.parameters, **body.parameters}, failure=failures.making)
    enforced = body.enforce_parameter_schema
    if deployment.enforce_parameter_schema if enforced is None else enforced:
        checks.check_parameters(
            parameters, deployment.parameter_openapi_schema, failure=failures.checking, partial=False
        )
    job_variables.check_flow_run(tx, deployment.id, body.job_variables, doing="creating")
    queue_id, queue_name = _queue(tx, deployment, body.work_queue_name)
    if body.idempotency_key is not None:
        existing = table.by_idempotency_key(tx, deployment.flow_id, body.idempotency_key)
        if existing:
            return existing, False
    if body.infrastructure_document_id or (body.parent_task_run_id and not task_runs.get(tx, body.parent_task_run_id)):
        raise Conflict(INTEGRITY)  # of block documents there are none as yet
    run = FlowRun(
        id=tx.new_id(),
        created=tx.now,
        updated=tx.now,
        name=body.name or flow_runs.made_up_name(),
        flow_id=deployment.flow_id,
        deployment_id=deployment.id,
        deployment_version=deployment.version,
        work_queue_id=queue_id,
        work_queue_name=queue_name,
        parameters=parameters,
        idempotency_key=body.idempotency_key,
        context=body.context,
        empirical_policy=body.empirical_policy,
        tags=list(dict.fromkeys([*deployment.tags, *body.tags])),
        labels={**flow_runs.run_labels(deployment), **(body.labels or {})},
        parent_task_run_id=body.parent_task_run_id,
        infrastructure_document_id=deployment.infrastructure_document_id,
        created_by=created_by,
        job_variables=flow_runs.own_job_variables(body),
    )
    return flow_runs.start(tx, run, body.state or states.scheduled(tx.now), client=client), True


def _queue(tx: Tx, deployment: Deployment, name: str | None) -> tuple[UUID | None, str | None]:
    """The queue that a run waits in: its deployment's, or another one of that pool, which is made if need be."""
    if not name:
        return deployment.work_queue_id, deployment.work_queue_name
    if deployment.work_pool_name is None:
        raise Refused(
            f"Cannot create flow run in work queue {name} because deployment {deployment.id} is not associated with a "
            "work pool. Please remove work_pool_name and try again."
        )
    return work_pools.queue_id(tx, deployment.work_pool_name, name), name
