"""Flow runs: create, read, update, delete, inputs and labels; their states are in `set_state`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from uuid import UUID

from flowctl.db.database import Tx
from flowctl.db.queries import deletion
from flowctl.db.tables import deployments, flows, task_runs, work_queues
from flowctl.db.tables import flow_runs as table
from flowctl.domain import states
from flowctl.domain.deployments import Deployment, DeploymentFlowRunCreate
from flowctl.domain.errors import INTEGRITY, Conflict, Invalid, NotFound, Refused
from flowctl.domain.flow_runs import FlowRun, FlowRunCreate, FlowRunUpdate
from flowctl.domain.flows import Flow
from flowctl.domain.orchestration import Client
from flowctl.domain.states import StateCreate, StateType
from flowctl.domain.values import Actor, JSONObject, KeyValueLabels
from flowctl.ops import deployment_checks, job_variables, set_state, transitions
from flowctl.ops.steps import ROWS_A_STEP, Steps


@dataclass(slots=True, kw_only=True)
class FlowRunBulkDeleteResponse:
    """The ids of the flow runs that were deleted."""

    deleted: list[UUID] = field(default_factory=list[UUID])


def create(
    tx: Tx, body: FlowRunCreate, *, client: Client | None = None, created_by: Actor | None = None
) -> tuple[FlowRun, bool]:
    """Create a flow run, or find the one with this idempotency key; also tells whether it is new.

    Its first state is forced.  Raises Conflict if the flow, the parent task run or the block is gone, NotFound if the
    named work pool or queue is, Invalid for a first state with a result and for parameters that are too long.
    """
    deployment_checks.check_size(tx, body.parameters)
    queue_id = _work_queue_id(tx, body)
    if body.idempotency_key:  # an empty one finds nothing, but is taken once it is used
        existing = table.by_idempotency_key(tx, body.flow_id, body.idempotency_key)
        if existing:
            return existing, False
    first = _first_state(body)
    flow = flows.get(tx, body.flow_id)
    if flow is None or (body.parent_task_run_id and not task_runs.get(tx, body.parent_task_run_id)):
        raise Conflict(INTEGRITY)
    if body.infrastructure_document_id:  # of block documents there are none as yet
        raise Conflict(INTEGRITY)
    run = FlowRun(
        id=tx.new_id(),  # random, so that its first characters tell it from others on the command line
        created=tx.now,
        updated=tx.now,
        name=body.name or made_up_name(),
        flow_id=body.flow_id,
        deployment_id=body.deployment_id,
        work_queue_id=queue_id,
        work_queue_name=body.work_queue_name,
        flow_version=body.flow_version,
        parameters=body.parameters,
        idempotency_key=body.idempotency_key,
        context=body.context,
        empirical_policy=body.empirical_policy,
        tags=body.tags,
        labels={**_inherited_labels(tx, flow, body.deployment_id), **(body.labels or {})},
        parent_task_run_id=body.parent_task_run_id,
        infrastructure_document_id=body.infrastructure_document_id,
        created_by=created_by,
        job_variables=own_job_variables(body),
    )
    return start(tx, run, first, client=client), True


def start(tx: Tx, run: FlowRun, state: StateCreate, *, client: Client | None = None) -> FlowRun:
    """Store a new flow run and force its first state.  Raises Conflict if its flow knows the idempotency key."""
    stored = transitions.start_flow_run(tx, run, state.at(tx.now, tx.new_time_id()), client=client)
    return table.as_answered(tx, stored)


def _first_state(body: FlowRunCreate) -> StateCreate:
    """The state to begin in.  Raises Invalid if it has a result that is to be kept (Prefect answers 500)."""
    state = body.state or states.pending()
    if state.data is None:
        return state
    if states.is_unpersisted(state.data):
        return replace(state, data=None)
    entry = {"type": "value_error", "loc": ["body", "state", "data"], "msg": "A run's first state has no data."}
    raise Invalid("A flow run's first state carries no data: propose that state later.", entries=[entry])


def read(tx: Tx, id: UUID) -> FlowRun:
    """A flow run by its id.  Raises NotFound."""
    run = table.get(tx, id)
    if run is None:
        raise NotFound("Flow run not found")
    return run


def update(tx: Tx, id: UUID, body: FlowRunUpdate) -> None:
    """Set what is present in the body.

    Raises NotFound, Invalid for parameters that are too long, and Refused for job variables of a run that is not
    SCHEDULED or has no deployment.
    """
    deployment_checks.check_size(tx, body.get("parameters"))
    run = read(tx, id)
    variables = body.get("job_variables")
    if variables is not None:
        job_variables.check_flow_run(tx, _require_scheduled_from_deployment(run), variables, doing="updating")
    if "name" in body and not body["name"]:
        body["name"] = made_up_name()
    table.update(tx, id, **body)


def update_labels(tx: Tx, id: UUID, labels: KeyValueLabels) -> None:
    """Merge labels into those of the run.  Raises NotFound."""
    run = table.get(tx, id)
    if run is None:
        raise NotFound(f"Flow run with id {id} not found")
    table.update(tx, id, labels={**(run.labels or {}), **labels})


def delete(tx: Tx, id: UUID) -> Steps[None]:
    """Delete a flow run with its task runs, states, inputs and logs, in bounded steps.  Raises NotFound.

    Its subflow runs stay, without a parent.  Its concurrency slots become free.
    """
    read(tx, id)
    yield from delete_steps(tx, id)


def delete_many(tx: Tx, ids: Sequence[UUID]) -> Steps[FlowRunBulkDeleteResponse]:
    """Delete flow runs as `delete` does; answers those that were there."""
    response = FlowRunBulkDeleteResponse()
    for id in ids:
        if table.get(tx, id):
            tx = yield from delete_steps(tx, id)
            response.deleted.append(id)
    return response


def delete_steps(tx: Tx, id: UUID, *, keep_log: bool = False) -> Steps[Tx]:
    """Delete one run; returns the transaction to go on with.

    keep_log  leave its log to `ops/retention.py`
    """
    set_state.release_slots(tx, id)
    while (rows := deletion.delete_flow_run(tx, id, limit=ROWS_A_STEP, keep_log=keep_log)) >= ROWS_A_STEP:
        tx = yield rows
    return tx


def made_up_name() -> str:
    """A name for a run that was given none, adjective-animal as Prefect makes them."""
    import coolname  # noqa: PLC0415 - its word lists take 30 ms to load

    return "-".join(coolname.generate(2))


def own_job_variables(body: FlowRunCreate | DeploymentFlowRunCreate) -> JSONObject | None:
    """A run's own job variables; null stays null where there is an idempotency key (as in Prefect)."""
    return {} if body.job_variables is None and not body.idempotency_key else body.job_variables


def _work_queue_id(tx: Tx, body: FlowRunCreate) -> UUID | None:
    if not body.work_pool_name:
        return None
    found = work_queues.id_by_names(tx, body.work_pool_name, body.work_queue_name)
    if found is None:
        if body.work_queue_name:
            raise NotFound(f"Work pool queue '{body.work_pool_name}/{body.work_queue_name}' not found.")
        raise NotFound(f'Work pool "{body.work_pool_name}" not found.')
    return found


def _inherited_labels(tx: Tx, flow: Flow, deployment_id: UUID | None) -> KeyValueLabels:
    """The labels of the run's deployment, or of its flow, and the ids of both."""
    deployment = deployments.get(tx, deployment_id) if deployment_id else None
    if deployment is None:
        return {**(flow.labels or {}), "prefect.flow.id": str(flow.id)}
    return run_labels(deployment)


def run_labels(deployment: Deployment) -> KeyValueLabels:
    """The labels that a run has from its deployment."""
    ids = {"prefect.flow.id": str(deployment.flow_id), "prefect.deployment.id": str(deployment.id)}
    return {**(deployment.labels or {}), **ids}


def _require_scheduled_from_deployment(run: FlowRun) -> UUID:
    if run.state is None:
        raise Refused("Flow run state is required to update job variables but none exists")
    if run.state.type is not StateType.SCHEDULED:
        raise Refused(f"Job variables for a flow run in state {run.state.type.name} cannot be updated")
    if run.deployment_id is None:
        raise Refused("A deployment for the flow run could not be found")
    return run.deployment_id
