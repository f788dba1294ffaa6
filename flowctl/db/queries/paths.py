"""Paths: which index a list or a count goes through.  The planner is not asked: after ANALYZE it sorts a million rows
where a walk of 200 would do (LIMITS.md section 3).

A list looks up the rows of one selective criterion and sorts them; or walks the index of its order and stops when the
page is full; or reads the whole table.  Looking up `n` of `N` rows costs `n`; the walk passes about `page * N / n` rows
until it has met `page` of them; so looking up wins when `n` is below the root of `page * N`, and counting up to there
is cheap.  How many rows meet criteria that no index serves, such as tags, is guessed from a sample.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import isqrt

from flowctl.db import where
from flowctl.db.clauses import FALSE, TRUE, Clause, column, is_null, joined, like, within
from flowctl.db.database import Tx
from flowctl.domain.criteria import Criteria
from flowctl.domain.filters import (
    Filter,
    IdOrNullFilter,
    NameFilter,
    TimeFilter,
    criteria,
    only,
    required,
    required_values,
)
from flowctl.domain.log_filters import LogFilter
from flowctl.domain.states import StateType
from flowctl.domain.task_run_filters import TaskFlowRunFilter

FEW = 2000
"""Rows that may be looked up without asking what else could be done."""

_OWNERS = 100
"""Flows or deployments up to which their ids are looked up first, so that their runs can be."""


_SAMPLE = 256
_SCATTER = 2_654_435_761  # times 2**-32 it is the golden ratio: multiples of it do not beat with a rhythm in the rows
_WALK_COST = 8
"""What a row costs that is reached through an index, against one of a table read from its beginning to its end."""

_STATES = 200
"""Kinds of state beyond which runs are not looked up kind by kind; names are the users' to choose."""


@dataclass(frozen=True, slots=True)
class Path:
    """A way to rows: what to write after FROM, and a condition that the index serves (implied by the criteria)."""

    source: str
    condition: Clause = TRUE
    is_sparse: bool = False
    """Whether it looks up few rows."""

    def where(self, condition: Clause) -> Clause:
        """What to write after WHERE: the criteria, and what the index serves unless they say that in the same words."""
        return condition if self.condition.sql in condition.sql else joined([self.condition, condition])


def flow_run_path(tx: Tx, wanted: Criteria, condition: Clause, walks: str | None, page: int | None) -> Path:
    """The path to flow runs.

    condition  the criteria as SQL
    walks      the index whose order is asked for; None: no order matters, or none has an index
    page       rows that are wanted, those of the pages before included; None: all
    """
    return _choose(tx, "flow_run", _flow_run_lookups(tx, wanted), condition, walks, page)


def task_run_path(
    tx: Tx, wanted: Criteria, condition: Clause, walks: str | None, page: int | None, parents: Clause | None = None
) -> Path:
    """The path to task runs.

    parents  a condition that looks up those of the few flow runs that match, if they are few
    """
    return _choose(tx, "task_run", _task_run_lookups(wanted, parents), condition, walks, page)


def sparse_flow_runs(tx: Tx, wanted: Criteria, page: int | None) -> str | None:
    """What to write after FROM to find the flow runs that meet the criteria if they are few; None if they are not.

    page  rows with such a flow run that are wanted; None: all
    """
    path = flow_run_path(tx, wanted, where.flow_runs(wanted), "ix_flow_run__start" if page else None, page)
    return path.source if path.is_sparse else None


def log_path(filter: LogFilter | None) -> Path:
    """The path to log lines: those of the run asked for, else all in order of time."""
    if where.log(filter) is FALSE:
        return Path("log")
    own = required(filter)
    for name, index in (("task_run_id", "ix_log__task_run"), ("flow_run_id", "ix_log__flow_run")):
        if (ids := required_values(own.get(name))) is not None:
            return Path(f"log INDEXED BY {index}", within(f"log.{name}", ids), is_sparse=True)
    either = filter is not None and not own and criteria(filter)
    return Path("log" if either else "log INDEXED BY ix_log__timestamp")


def states_of(tx: Tx, table: str) -> list[tuple[str, str]] | None:
    """Each (state type, state name) that some run is in, found by one lookup each in ix_…__state; None when many."""
    found: list[tuple[str, str]] = []
    sql = f"""
        SELECT state_name FROM {table} INDEXED BY ix_{table}__state
        WHERE state_type = ? AND state_name > ? ORDER BY state_name LIMIT 1"""
    for type in StateType:
        name: str | None = ""
        while (name := tx.scalar(sql, (str(type), name))) is not None:
            found.append((str(type), name))
            if len(found) > _STATES:
                return None
    return found


@dataclass(frozen=True, slots=True)
class _Lookup:
    """A criterion that an index serves; `index` None stands for the primary key."""

    index: str | None
    condition: Clause


def _choose(
    tx: Tx, table: str, lookups: Iterator[_Lookup], condition: Clause, walks: str | None, page: int | None
) -> Path:
    if condition is FALSE:
        return Path(table, is_sparse=True)
    total: int = tx.scalar(f"SELECT max(rowid) FROM {table}") or 0
    bound = max(FEW, total // 3 if page is None or walks is None else isqrt(page * total))
    best: Path | None = None
    for lookup in lookups:
        if lookup.index is None or lookup.condition is FALSE:
            return Path(table, lookup.condition, is_sparse=True)
        source = f"{table} INDEXED BY {lookup.index}"
        sql = f"SELECT count(*) FROM (SELECT 1 FROM {source} WHERE {lookup.condition.sql} LIMIT {bound})"
        count: int = tx.scalar(sql, lookup.condition.parameters)
        if count < bound:
            best, bound = Path(source, lookup.condition, is_sparse=True), count
            if count <= FEW // 10:
                break
    if best is not None:
        return best
    if condition is not TRUE and _is_rare(tx, table, condition, page or FEW, total):
        return Path(f"{table} NOT INDEXED", is_sparse=True)
    return Path(f"{table} INDEXED BY {walks}" if walks else table)


def _is_rare(tx: Tx, table: str, condition: Clause, page: int, total: int) -> bool:
    """Whether so few rows seem to match that reading the table in its own order beats walking through an index."""
    if total < _SAMPLE * 100:
        return False
    rowids = json.dumps([number * _SCATTER % total + 1 for number in range(_SAMPLE)])
    sql = f"""
        SELECT count(*) FROM json_each(?) CROSS JOIN {table} NOT INDEXED
        WHERE {table}.rowid = json_each.value AND {condition.sql}"""
    matching: int = tx.scalar(sql, (rowids, *condition.parameters))
    return matching * total < page * _SAMPLE * _WALK_COST


def _flow_run_lookups(tx: Tx, wanted: Criteria) -> Iterator[_Lookup]:
    """What the criteria allow to look up, the most selective kind first."""
    own = required(wanted.flow_runs)
    if (ids := required_values(own.get("id"))) is not None:
        yield _Lookup(None, within("flow_run.id", ids))
    if required_values(required(wanted.task_runs).get("id")) is not None:
        yield _Lookup(None, TRUE)
    for name, index in _FLOW_RUN_LOOKUPS.items():
        if (values := required_values(own.get(name))) is not None:
            yield _Lookup(index, within(f"flow_run.{name}", values))
        elif isinstance(filter := own.get(name), IdOrNullFilter) and only(filter, "is_null_") and not filter.is_null_:
            yield _Lookup(index, is_null(f"flow_run.{name}", False))
    if (parents := required_values(own.get("parent_flow_run_id"))) is not None:
        yield _Lookup("ix_flow_run__parent_task_run", where.subflows_of(parents))
    if wanted.flows is not None and (ids := _owner_ids(tx, "flow", where.flow(wanted.flows))) is not None:
        yield _Lookup("ix_flow_run__flow", within("flow_run.flow_id", ids))
    if wanted.deployments is not None:
        ids = _owner_ids(tx, "deployment", where.deployment(wanted.deployments))
        if ids is not None:
            yield _Lookup("ix_flow_run__deployment", within("flow_run.deployment_id", ids))
    if (condition := _state("flow_run", own.get("state"))) is not None:
        yield _Lookup("ix_flow_run__state", condition)
    if (condition := _bounds(where.FLOW_RUN_START, own.get("start_time"))) is not None:
        yield _Lookup("ix_flow_run__start", condition)
    yield from _range_lookups("flow_run", own)
    yield from _part_of_name("flow_run", own)


_FLOW_RUN_LOOKUPS = {
    "name": "ix_flow_run__name",
    "parent_task_run_id": "ix_flow_run__parent_task_run",
    "deployment_id": "ix_flow_run__deployment",
}


def _task_run_lookups(wanted: Criteria, parents: Clause | None) -> Iterator[_Lookup]:
    own = required(wanted.task_runs)
    if (ids := required_values(own.get("id"))) is not None:
        yield _Lookup(None, within("task_run.id", ids))
    parent = own.get("flow_run_id")
    ids = None if isinstance(parent, TaskFlowRunFilter) and parent.is_null_ else required_values(parent)
    if ids is None:
        ids = required_values(required(wanted.flow_runs).get("id"))
    if ids is not None:
        parents = within("task_run.flow_run_id", ids)
    if parents is not None:
        yield _Lookup("uq_task_run__flow_run_id_task_key_dynamic_key", parents)
    if (names := required_values(own.get("name"))) is not None:
        yield _Lookup("ix_task_run__name", within("task_run.name", names))
    if (condition := _state("task_run", own.get("state"))) is not None:
        yield _Lookup("ix_task_run__state", condition)
    yield from _range_lookups("task_run", own)
    yield from _part_of_name("task_run", own)


def _range_lookups(table: str, own: Mapping[str, Filter]) -> Iterator[_Lookup]:
    for name, index in (("expected_start_time", "expected"), ("end_time", "end")):
        if (condition := _bounds(f"{table}.{name}", own.get(name))) is not None:
            yield _Lookup(f"ix_{table}__{index}", condition)


def _part_of_name(table: str, own: Mapping[str, Filter]) -> Iterator[_Lookup]:
    """Part of a name: all names are looked at, but in their index, a fortieth of the table."""
    name = own.get("name")
    if isinstance(name, NameFilter) and name.like_:
        yield _Lookup(f"ix_{table}__name", like(f"{table}.name", f"%{name.like_}%"))


def _bounds(expression: str, filter: Filter | None) -> Clause | None:
    """The bounds that a filter sets to a time, or None."""
    if not isinstance(filter, TimeFilter) or (filter.before_ is None and filter.after_ is None):
        return None
    return column(expression)(TimeFilter(before_=filter.before_, after_=filter.after_))


def _state(table: str, filter: Filter | None) -> Clause | None:
    """A condition that ix_…__state serves: its first column is the type, so a name alone is looked up under each."""
    parts = {name: values for name, part in required(filter).items() if (values := _sole_values(part)) is not None}
    if not parts:
        return None
    clauses = [within(f"{table}.state_type", parts.get("type", list(StateType)))]
    if "name" in parts:
        clauses.append(within(f"{table}.state_name", parts["name"]))
    return joined(clauses)


def _sole_values(filter: Filter) -> list[object] | None:
    return required_values(filter) if only(filter, "any_") else None


def _owner_ids(tx: Tx, table: str, condition: Clause) -> list[str] | None:
    """The ids of the owners that match, unless they are many."""
    sql = f"SELECT {table}.id FROM {table} WHERE {condition.sql} LIMIT {_OWNERS + 1}"
    ids = [row[0] for row in tx.execute(sql, condition.parameters)]
    return ids if len(ids) <= _OWNERS else None
