"""Whatever the criteria, and whichever index is used for them, a list holds the rows that a naive filter keeps."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import fields
from datetime import timedelta
from types import NoneType
from typing import Any, get_args, get_type_hints
from uuid import UUID

import naive_filters as naive
import pytest
import run_world
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from flowctl.db.database import Database, Tx
from flowctl.db.queries import lists, paths
from flowctl.domain.criteria import Criteria
from flowctl.domain.deployment_filters import DeploymentFilter
from flowctl.domain.filters import Filter, Operator, OperatorFilter
from flowctl.domain.flow_filters import FlowFilter, FlowSort
from flowctl.domain.flow_run_filters import FlowRunFilter, FlowRunSort
from flowctl.domain.log_filters import LogFilter, LogSort
from flowctl.domain.task_run_filters import TaskRunFilter, TaskRunSort
from flowctl.domain.work_pool_filters import WorkPoolFilter, WorkQueueFilter

WORLD = run_world.make()
HOURS = st.integers(-2, 50).map(lambda hours: run_world.BEGIN + timedelta(hours=hours))
TEXTS = {
    "flow": [row["name"] for row in WORLD["flow"]],
    "flow_run": sorted({row["name"] for row in WORLD["flow_run"]}),
    "task_run": sorted({row["name"] for row in WORLD["task_run"]}),
    "deployment": ["dep-0", "dep-2", "nope"],
    "work_pool": ["pool-0", "pool-1", "process"],
    "work_queue": ["Queue-0", "queue-1", "nope"],
}
OTHER_TEXTS = ["1", "2", "key-3", "key-4", "Queue-0", "DEPLOYMENT", "Late", "Completed", "TimedOut", "process", "nope"]
PARTS = ["", "r", "R_", "%", "é", "dep", "FLOW", "1"]

TABLE_OF_ID = {
    "parent_flow_run_id": "flow_run",
    "flow_run_id": "flow_run",
    "parent_task_run_id": "task_run",
    "task_run_id": "task_run",
    "deployment_id": "deployment",
    "created_by": "deployment",
}


def filters(cls: type[Filter], table: str, name: str = "") -> SearchStrategy[Any]:
    """Filters of a class: few criteria each, so that most have an answer."""
    hints = get_type_hints(cls)
    names = [each.name for each in fields(cls) if each.name != "operator"]
    chosen = st.lists(st.sampled_from(names), max_size=3, unique=True)

    def build(names: list[str]) -> SearchStrategy[Any]:
        values = {each: values_of(hints[each], table, name or each, each) for each in names}
        optional: dict[str, SearchStrategy[Any]] = (
            {"operator": st.sampled_from(Operator)} if issubclass(cls, OperatorFilter) else {}
        )
        return st.builds(cls, **values, **optional)

    return chosen.flatmap(build)


def values_of(hint: Any, table: str, name: str, operator: str) -> SearchStrategy[Any]:
    kind = next((arm for arm in (get_args(hint) or (hint,)) if arm is not NoneType), hint)
    if isinstance(kind, type) and issubclass(kind, Filter):
        return filters(kind, table, name)
    item = get_args(kind)[0] if get_args(kind) else None
    if item is UUID:
        return lists_of(WORLD.ids(TABLE_OF_ID.get(name, table)))
    if name == "tags" and item is str:
        return lists_of(run_world.TAGS)
    if operator == "startswith_":
        return lists_of(["q", "Q", "queue-1"])
    if item is str:
        return lists_of(TEXTS.get(table, []) if name == "name" else OTHER_TEXTS)
    if item is not None and name == "state":
        return lists_of(list(item))
    if kind is bool:
        return st.booleans()
    if kind is int:
        return st.sampled_from([10, 20, 30, 35])
    if kind is str:
        return st.sampled_from(PARTS)
    return st.one_of(HOURS, st.sampled_from([row["timestamp"] for row in WORLD["log"]])) if table == "log" else HOURS


def lists_of(values: Sequence[Any]) -> SearchStrategy[list[Any]]:
    return st.lists(st.sampled_from(values), max_size=6)


FLOWS = filters(FlowFilter, "flow")
FLOW_RUNS = filters(FlowRunFilter, "flow_run")
TASK_RUNS = filters(TaskRunFilter, "task_run")
OTHERS: dict[str, SearchStrategy[Any]] = {
    "flows": FLOWS,
    "flow_runs": FLOW_RUNS,
    "task_runs": TASK_RUNS,
    "deployments": filters(DeploymentFilter, "deployment"),
    "work_pools": filters(WorkPoolFilter, "work_pool"),
    "work_queues": filters(WorkQueueFilter, "work_queue"),
}
WANTED = st.lists(st.sampled_from(list(OTHERS)), max_size=3, unique=True).flatmap(
    lambda names: st.builds(Criteria, **{name: OTHERS[name] for name in names})
)

many = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tx]:
    database = Database(tmp_path_factory.mktemp("world") / "flowctl.db")
    with database.write() as tx:
        WORLD.store(tx)
        yield tx
    database.close()


@pytest.fixture(params=["lookups", "walks", "reads"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """How rows are found: as in a small table, as in a large one, or as if no row seemed to match."""
    if request.param != "lookups":
        monkeypatch.setattr(paths, "FEW", 0)
        monkeypatch.setattr(paths, "_SAMPLE", 10**6 if request.param == "walks" else 1)
        monkeypatch.setattr(paths, "_OWNERS", 2)
    return request.param


@given(wanted=WANTED, sort=st.sampled_from(FlowRunSort))
@many
def test_flow_runs(world: Tx, way: str, wanted: Criteria, sort: FlowRunSort) -> None:
    expected = naive.flow_runs(WORLD, wanted)
    found = [run.id for run in lists.flow_runs(world, wanted, sort, 1000, 0)]
    assert set(found) == expected
    assert len(found) == lists.count_flow_runs(world, wanted) == len(expected)
    parts = [run.id for offset in (0, 3, 6) for run in lists.flow_runs(world, wanted, sort, 3, offset)]
    assert parts == found[:9]


@given(wanted=WANTED, sort=st.sampled_from(TaskRunSort))
@many
def test_task_runs(world: Tx, way: str, wanted: Criteria, sort: TaskRunSort) -> None:
    expected = naive.task_runs(WORLD, wanted)
    found = [run.id for run in lists.task_runs(world, wanted, sort, 1000, 0)]
    assert set(found) == expected
    assert len(found) == lists.count_task_runs(world, wanted) == len(expected)
    parts = [run.id for offset in (0, 3, 6) for run in lists.task_runs(world, wanted, sort, 3, offset)]
    assert parts == found[:9]


@given(wanted=WANTED, sort=st.sampled_from(FlowSort))
@many
def test_flows(world: Tx, way: str, wanted: Criteria, sort: FlowSort) -> None:
    expected = naive.flows(WORLD, wanted)
    found = [flow.id for flow in lists.flows(world, wanted, sort, 1000, 0)]
    assert set(found) == expected
    assert len(found) == lists.count_flows(world, wanted) == len(expected)


@given(filter=st.none() | filters(LogFilter, "log"), sort=st.sampled_from(LogSort))
@many
def test_logs(world: Tx, filter: LogFilter | None, sort: LogSort) -> None:
    found = list(lists.logs(world, filter, sort, 1000, 0))
    assert {log.id for log in found} == naive.logs(WORLD, filter)
    times = [log.timestamp for log in found]
    assert times == sorted(times, reverse=sort is LogSort.TIMESTAMP_DESC)
