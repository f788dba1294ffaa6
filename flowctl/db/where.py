"""The filters of each resource as SQL conditions on its table, and criteria as conditions across tables.

Conditions name columns as `table.column`.  What belongs to one parent is asked with IN (the parents that match are few,
and are found once); what contains many children is asked with EXISTS.  `db/queries/paths.py` chooses the index.
"""

from __future__ import annotations

from collections.abc import Sequence

from flowctl.db.clauses import (
    FALSE,
    TRUE,
    Clause,
    Part,
    clauses_of,
    column,
    column_parts,
    filtered,
    is_null,
    joined,
    like,
    tags,
    within,
)
from flowctl.domain.criteria import Criteria
from flowctl.domain.deployment_filters import DeploymentFilter
from flowctl.domain.filters import Filter, Operator, only, required, required_values
from flowctl.domain.flow_filters import FlowFilter
from flowctl.domain.flow_run_filters import FlowRunFilter
from flowctl.domain.log_filters import LogFilter, LogTextFilter
from flowctl.domain.task_run_filters import SubflowRunsFilter, TaskFlowRunFilter, TaskRunFilter
from flowctl.domain.text_search import parse
from flowctl.domain.work_pool_filters import WorkPoolFilter, WorkQueueFilter
from flowctl.domain.workers import WorkerFilter

FLOW_RUN_START = "coalesce(flow_run.start_time, flow_run.expected_start_time)"
"""When a flow run started or should have; an expression that indices have, to be spelt like this."""


# -- one resource


def flow(filter: FlowFilter | None) -> Clause:
    """The condition on table flow."""
    return filtered(filter, _FLOW) if filter else TRUE


def flow_run(filter: FlowRunFilter | None) -> Clause:
    """The condition on table flow_run."""
    return filtered(filter, _FLOW_RUN) if filter else TRUE


def task_run(filter: TaskRunFilter | None) -> Clause:
    """The condition on table task_run."""
    return filtered(filter, _TASK_RUN) if filter else TRUE


def deployment(filter: DeploymentFilter | None) -> Clause:
    """The condition on table deployment."""
    return filtered(filter, _DEPLOYMENT) if filter else TRUE


def work_pool(filter: WorkPoolFilter | None) -> Clause:
    """The condition on table work_pool."""
    return filtered(filter, _WORK_POOL) if filter else TRUE


def work_queue(filter: WorkQueueFilter | None) -> Clause:
    """The condition on table work_queue."""
    return filtered(filter, _WORK_QUEUE) if filter else TRUE


def worker(filter: WorkerFilter | None) -> Clause:
    """The condition on table worker."""
    return filtered(filter, _WORKER) if filter else TRUE


def log(filter: LogFilter | None) -> Clause:
    """The condition on table log."""
    return filtered(filter, _LOG) if filter else TRUE


# -- across resources


def flows(criteria: Criteria, *, runs: str | None = None) -> Clause:
    """The condition on table flow: its own, and that it has such deployments, such runs.

    runs  what to write after FROM to find the flow runs first, when few match; None: look at each flow's runs
    """
    return joined([flow(criteria.flows), *_flow_deployments(criteria), *_flow_flow_runs(criteria, runs)])


def flow_runs(criteria: Criteria) -> Clause:
    """The condition on table flow_run: its own, that it belongs to such things, and has such task runs."""
    return joined([flow_run(criteria.flow_runs), *flow_run_owners(criteria), *_flow_run_task_runs(criteria)])


def task_runs(criteria: Criteria, *, parents: Clause | None = None) -> Clause:
    """The condition on table task_run: its own, and that its flow run is such.

    parents  `of_flow_runs`, when few flow runs match; None: look at each task's flow run
    """
    own = task_run(criteria.task_runs)
    if _by_ids_alone(criteria):
        ids = required_values(required(criteria.flow_runs).get("id")) or []
        return own & within("task_run.flow_run_id", ids)
    if not asks_for_flow_run(criteria):
        return own
    if parents is not None:
        return own & parents
    condition = _parents(criteria)
    return own & _has("flow_run", "flow_run.id = task_run.flow_run_id", condition)


def of_flow_runs(criteria: Criteria, source: str) -> Clause:
    """The condition on table task_run that its flow run is such, found through `source`."""
    return _owned("task_run.flow_run_id", f"flow_run.id FROM {source}", _parents(criteria))


def _parents(criteria: Criteria) -> Clause:
    return joined([flow_run(criteria.flow_runs), *flow_run_owners(criteria)])


def asks_for_flow_run(criteria: Criteria) -> bool:
    """Whether criteria on task runs say anything about their flow runs."""
    return criteria.flow_runs is not None or bool(flow_run_owners(criteria))


def flow_run_owners(criteria: Criteria) -> list[Clause]:
    """The conditions on a flow run's flow, deployment, work queue and work pool."""
    clauses: list[Clause] = []
    if criteria.flows is not None:
        clauses.append(_owned("flow_run.flow_id", "flow.id FROM flow", flow(criteria.flows)))
    if criteria.deployments is not None:
        clauses.append(
            _owned("flow_run.deployment_id", "deployment.id FROM deployment", deployment(criteria.deployments))
        )
    if criteria.work_queues is not None:
        clauses.append(
            _owned("flow_run.work_queue_id", "work_queue.id FROM work_queue", work_queue(criteria.work_queues))
        )
    if criteria.work_pools is not None:
        clauses.append(_owned("flow_run.work_queue_id", _QUEUES_OF_POOLS, work_pool(criteria.work_pools)))
    return clauses


_QUEUES_OF_POOLS = "work_queue.id FROM work_queue JOIN work_pool ON work_pool.id = work_queue.work_pool_id"


def _owned(reference: str, owners: str, condition: Clause) -> Clause:
    if condition is FALSE:
        return FALSE
    return Clause(f"{reference} IN (SELECT {owners} WHERE {condition.sql})", condition.parameters)


def _has(table: str, link: str, condition: Clause) -> Clause:
    if condition is FALSE:
        return FALSE
    return Clause(f"EXISTS (SELECT 1 FROM {table} WHERE {link} AND {condition.sql})", condition.parameters)


def _flow_deployments(criteria: Criteria) -> list[Clause]:
    """That the flow has a deployment like this, in a pool like that: one deployment for both."""
    if criteria.deployments is None and criteria.work_pools is None:
        return []
    clauses = [deployment(criteria.deployments)]
    if criteria.work_pools is not None:
        clauses.append(_owned("deployment.work_queue_id", _QUEUES_OF_POOLS, work_pool(criteria.work_pools)))
    return [_owned("flow.id", "deployment.flow_id FROM deployment", joined(clauses))]


def _flow_flow_runs(criteria: Criteria, runs: str | None) -> list[Clause]:
    """That the flow has a run like this, with a task run like that."""
    if criteria.flow_runs is None and criteria.task_runs is None:
        return []
    condition = joined([flow_run(criteria.flow_runs), *_flow_run_task_runs(criteria)])
    if runs is not None:
        return [_owned("flow.id", f"flow_run.flow_id FROM {runs}", condition)]
    return [_has("flow_run", "flow_run.flow_id = flow.id", condition)]


def _flow_run_task_runs(criteria: Criteria) -> list[Clause]:
    if criteria.task_runs is None:
        return []
    condition = task_run(criteria.task_runs)
    if required_values(required(criteria.task_runs).get("id")) is not None:  # few, by primary key
        return [_owned("flow_run.id", "task_run.flow_run_id FROM task_run", condition)]
    return [_has("task_run", "task_run.flow_run_id = flow_run.id", condition)]


def _by_ids_alone(criteria: Criteria) -> bool:
    """Whether flow runs are given by their ids and nothing else."""
    filter = criteria.flow_runs
    if filter is None or flow_run_owners(criteria) or not only(filter, "id") or not only(filter.id, "any_"):
        return False
    return bool(filter.id and filter.id.any_)


# -- parts that are more than operators on a column


def _flow_run_start(filter: Filter) -> Clause:
    parts = {**column_parts(FLOW_RUN_START), "is_null_": column_parts("flow_run.start_time")["is_null_"]}
    return filtered(filter, parts)


def _state(table: str) -> Part:
    """Type and name of the present state; a part without exactly one criterion does not filter, as in Prefect."""

    def single(expression: str) -> Part:
        def part(filter: Filter) -> Clause | None:
            clauses = clauses_of(filter, column_parts(expression))
            return clauses[0] if len(clauses) == 1 else None

        return part

    parts: dict[str, Part] = {"type": single(f"{table}.state_type"), "name": single(f"{table}.state_name")}
    return lambda filter: filtered(filter, parts)


def _flow_deployment(value: bool) -> Clause:
    return Clause(f"flow.id {'NOT IN' if value else 'IN'} (SELECT deployment.flow_id FROM deployment)")


def subflows_of(ids: Sequence[object]) -> Clause:
    """The condition on table flow_run that it is a subflow of one of these runs."""
    parents = within("parent.flow_run_id", ids)
    return Clause(
        f"flow_run.parent_task_run_id IN (SELECT parent.id FROM task_run AS parent WHERE {parents.sql})",
        parents.parameters,
    )


_CREATED_BY: dict[str, Part] = {
    "id_": lambda ids: within("json_extract(flow_run.created_by, '$.id')", ids),
    "type_": lambda types: within("json_extract(flow_run.created_by, '$.type')", types),
    "is_null_": lambda value: is_null("flow_run.created_by", value),
}


def _subflow_runs(filter: SubflowRunsFilter) -> Clause:
    if filter.exists_ is None:
        return TRUE
    word = "EXISTS" if filter.exists_ else "NOT EXISTS"
    return Clause(f"{word} (SELECT 1 FROM flow_run AS subflow WHERE subflow.parent_task_run_id = task_run.id)")


def _task_flow_run(filter: TaskFlowRunFilter) -> Clause:
    if filter.is_null_ or (filter.is_null_ is False and filter.any_ is None):
        return is_null("task_run.flow_run_id", filter.is_null_)
    return TRUE if filter.any_ is None else within("task_run.flow_run_id", filter.any_)


def _flow_or_deployment_name(filter: Filter) -> Clause:
    def part(text: str) -> Clause | None:
        if not text:
            return None
        name, owner = like("deployment.name", f"%{text}%"), like("flow.name", f"%{text}%")
        owned = _owned("deployment.flow_id", "flow.id FROM flow", owner)
        return joined([name, owned], Operator.or_)

    return filtered(filter, {"like_": part})


def _log_text(filter: LogTextFilter) -> Clause:
    """Words in `message name`, A to Z in either case; unlike Prefect's LIKE, `%` and `_` are plain characters here."""
    query = parse(filter.query)
    text = "lower(log.message || ' ' || log.name)"
    clauses = [Clause(f"instr({text}, ?)", (term,)) for term in query.required]
    clauses += [Clause(f"NOT instr({text}, ?)", (term,)) for term in query.exclude]
    if query.include:
        clauses.append(joined([Clause(f"instr({text}, ?)", (term,)) for term in query.include], Operator.or_))
    return joined(clauses)


_FLOW: dict[str, Part] = {
    "id": column("flow.id"),
    "deployment": lambda filter: filtered(filter, {"is_null_": _flow_deployment}),
    "name": column("flow.name"),
    "tags": tags("flow.tags"),
}

_FLOW_RUN: dict[str, Part] = {
    "id": column("flow_run.id"),
    "name": column("flow_run.name"),
    "tags": tags("flow_run.tags"),
    "deployment_id": column("flow_run.deployment_id"),
    "work_queue_name": column("flow_run.work_queue_name"),
    "state": _state("flow_run"),
    "flow_version": column("flow_run.flow_version"),
    "start_time": _flow_run_start,
    "end_time": column("flow_run.end_time"),
    "expected_start_time": column("flow_run.expected_start_time"),
    "next_scheduled_start_time": column("flow_run.next_scheduled_start_time"),
    "parent_flow_run_id": lambda filter: filtered(filter, {"any_": subflows_of}),
    "parent_task_run_id": column("flow_run.parent_task_run_id"),
    "idempotency_key": column("flow_run.idempotency_key"),
    "created_by": lambda filter: filtered(filter, _CREATED_BY),
}

_TASK_RUN: dict[str, Part] = {
    "id": column("task_run.id"),
    "name": column("task_run.name"),
    "tags": tags("task_run.tags"),
    "state": _state("task_run"),
    "start_time": column("task_run.start_time"),
    "end_time": column("task_run.end_time"),
    "expected_start_time": column("task_run.expected_start_time"),
    "subflow_runs": _subflow_runs,
    "flow_run_id": _task_flow_run,
}

_DEPLOYMENT: dict[str, Part] = {
    "id": column("deployment.id"),
    "name": column("deployment.name"),
    "flow_or_deployment_name": _flow_or_deployment_name,
    "paused": column("deployment.paused"),
    "tags": tags("deployment.tags"),
    "work_queue_name": column("deployment.work_queue_name"),
    "concurrency_limit": lambda _filter: None,
}

_WORK_POOL: dict[str, Part] = {
    "id": column("work_pool.id"),
    "name": column("work_pool.name"),
    "type": column("work_pool.type"),
}

_WORK_QUEUE: dict[str, Part] = {"id": column("work_queue.id"), "name": column("work_queue.name")}

_WORKER: dict[str, Part] = {
    "last_heartbeat_time": column("worker.last_heartbeat_time"),
    "status": column("worker.status"),
}

_LOG: dict[str, Part] = {
    "level": column("log.level"),
    "timestamp": column("log.timestamp"),
    "flow_run_id": column("log.flow_run_id"),
    "task_run_id": column("log.task_run_id"),
    "text": _log_text,
}
