"""The filters of each resource as SQL conditions on its table, and criteria as conditions across tables.

Conditions name columns as `table.column`.  What belongs to one parent is asked with IN (the parents that match are few,
and are found once); what contains many children is asked with EXISTS.  `db/queries/paths.py` chooses the index.
"""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from flowctl.db.clauses import (
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
from flowctl.domain.filters import Filter, Operator, only
from flowctl.domain.flow_filters import FlowFilter
from flowctl.domain.flow_run_filters import FlowRunFilter
from flowctl.domain.log_filters import LogFilter, LogTextFilter
from flowctl.domain.task_run_filters import SubflowRunsFilter, TaskFlowRunFilter, TaskRunFilter
from flowctl.domain.text_search import parse
from flowctl.domain.work_pool_filters import WorkPoolFilter, WorkQueueFilter

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


def log(filter: LogFilter | None) -> Clause:
    """The condition on table log."""
    return filtered(filter, _LOG) if filter else TRUE


# -- across resources


def flows(criteria: Criteria) -> Clause:
    """The condition on table flow: its own, and that it has such deployments, such runs."""
    return joined([flow(criteria.flows), *_flow_deployments(criteria), *_flow_flow_runs(criteria)])


def flow_runs(criteria: Criteria) -> Clause:
    """The condition on table flow_run: its own, that it belongs to such things, and has such task runs."""
    return joined([flow_run(criteria.flow_runs), *flow_run_owners(criteria), *_flow_run_task_runs(criteria)])


def task_runs(criteria: Criteria, *, sparse_parents: bool = False) -> Clause:
    """The condition on table task_run: its own, and that its flow run is such.

    sparse_parents  whether few flow runs match: they are looked up first, then their task runs
    """
    own = task_run(criteria.task_runs)
    parents = criteria.flow_runs
    if parents and parents.id and _by_ids_alone(criteria):
        return own & within("task_run.flow_run_id", parents.id.any_ or [])
    owners = [flow_run(parents), *flow_run_owners(criteria)]
    if parents is None and not any((criteria.flows, criteria.deployments, criteria.work_pools, criteria.work_queues)):
        return own
    condition = joined(owners)
    if sparse_parents:
        sql = f"task_run.flow_run_id IN (SELECT flow_run.id FROM flow_run WHERE {condition.sql})"
        return own & Clause(sql, condition.parameters)
    sql = f"EXISTS (SELECT 1 FROM flow_run WHERE flow_run.id = task_run.flow_run_id AND {condition.sql})"
    return own & Clause(sql, condition.parameters)


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
    return Clause(f"{reference} IN (SELECT {owners} WHERE {condition.sql})", condition.parameters)


def _flow_deployments(criteria: Criteria) -> list[Clause]:
    """That the flow has a deployment like this, in a pool like that: one deployment for both."""
    if criteria.deployments is None and criteria.work_pools is None:
        return []
    clauses = [deployment(criteria.deployments)]
    if criteria.work_pools is not None:
        clauses.append(_owned("deployment.work_queue_id", _QUEUES_OF_POOLS, work_pool(criteria.work_pools)))
    return [_owned("flow.id", "deployment.flow_id FROM deployment", joined(clauses))]


def _flow_flow_runs(criteria: Criteria) -> list[Clause]:
    """That the flow has a run like this, with a task run like that."""
    if criteria.flow_runs is None and criteria.task_runs is None:
        return []
    own = flow_run(criteria.flow_runs)
    condition = joined([own, *_flow_run_task_runs(criteria)])
    if _is_sparse(criteria.flow_runs) or _is_sparse(criteria.task_runs):
        return [_owned("flow.id", "flow_run.flow_id FROM flow_run", condition)]
    sql = f"EXISTS (SELECT 1 FROM flow_run WHERE flow_run.flow_id = flow.id AND {condition.sql})"
    return [Clause(sql, condition.parameters)]


def _flow_run_task_runs(criteria: Criteria) -> list[Clause]:
    if criteria.task_runs is None:
        return []
    condition = task_run(criteria.task_runs)
    if _is_sparse(criteria.task_runs):
        return [_owned("flow_run.id", "task_run.flow_run_id FROM task_run", condition)]
    sql = f"EXISTS (SELECT 1 FROM task_run WHERE task_run.flow_run_id = flow_run.id AND {condition.sql})"
    return [Clause(sql, condition.parameters)]


def _is_sparse(filter: FlowRunFilter | TaskRunFilter | None) -> bool:
    """Whether a filter names ids: few rows, found by primary key."""
    if filter is None or filter.id is None or filter.id.any_ is None:
        return False
    return filter.operator is Operator.and_ or only(filter, "id")


def _by_ids_alone(criteria: Criteria) -> bool:
    """Whether flow runs are given by ids and nothing else."""
    if any((criteria.flows, criteria.deployments, criteria.work_pools, criteria.work_queues)):
        return False
    parents = criteria.flow_runs
    return (
        parents is not None and only(parents, "id") and bool(parents.id and parents.id.any_ and not parents.id.not_any_)
    )


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


def _children_of(ids: Sequence[UUID]) -> Clause:
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
    "parent_flow_run_id": lambda filter: filtered(filter, {"any_": _children_of}),
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

_LOG: dict[str, Part] = {
    "level": column("log.level"),
    "timestamp": column("log.timestamp"),
    "flow_run_id": column("log.flow_run_id"),
    "task_run_id": column("log.task_run_id"),
    "text": _log_text,
}
