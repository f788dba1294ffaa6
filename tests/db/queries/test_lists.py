"""Orders and edges of lists; what they hold is compared in test_lists_against_memory.py."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import run_world

from flowctl.db.database import Database, Tx
from flowctl.db.queries import lists
from flowctl.domain.criteria import Criteria
from flowctl.domain.filters import IdAnyFilter, IdFilter, NumberFilter
from flowctl.domain.flow_filters import FlowSort
from flowctl.domain.flow_run_filters import FlowRunFilter, FlowRunSort
from flowctl.domain.log_filters import LogFilter, LogSort, LogTextFilter
from flowctl.domain.task_run_filters import TaskRunSort

WORLD = run_world.make(flow_runs=60, task_runs=80, logs=40)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tx]:
    database = Database(tmp_path_factory.mktemp("world") / "flowctl.db")
    with database.write() as tx:
        WORLD.store(tx)
        yield tx
    database.close()


def field_of(sort: str, row: Any) -> Any:
    name = sort.rpartition("_")[0].lower()
    if sort.startswith("START_TIME"):
        return row.start_time or row.expected_start_time
    return str(row.id) if name == "id" else getattr(row, name)


def assert_ordered(sort: str, rows: list[Any]) -> None:
    """Values ascend or descend; where there is none counts as the least, as in SQLite."""
    values = [field_of(sort, row) for row in rows]
    given = [value for value in values if value is not None]
    missing = [None] * (len(values) - len(given))
    if sort.endswith("DESC"):
        assert values == [*sorted(given, reverse=True), *missing]
    else:
        assert values == [*missing, *sorted(given)]


@pytest.mark.parametrize("sort", FlowRunSort)
def test_flow_runs_come_in_order(world: Tx, sort: FlowRunSort) -> None:
    assert_ordered(sort, list(lists.flow_runs(world, Criteria(), sort, 200, 0)))


@pytest.mark.parametrize("sort", TaskRunSort)
def test_task_runs_come_in_order(world: Tx, sort: TaskRunSort) -> None:
    assert_ordered(sort, list(lists.task_runs(world, Criteria(), sort, 200, 0)))


@pytest.mark.parametrize("sort", FlowSort)
def test_flows_come_in_order(world: Tx, sort: FlowSort) -> None:
    assert_ordered(sort, list(lists.flows(world, Criteria(), sort, 200, 0)))


@pytest.mark.parametrize("sort", FlowRunSort)
def test_pages_of_equal_values_do_not_overlap(world: Tx, sort: FlowRunSort) -> None:
    pages = [lists.flow_runs(world, Criteria(), sort, 7, offset) for offset in range(0, 63, 7)]
    ids = [run.id for page in pages for run in page]
    assert len(ids) == len(set(ids)) == 60


@pytest.mark.parametrize(("limit", "offset", "expected"), [(0, 0, 0), (5, 58, 2), (5, 60, 0), (200, 0, 60)])
def test_limit_and_offset(world: Tx, limit: int, offset: int, expected: int) -> None:
    assert len(lists.flow_runs(world, Criteria(), FlowRunSort.NAME_ASC, limit, offset)) == expected


def test_hundreds_of_ids_may_be_asked_for(world: Tx) -> None:
    ids = WORLD.ids("flow_run") * 10
    wanted = Criteria(flow_runs=FlowRunFilter(id=IdFilter(any_=ids)))
    assert lists.count_flow_runs(world, wanted) == 60


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("ready", {"Ready"}),
        ("READY failed", {"Ready", "failed:"}),
        ("50%", {"50%"}),
        ('"failed: é"', {"failed:"}),
        ("+ready +worker", {"Ready"}),
        ("-ready -failed", {"50%"}),
    ],
)
def test_words_in_logs(world: Tx, query: str, words: set[str]) -> None:
    found = lists.logs(world, LogFilter(text=LogTextFilter(query=query)), LogSort.TIMESTAMP_ASC, 200, 0)
    assert {log.message.split()[0] for log in found} == words


def test_logs_of_runs_and_above_a_level(world: Tx) -> None:
    runs = WORLD.ids("flow_run")[:3]
    filter = LogFilter(flow_run_id=IdAnyFilter(any_=runs), level=NumberFilter(ge_=30))
    found = list(lists.logs(world, filter, LogSort.TIMESTAMP_DESC, 200, 0))
    assert found
    assert all(log.flow_run_id in runs and log.level >= 30 for log in found)
