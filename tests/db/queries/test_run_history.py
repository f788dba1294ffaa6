from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import timedelta

import pytest
import run_world
from run_world import BEGIN, ENDED, Row

from flowctl.db.database import Database, Tx
from flowctl.db.queries import paths, run_history
from flowctl.domain.criteria import Criteria
from flowctl.domain.filters import IdFilter, TagsFilter
from flowctl.domain.flow_filters import FlowFilter
from flowctl.domain.flow_run_filters import FlowRunFilter
from flowctl.domain.run_history import edges
from flowctl.domain.task_run_filters import TaskRunFilter

WORLD = run_world.make()
NOW = BEGIN + timedelta(days=3)
EDGES = edges(BEGIN + timedelta(hours=2), BEGIN + timedelta(hours=40), timedelta(hours=3))


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tx]:
    database = Database(tmp_path_factory.mktemp("world") / "flowctl.db", clock=lambda: NOW)
    with database.write() as tx:
        WORLD.store(tx)
        yield tx
    database.close()


@pytest.fixture(params=["few", "many", "many kinds"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param != "few":
        monkeypatch.setattr(paths, "FEW", 0)
    if request.param == "many kinds":
        monkeypatch.setattr(paths, "_STATES", 2)


def expected(rows: list[Row]) -> dict[tuple[int, str, str], tuple[int, float, float]]:
    counts: Counter[tuple[int, str, str]] = Counter()
    times: Counter[tuple[int, str, str]] = Counter()
    late: Counter[tuple[int, str, str]] = Counter()
    for row in rows:
        moment = row["expected_start_time"]
        if moment is None or row["state_type"] is None or not EDGES[0] <= moment < EDGES[-1]:
            continue
        interval = max(number for number, edge in enumerate(EDGES) if edge <= moment)
        key = (interval, row["state_type"], row["state_name"])
        counts[key] += 1
        times[key] += row["total_run_time"]
        if row["state_type"] == "RUNNING":
            times[key] += (NOW - row["state_timestamp"]).total_seconds()
        if row["start_time"]:
            late[key] += max(0.0, (row["start_time"] - moment).total_seconds())
        elif row["state_type"] not in ENDED:
            late[key] += (NOW - moment).total_seconds()
    return {key: (counts[key], round(times[key], 2), round(late[key], 2)) for key in counts}


def shape(buckets: list[run_history.Bucket]) -> dict[tuple[int, str, str], tuple[int, float, float]]:
    return {
        (each.interval, each.state_type, each.state_name): (
            each.count,
            round(each.run_time, 2),
            round(each.lateness, 2),
        )
        for each in buckets
    }


def test_runs_are_counted_by_interval_and_state(world: Tx, way: None) -> None:
    assert shape(run_history.flow_runs(world, Criteria(), EDGES)) == expected(WORLD["flow_run"])
    assert shape(run_history.task_runs(world, Criteria(), EDGES)) == expected(WORLD["task_run"])


def test_only_runs_that_meet_the_criteria_count(world: Tx, way: None) -> None:
    tagged = [run for run in WORLD["flow_run"] if "a" in run["tags"]]
    wanted = Criteria(flow_runs=FlowRunFilter(tags=TagsFilter(all_=["a"])))
    assert shape(run_history.flow_runs(world, wanted, EDGES)) == expected(tagged)
    flow = WORLD.ids("flow")[1]
    of_flow = [run for run in WORLD["flow_run"] if run["flow_id"] == flow]
    wanted = Criteria(flows=FlowFilter(id=IdFilter(any_=[flow])))
    assert shape(run_history.flow_runs(world, wanted, EDGES)) == expected(of_flow)
    parents = {run["id"] for run in of_flow}
    tasks = [task for task in WORLD["task_run"] if task["flow_run_id"] in parents]
    wanted = Criteria(flows=wanted.flows, task_runs=TaskRunFilter())
    assert shape(run_history.task_runs(world, wanted, EDGES)) == expected(tasks)


def test_lateness_is_the_average_over_all_runs(world: Tx) -> None:
    late = [
        max(0.0, (run["start_time"] - run["expected_start_time"]).total_seconds())
        if run["start_time"]
        else (NOW - run["expected_start_time"]).total_seconds()
        if run["expected_start_time"] and run["state_type"] and run["state_type"] not in ENDED
        else 0.0
        for run in WORLD["flow_run"]
    ]
    assert run_history.average_lateness(world, Criteria()) == pytest.approx(sum(late) / len(late), abs=0.01)
    nobody = Criteria(flow_runs=FlowRunFilter(id=IdFilter(any_=[])))
    assert run_history.average_lateness(world, nobody) is None
