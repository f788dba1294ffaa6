from __future__ import annotations

import json
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from run_world import BEGIN, Row, World

from flowctl.db.database import Tx
from flowctl.db.queries import run_graph
from flowctl.domain.run_graph import Node

RUN, FLOW = UUID(int=1), UUID(int=2)
ALWAYS = BEGIN - timedelta(days=1)


def task(name: str, number: int, *, inputs: dict[str, list[Row]] | None = None, **fields: object) -> Row:
    return {
        "id": UUID(int=number),
        "name": name,
        "flow_run_id": RUN,
        "task_key": name,
        "dynamic_key": "0",
        "state_type": "COMPLETED",
        "expected_start_time": BEGIN + timedelta(seconds=number),
        "start_time": BEGIN + timedelta(seconds=number),
        "end_time": BEGIN + timedelta(seconds=number + 1),
        "task_inputs": inputs or {},
        **fields,
    }


def result(number: int) -> Row:
    return {"input_type": "task_run", "id": str(UUID(int=number))}


def graph(tx: Tx, *tasks: Row, runs: list[Row] | None = None, since: datetime = ALWAYS, most: int = 100) -> list[Node]:
    world = World({"flow": [{"id": FLOW, "name": "etl"}], "flow_run": runs or [], "task_run": list(tasks)})
    world.store(tx)
    return run_graph.nodes(tx, RUN, since=since, most=most)


def ids(edges: list[run_graph.Edge]) -> list[int]:
    return [edge.id.int for edge in edges]


def test_tasks_are_nodes_in_the_order_of_their_starts(tx: Tx) -> None:
    nodes = graph(tx, task("late", 9), task("early", 5), task("never", 6, start_time=None, expected_start_time=None))
    assert [(node.label, node.kind, node.parents) for node in nodes] == [
        ("early", "task-run", []),
        ("late", "task-run", []),
    ]


def test_inputs_are_edges_both_ways(tx: Tx) -> None:
    first, second, third = graph(
        tx, task("a", 5), task("b", 6), task("c", 7, inputs={"x": [result(6), result(5)], "y": []})
    )
    assert (ids(third.parents), ids(first.children), ids(second.children)) == ([6, 5], [7], [7])


def test_an_edge_counts_as_often_as_its_parent_has_inputs(tx: Tx) -> None:
    """As in Prefect, whose query joins the inputs of both sides."""
    parameter = {"input_type": "parameter", "name": "p"}
    _, middle, last = graph(
        tx,
        task("a", 5),
        task("b", 6, inputs={"x": [result(5)], "p": [parameter]}),
        task("c", 7, inputs={"x": [result(6)]}),
    )
    assert (ids(middle.parents), ids(middle.children), ids(last.parents)) == ([5], [7, 7], [6, 6])


def test_tasks_around_a_task_are_told_apart_from_what_it_waited_for(tx: Tx) -> None:
    inner = graph(tx, task("a", 5), task("b", 6, inputs={"__parents__": [result(5), result(5)]}))[1]
    assert (ids(inner.encapsulating), ids(inner.parents)) == ([5], [])


def test_a_subflow_run_stands_for_its_task(tx: Tx) -> None:
    child = {
        "id": UUID(int=20),
        "name": "child",
        "flow_id": FLOW,
        "parent_task_run_id": UUID(int=6),
        "state_type": "RUNNING",
        "start_time": BEGIN + timedelta(seconds=30),
    }
    parent, node = graph(tx, task("a", 5), task("b", 6, inputs={"x": [result(5)]}, end_time=None), runs=[child])
    assert (node.id.int, node.kind, node.label) == (20, "flow-run", "etl / child")
    assert (node.start_time, node.end_time) == (BEGIN + timedelta(seconds=30), BEGIN + timedelta(seconds=6))
    assert ids(parent.children) == [20]


def test_since_leaves_out_what_ended_before_but_not_the_edges_to_it(tx: Tx) -> None:
    old, new = task("a", 5), task("b", 60, inputs={"x": [result(5)]})
    running = task("c", 6, state_type="RUNNING", end_time=None)
    nodes = graph(tx, old, new, running, since=BEGIN + timedelta(seconds=50))
    assert [node.label for node in nodes] == ["c", "b"]
    assert ids(nodes[1].parents) == [5]


def test_one_node_more_than_allowed_tells_that_there_are_more(tx: Tx) -> None:
    assert len(graph(tx, *(task(f"t{number}", number) for number in range(5, 15)), most=3)) == 4


def test_artifacts_are_grouped_by_task_and_only_progress_has_data(tx: Tx) -> None:
    def artifact(key: str | None, type: str, task_run: int | None, data: object) -> Row:
        id = uuid4()
        if key:
            tx.execute(
                "INSERT INTO artifact_collection (id, key, latest_id) VALUES (?, ?, ?)"
                " ON CONFLICT DO UPDATE SET latest_id = excluded.latest_id",
                (str(uuid4()), key, str(id)),
            )
        task_run_id = UUID(int=task_run) if task_run else None
        return {
            "id": id,
            "created": BEGIN,
            "key": key,
            "type": type,
            "flow_run_id": RUN,
            "task_run_id": task_run_id,
            "data": json.dumps(data),
        }

    artifacts = [
        artifact("report", "markdown", None, "# old"),
        artifact("report", "markdown", None, "# new"),
        artifact(None, "progress", 5, 12.5),
        artifact(None, "result", 5, {}),
    ]
    World({"artifact": artifacts}).store(tx)
    found = run_graph.artifacts(tx, RUN, most=10)
    assert [(one.key, one.is_latest, one.data) for one in found[None]] == [
        ("report", False, None),
        ("report", True, None),
    ]
    assert [(one.type, one.is_latest, one.data) for one in found[UUID(int=5)]] == [("progress", True, 12.5)]
    assert len(run_graph.artifacts(tx, RUN, most=1)[None]) == 1
