"""Flow runs, many at a time: lists, counts, histories, graphs."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from flowctl.db.columns import Rows
from flowctl.db.database import Tx
from flowctl.db.queries import lists, run_graph, run_history
from flowctl.db.tables import flow_runs, states
from flowctl.domain.criteria import Criteria
from flowctl.domain.errors import NotFound, Refused
from flowctl.domain.flow_run_filters import FlowRunSort
from flowctl.domain.flow_runs import FlowRun
from flowctl.domain.run_graph import DependencyResult, Graph, GraphState
from flowctl.domain.run_history import HistoryResponse
from flowctl.domain.task_run_filters import TaskFlowRunFilter, TaskRunFilter, TaskRunSort
from flowctl.domain.task_runs import TaskRun, TaskRunResult
from flowctl.ops import histories
from flowctl.ops.pages import Page, page_of


def find(tx: Tx, criteria: Criteria, *, sort: FlowRunSort, limit: int, offset: int) -> Rows[FlowRun]:
    """List flow runs that match, in the order of `sort`.

    criteria  one filter per resource; an empty one matches all
    limit     rows; the API's page limit is checked at the edge
    returns   runs with `estimated_run_time` in seconds, as of tx.now
    source    Prefect: POST /flow_runs/filter
    """
    return lists.flow_runs(tx, criteria, sort, limit, offset)


def count(tx: Tx, criteria: Criteria) -> int:
    """Count flow runs that match."""
    return lists.count_flow_runs(tx, criteria)


def paginate(tx: Tx, criteria: Criteria, *, sort: FlowRunSort, limit: int, page: int) -> Page[FlowRun]:
    """One page of the flow runs that match, pages counted from 1, and how many there are in all."""
    results = find(tx, criteria, sort=sort, limit=limit, offset=(page - 1) * limit)
    return page_of(results, count=count(tx, criteria), limit=limit, page=page)


def history(
    tx: Tx, criteria: Criteria, *, start: datetime, end: datetime, interval_seconds: float
) -> list[HistoryResponse]:
    """Flow runs that match, counted by interval of their expected start and by present state.

    interval_seconds  at least 1; there are 500 intervals at most.  Raises Invalid.
    """
    edges = histories.edges(start, end, interval_seconds)
    return histories.responses(edges, run_history.flow_runs(tx, criteria, edges))


def lateness(tx: Tx, criteria: Criteria) -> float | None:
    """Seconds by which matching flow runs started late, or are late by now, on average; None if there are none."""
    return run_history.average_lateness(tx, criteria)


def graph(tx: Tx, id: UUID, *, since: datetime) -> Graph:
    """The runs inside of a flow run that have not ended, or ended at `since` or later, and how they depend.

    Raises NotFound; Refused if the graph is larger than the settings allow.
    source  Prefect: GET /flow_runs/{id}/graph-v2
    """
    run = flow_runs.get(tx, id)
    if run is None:
        raise NotFound(f"Flow run {id} not found")
    most = tx.settings.graph_maximum_nodes
    nodes = run_graph.nodes(tx, id, since=since, most=most)
    if len(nodes) > most:
        raise Refused(f"The graph of flow run {id} has more than {most} nodes.")
    artifacts = run_graph.artifacts(tx, id, most=tx.settings.graph_maximum_artifacts)
    for node in nodes:
        node.artifacts = artifacts.get(node.id, [])
    return Graph(
        start_time=run.start_time or run.expected_start_time,
        end_time=run.end_time,
        root_node_ids=[node.id for node in nodes if not node.parents],
        nodes=[(node.id, node) for node in nodes],
        artifacts=artifacts.get(None, []),
        states=[
            GraphState(id=state.id, timestamp=state.timestamp, type=state.type, name=state.name or "")
            for state in states.of_flow_run(tx, id)
        ],
    )


def dependencies(tx: Tx, id: UUID) -> list[DependencyResult]:
    """The task runs of a flow run, newest first, with the task runs that each waited for: the older form of `graph`.

    Raises NotFound; Refused if a task has inputs that are no task runs, which this form cannot show (Prefect: 500).
    """
    if flow_runs.get(tx, id) is None:
        raise NotFound(f"Flow run with id {id} not found")
    mine = Criteria(task_runs=TaskRunFilter(flow_run_id=TaskFlowRunFilter(any_=[id])))
    found = lists.task_runs(tx, mine, TaskRunSort.ID_DESC, tx.settings.graph_maximum_nodes, 0)
    return [_dependency(run) for run in found]


def _dependency(run: TaskRun) -> DependencyResult:
    inputs = {str(item): item for items in run.task_inputs.values() for item in items}.values()
    upstream = [item for item in inputs if isinstance(item, TaskRunResult)]
    if len(upstream) < len(inputs):
        raise Refused(f"Task run {run.name!r} has inputs that are not task runs; ask for graph-v2.")
    return DependencyResult(
        id=run.id,
        name=run.name,
        upstream_dependencies=upstream,
        state=run.state,
        expected_start_time=run.expected_start_time,
        start_time=run.start_time,
        end_time=run.end_time,
        total_run_time=run.total_run_time,
        estimated_run_time=run.estimated_run_time,
        untrackable_result=bool(run.state and run.state.state_details.untrackable_result),
    )
