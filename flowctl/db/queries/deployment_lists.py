"""Deployments that meet criteria of their own, and of what they belong to or have run."""

from __future__ import annotations

from flowctl.db import where
from flowctl.db.clauses import Clause, joined
from flowctl.db.database import Tx
from flowctl.db.tables import deployments
from flowctl.domain.criteria import Criteria
from flowctl.domain.deployment_filters import DeploymentSort
from flowctl.domain.deployments import Deployment

_ORDERS = {
    DeploymentSort.CREATED_DESC: "deployment.created DESC, deployment.rowid DESC",
    DeploymentSort.UPDATED_DESC: "deployment.updated DESC, deployment.rowid DESC",
    DeploymentSort.NAME_ASC: "deployment.name, deployment.rowid",
    DeploymentSort.NAME_DESC: "deployment.name DESC, deployment.rowid DESC",
}


def find(tx: Tx, criteria: Criteria, sort: DeploymentSort, limit: int, offset: int) -> list[Deployment]:
    """A page of deployments."""
    found = condition(criteria)
    clause = f"WHERE {found.sql} ORDER BY {_ORDERS[sort]} LIMIT ? OFFSET ?"
    return deployments.find(tx, clause, (*found.parameters, limit, offset))


def count(tx: Tx, criteria: Criteria) -> int:
    """How many deployments there are."""
    found = condition(criteria)
    return tx.scalar(f"SELECT count(*) FROM deployment WHERE {found.sql}", found.parameters)


def condition(criteria: Criteria) -> Clause:
    """The condition on table deployment: its own, that it belongs to such things, and has such runs."""
    clauses = [where.deployment(criteria.deployments)]
    if criteria.flows is not None:
        clauses.append(_in("deployment.flow_id", "flow.id FROM flow", where.flow(criteria.flows)))
    if criteria.flow_runs is not None or criteria.task_runs is not None:
        clauses.append(_has_run(criteria))
    if criteria.work_queues is not None:
        queues = where.work_queue(criteria.work_queues)
        clauses.append(_in("deployment.work_queue_id", "work_queue.id FROM work_queue", queues))
    if criteria.work_pools is not None:
        source = "work_queue.id FROM work_queue JOIN work_pool ON work_pool.id = work_queue.work_pool_id"
        clauses.append(_in("deployment.work_queue_id", source, where.work_pool(criteria.work_pools)))
    return joined(clauses)


def _in(column: str, source: str, condition: Clause) -> Clause:
    return Clause(f"{column} IN (SELECT {source} WHERE {condition.sql})", condition.parameters)


def _has_run(criteria: Criteria) -> Clause:
    """That there is a run like this of the deployment, with a task run like that."""
    conditions = [where.flow_run(criteria.flow_runs)]
    if criteria.task_runs is not None:
        inner = where.task_run(criteria.task_runs)
        sql = f"EXISTS (SELECT 1 FROM task_run WHERE task_run.flow_run_id = flow_run.id AND {inner.sql})"
        conditions.append(Clause(sql, inner.parameters))
    run = joined(conditions)
    sql = f"EXISTS (SELECT 1 FROM flow_run WHERE flow_run.deployment_id = deployment.id AND {run.sql})"
    return Clause(sql, run.parameters)
