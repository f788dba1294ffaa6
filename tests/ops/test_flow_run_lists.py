from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from support import NOON

from flowctl.db.database import Database, Tx
from flowctl.domain import states
from flowctl.domain.criteria import Criteria
from flowctl.domain.errors import Invalid, NotFound, Refused
from flowctl.domain.flow_run_filters import FlowRunSort
from flowctl.domain.flow_runs import FlowRun, FlowRunCreate
from flowctl.domain.flows import FlowCreate
from flowctl.domain.states import StateType
from flowctl.domain.task_runs import Constant, TaskRunCreate, TaskRunResult
from flowctl.ops import flow_run_lists, flow_runs, flows, task_runs

ALWAYS = NOON - timedelta(days=1)


def run(tx: Tx, name: str, **fields: object) -> FlowRun:
    flow, _ = flows.create(tx, FlowCreate(name="etl"))
    return flow_runs.create(tx, FlowRunCreate(flow_id=flow.id, name=name, **fields))[0]  # type: ignore[arg-type]


def task(tx: Tx, of: UUID, key: str, *waits_for: UUID, **fields: object) -> UUID:
    inputs = {"x": [TaskRunResult(id=id) for id in waits_for]} if waits_for else {}
    body = TaskRunCreate(flow_run_id=of, task_key=key, dynamic_key="0", name=key, state=states.running(), **fields)  # type: ignore[arg-type]
    return task_runs.create(tx, replace(body, task_inputs={**inputs, **body.task_inputs}))[0].id


def test_find_gives_runs_with_their_state_and_their_times_as_of_now(db: Database, clock: object) -> None:
    with db.write() as tx:
        run(tx, "a", state=states.running())
    clock.advance(seconds=90)  # type: ignore[attr-defined]
    with db.read() as tx:
        (found,) = flow_run_lists.find(tx, Criteria(), sort=FlowRunSort.NAME_ASC, limit=5, offset=0)
    assert (found.name, found.estimated_run_time) == ("a", 90.0)
    assert found.state
    assert found.state.type is StateType.RUNNING


def test_pages_count_from_one(tx: Tx) -> None:
    for name in "edcba":
        run(tx, name)
    page = flow_run_lists.paginate(tx, Criteria(), sort=FlowRunSort.NAME_ASC, limit=2, page=2)
    assert [found.name for found in page.results] == ["c", "d"]
    assert (page.count, page.limit, page.pages, page.page) == (5, 2, 3, 2)
    assert flow_run_lists.paginate(tx, Criteria(), sort=FlowRunSort.NAME_ASC, limit=0, page=1).pages == 0


def test_a_history_has_every_interval_and_its_states_by_name(tx: Tx) -> None:
    run(tx, "a", state=states.scheduled(NOON + timedelta(hours=1)))
    run(tx, "b", state=states.scheduled(NOON + timedelta(hours=1)))
    run(tx, "c", state=states.running())
    history = flow_run_lists.history(tx, Criteria(), start=NOON, end=NOON + timedelta(hours=3), interval_seconds=3600)
    assert [each.interval_start for each in history] == [NOON + timedelta(hours=hour) for hour in range(3)]
    assert [[(state.state_name, state.count_runs) for state in each.states] for each in history] == [
        [("Running", 1)],
        [("Scheduled", 2)],
        [],
    ]


@pytest.mark.parametrize("seconds", [0.99, 0, -1, float("nan")])
def test_an_interval_is_a_second_at_least(tx: Tx, seconds: float) -> None:
    with pytest.raises(Invalid, match="History interval must not be less than 1 second"):
        flow_run_lists.history(tx, Criteria(), start=NOON, end=NOON, interval_seconds=seconds)


def test_intervals_beyond_time_are_refused(tx: Tx) -> None:
    with pytest.raises(Invalid, match="year 9999"):
        flow_run_lists.history(tx, Criteria(), start=NOON, end=NOON, interval_seconds=1e12)
    with pytest.raises(Invalid, match="year 9999"):
        flow_run_lists.history(tx, Criteria(), start=NOON, end=NOON, interval_seconds=1e300)


def test_a_graph_shows_tasks_subflows_and_states(tx: Tx) -> None:
    parent = run(tx, "parent", state=states.running())
    first = task(tx, parent.id, "first")
    second = task(tx, parent.id, "second", first)
    child = run(tx, "child", parent_task_run_id=second, state=states.running())
    graph = flow_run_lists.graph(tx, parent.id, since=ALWAYS)
    assert [(id, node.kind) for id, node in graph.nodes] == [(first, "task-run"), (child.id, "flow-run")]
    assert graph.root_node_ids == [first]
    assert (graph.start_time, graph.end_time) == (NOON, None)
    assert [state.name for state in graph.states] == ["Running"]


def test_a_graph_that_is_too_large_is_refused(tx: Tx) -> None:
    parent = run(tx, "parent")
    task(tx, parent.id, "first")
    tx.settings = replace(tx.settings, graph_maximum_nodes=0)
    with pytest.raises(Refused, match="more than 0 nodes"):
        flow_run_lists.graph(tx, parent.id, since=ALWAYS)


def test_graphs_of_unknown_runs_are_not_found(tx: Tx) -> None:
    with pytest.raises(NotFound, match=r"Flow run .* not found"):
        flow_run_lists.graph(tx, uuid4(), since=ALWAYS)
    with pytest.raises(NotFound, match=r"Flow run with id .* not found"):
        flow_run_lists.dependencies(tx, uuid4())


def test_dependencies_are_task_runs_once_each(tx: Tx) -> None:
    parent = run(tx, "parent")
    first = task(tx, parent.id, "first")
    second = task(tx, parent.id, "second", first, first)
    found = {each.id: each.upstream_dependencies for each in flow_run_lists.dependencies(tx, parent.id)}
    assert found == {first: [], second: [TaskRunResult(id=first)]}


def test_dependencies_cannot_show_other_inputs(tx: Tx) -> None:
    parent = run(tx, "parent")
    task(tx, parent.id, "first", task_inputs={"n": [Constant(type="int")]})
    with pytest.raises(Refused, match="graph-v2"):
        flow_run_lists.dependencies(tx, parent.id)
