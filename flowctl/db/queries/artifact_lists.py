"""Artifacts, or the latest ones of each key, that meet criteria of their own and of the runs that made them."""

from __future__ import annotations

from typing import TypeVar

from flowctl.db import where
from flowctl.db.clauses import Clause, Part, column, filtered, joined
from flowctl.db.columns import Columns, Rows
from flowctl.db.database import Tx
from flowctl.db.queries.lists import Order, page
from flowctl.db.queries.paths import Path
from flowctl.db.tables.artifacts import ARTIFACT, ARTIFACT_COLLECTION
from flowctl.domain.artifact_filters import ArtifactCollectionFilter, ArtifactFilter, ArtifactSort
from flowctl.domain.artifacts import Artifact, ArtifactCollection
from flowctl.domain.criteria import Criteria

T = TypeVar("T")


def artifacts(
    tx: Tx, filter: ArtifactFilter | None, criteria: Criteria, sort: ArtifactSort, limit: int, offset: int
) -> Rows[Artifact]:
    """A page of artifacts."""
    return _page(tx, ARTIFACT, _condition("artifact", filter, criteria), sort, limit, offset)


def latest(
    tx: Tx, filter: ArtifactCollectionFilter | None, criteria: Criteria, sort: ArtifactSort, limit: int, offset: int
) -> Rows[ArtifactCollection]:
    """A page of the latest artifacts, one for each key."""
    condition = _condition("artifact_collection", filter, criteria)
    return _page(tx, ARTIFACT_COLLECTION, condition, sort, limit, offset)


def count(tx: Tx, filter: ArtifactFilter | None, criteria: Criteria) -> int:
    """How many artifacts there are."""
    return _count(tx, "artifact", _condition("artifact", filter, criteria))


def count_latest(tx: Tx, filter: ArtifactCollectionFilter | None, criteria: Criteria) -> int:
    """How many keys have such a latest artifact."""
    return _count(tx, "artifact_collection", _condition("artifact_collection", filter, criteria))


def _page(tx: Tx, columns: Columns[T], condition: Clause, sort: ArtifactSort, limit: int, offset: int) -> Rows[T]:
    name, direction = sort.value.rsplit("_", 1)
    order = Order(f"{columns.table}.{name.lower()}", direction)
    return page(tx, columns, Path(columns.table), condition, order, limit, offset)


def _count(tx: Tx, table: str, condition: Clause) -> int:
    return tx.scalar(f"SELECT count(*) FROM {table} WHERE {condition.sql}", condition.parameters)


def _condition(table: str, filter: ArtifactFilter | ArtifactCollectionFilter | None, criteria: Criteria) -> Clause:
    clauses: list[Clause] = [filtered(filter, _parts(table))] if filter else []
    owners = where.flow_run_owners(criteria)
    if criteria.flow_runs is not None or owners:
        clauses.append(_made_by("flow_run", table, joined([where.flow_run(criteria.flow_runs), *owners])))
    if criteria.task_runs is not None:
        clauses.append(_made_by("task_run", table, where.task_run(criteria.task_runs)))
    return joined(clauses)


def _made_by(runs: str, table: str, condition: Clause) -> Clause:
    """That the run which made it is there, and like this."""
    sql = f"EXISTS (SELECT 1 FROM {runs} WHERE {runs}.id = {table}.{runs}_id AND {condition.sql})"
    return Clause(sql, condition.parameters)


def _parts(table: str) -> dict[str, Part]:
    names = ("id", "latest_id", "key", "flow_run_id", "task_run_id", "type")
    return {name: column(f"{table}.{name}") for name in names}
