"""The filters on rows in memory, one at a time, with SQL's three truth values: the database must agree with them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any
from uuid import UUID

from run_world import Row, World

from flowctl.domain.criteria import Criteria
from flowctl.domain.filters import Filter, Operator, criteria
from flowctl.domain.text_search import parse

Truth = bool | None


def flow_runs(world: World, wanted: Criteria) -> set[UUID]:
    return {row["id"] for row in world["flow_run"] if _flow_run_meets(world, row, wanted)}


def task_runs(world: World, wanted: Criteria) -> set[UUID]:
    return {row["id"] for row in world["task_run"] if _task_run_meets(world, row, wanted)}


def flows(world: World, wanted: Criteria) -> set[UUID]:
    return {row["id"] for row in world["flow"] if _flow_meets(world, row, wanted)}


def logs(world: World, filter: Filter | None) -> set[UUID]:
    return {row["id"] for row in world["log"] if _passes(world, "log", row, filter)}


def _flow_run_meets(world: World, run: Row, wanted: Criteria) -> bool:
    queue = world.get("work_queue", run["work_queue_id"])
    owners: list[tuple[Filter | None, str, Row | None]] = [
        (wanted.flows, "flow", world.get("flow", run["flow_id"])),
        (wanted.deployments, "deployment", world.get("deployment", run["deployment_id"])),
        (wanted.work_queues, "work_queue", queue),
        (wanted.work_pools, "work_pool", queue and world.get("work_pool", queue["work_pool_id"])),
    ]
    for filter, table, owner in owners:
        if filter is not None and (owner is None or not _passes(world, table, owner, filter)):
            return False
    return _passes(world, "flow_run", run, wanted.flow_runs) and _has_task_run(world, run, wanted)


def _has_task_run(world: World, run: Row, wanted: Criteria) -> bool:
    if wanted.task_runs is None:
        return True
    mine = [task for task in world["task_run"] if task["flow_run_id"] == run["id"]]
    return any(_passes(world, "task_run", task, wanted.task_runs) for task in mine)


def _task_run_meets(world: World, task: Row, wanted: Criteria) -> bool:
    if not _passes(world, "task_run", task, wanted.task_runs):
        return False
    parents = Criteria(
        flows=wanted.flows,
        flow_runs=wanted.flow_runs,
        deployments=wanted.deployments,
        work_pools=wanted.work_pools,
        work_queues=wanted.work_queues,
    )
    if parents == Criteria():
        return True
    parent = world.get("flow_run", task["flow_run_id"])
    return parent is not None and _flow_run_meets(world, parent, parents)


def _flow_meets(world: World, flow: Row, wanted: Criteria) -> bool:
    if not _passes(world, "flow", flow, wanted.flows):
        return False
    if (wanted.deployments is not None or wanted.work_pools is not None) and not any(
        deployment["flow_id"] == flow["id"] and _deployment_meets(world, deployment, wanted)
        for deployment in world["deployment"]
    ):
        return False
    if wanted.flow_runs is None and wanted.task_runs is None:
        return True
    inner = Criteria(flow_runs=wanted.flow_runs, task_runs=wanted.task_runs)
    return any(run["flow_id"] == flow["id"] and _flow_run_meets(world, run, inner) for run in world["flow_run"])


def _deployment_meets(world: World, deployment: Row, wanted: Criteria) -> bool:
    queue = world.get("work_queue", deployment["work_queue_id"])
    pool = queue and world.get("work_pool", queue["work_pool_id"])
    if wanted.work_pools is not None and (pool is None or not _passes(world, "work_pool", pool, wanted.work_pools)):
        return False
    return _passes(world, "deployment", deployment, wanted.deployments)


# -- one resource


def _passes(world: World, table: str, row: Row, filter: Filter | None) -> bool:
    return filter is None or _filter(filter, lambda name, value: _part(world, table, row, name, value)) is True


def _part(world: World, table: str, row: Row, name: str, value: Any) -> Truth | str:
    special = _SPECIAL.get((table, name))
    if special:
        return special(world, row, value)
    if name == "tags":
        return _filter(value, lambda operator, wanted: _tags(row["tags"], operator, wanted))
    if name == "state":
        return _filter(value, lambda part, operators: _state_part(row[f"state_{part}"], operators))
    return _column(row[name], value)


def _filter(filter: Filter, part: Callable[[str, Any], Truth | str]) -> Truth:
    """AND or OR of a filter's criteria; a part that answers "none" does not filter."""
    found = [part(name, value) for name, value in criteria(filter).items()]
    truths = [truth for truth in found if truth != "none"]
    if not truths:
        return True
    return _any(truths) if getattr(filter, "operator", Operator.and_) is Operator.or_ else _all(truths)


def _column(value: Any, filter: Filter) -> Truth:
    return _filter(filter, lambda operator, wanted: _operator(value, operator, wanted))


def _operator(value: Any, operator: str, wanted: Any) -> Truth | str:
    if operator == "is_null_":
        return (value is None) is wanted
    if operator in ("not_any_", "like_") and not wanted:
        return "none"
    if operator == "any_" and not wanted:
        return False
    if value is None:
        return None
    match operator:
        case "any_":
            return value in wanted
        case "not_any_":
            return value not in wanted
        case "like_":
            return _like(value, f"%{wanted}%")
        case "startswith_":
            return not wanted or any(_like(value, f"{prefix}%") for prefix in wanted)
        case "before_" | "le_":
            return value <= wanted
        case "after_" | "ge_":
            return value >= wanted
        case _:
            return value == wanted


def _like(text: str, pattern: str) -> bool:
    parts = {"%": "(?s:.*)", "_": "(?s:.)"}
    regex = "".join(parts.get(letter) or re.escape(letter) for letter in pattern)
    return re.fullmatch(regex, text, re.IGNORECASE | re.ASCII) is not None


def _tags(tags: list[str], operator: str, wanted: Any) -> Truth | str:
    match operator:
        case "all_":
            return set(wanted) <= set(tags) if wanted else "none"
        case "any_":
            return bool(set(wanted) & set(tags))
        case _:
            return (not tags) is wanted


def _state_part(value: str | None, filter: Filter) -> Truth | str:
    found = [_operator(value, operator, wanted) for operator, wanted in criteria(filter).items()]
    truths = [truth for truth in found if truth != "none"]
    return truths[0] if len(truths) == 1 else "none"


def _start(_world: World, run: Row, filter: Any) -> Truth:
    either = run["start_time"] or run["expected_start_time"]
    return _filter(
        filter, lambda name, wanted: _operator(run["start_time"] if name == "is_null_" else either, name, wanted)
    )


def _created_by(_world: World, run: Row, filter: Any) -> Truth:
    creator = run["created_by"]

    def part(name: str, wanted: Any) -> Truth | str:
        if name == "is_null_":
            return (creator is None) is wanted
        return _operator(creator and creator[name.rstrip("_")], "any_", [str(each) for each in wanted])

    return _filter(filter, part)


def _parent(world: World, run: Row, filter: Any) -> Truth:
    parent = world.get("task_run", run["parent_task_run_id"])
    return filter.any_ is None or bool(parent and parent["flow_run_id"] in filter.any_)


def _task_flow_run(_world: World, task: Row, filter: Any) -> Truth:
    if filter.is_null_ or (filter.is_null_ is False and filter.any_ is None):
        return (task["flow_run_id"] is None) is filter.is_null_
    return True if filter.any_ is None else task["flow_run_id"] in filter.any_


def _flow_deployment(world: World, flow: Row, filter: Any) -> Truth:
    has = any(deployment["flow_id"] == flow["id"] for deployment in world["deployment"])
    return filter.is_null_ is None or has is not filter.is_null_


def _subflows(world: World, task: Row, filter: Any) -> Truth:
    has = any(run["parent_task_run_id"] == task["id"] for run in world["flow_run"])
    return filter.exists_ is None or has is filter.exists_


def _either_name(world: World, deployment: Row, filter: Any) -> Truth:
    flow = world.get("flow", deployment["flow_id"])
    names = [deployment["name"], *([flow["name"]] if flow else [])]
    return not filter.like_ or any(_like(name, f"%{filter.like_}%") for name in names)


_SPECIAL: dict[tuple[str, str], Callable[[World, Row, Any], Truth | str]] = {
    ("flow_run", "start_time"): _start,
    ("flow_run", "created_by"): _created_by,
    ("flow_run", "parent_flow_run_id"): _parent,
    ("task_run", "flow_run_id"): _task_flow_run,
    ("task_run", "subflow_runs"): _subflows,
    ("flow", "deployment"): _flow_deployment,
    ("deployment", "flow_or_deployment_name"): _either_name,
    ("deployment", "concurrency_limit"): lambda _world, _row, _filter: "none",
    ("log", "text"): lambda _world, row, filter: parse(filter.query).matches(f"{row['message']} {row['name']}"),
}


def _all(truths: Iterable[Any]) -> Truth:
    found = list(truths)
    return False if False in found else None if None in found else True


def _any(truths: Iterable[Any]) -> Truth:
    found = list(truths)
    return True if True in found else None if None in found else False
