"""Flow runs, many at a time: lists, counts, histories, graphs, the log as CSV."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from urllib.parse import quote
from uuid import UUID

from flowctl.db.columns import Rows
from flowctl.db.database import Tx
from flowctl.domain.flow_runs import FlowRun
from flowctl.domain.list_queries import FlowRunsCount, FlowRunsHistory, FlowRunsPage, FlowRunsQuery
from flowctl.domain.run_graph import DependencyResult, Graph
from flowctl.domain.run_history import HistoryResponse
from flowctl.ops import flow_run_lists as ops
from flowctl.ops import flow_runs, log_lists
from flowctl.ops.pages import Page, size
from flowctl.server.endpoint import Call, Routes
from flowctl.server.streams import TextStream

routes = Routes("/flow_runs", tag="Flow Runs")

BEGINNING = datetime.min.replace(tzinfo=UTC)


@routes.read("POST", "/filter")
def read_flow_runs(tx: Tx, body: FlowRunsQuery) -> Rows[FlowRun]:
    """List flow runs."""
    return ops.find(tx, body.criteria(), sort=body.sort, limit=size(tx, body.limit), offset=body.offset)


@routes.read("POST", "/paginate")
def paginate_flow_runs(tx: Tx, body: FlowRunsPage) -> Page[FlowRun]:
    """Get one page of the flow runs, with the number of pages."""
    return ops.paginate(tx, body.criteria(), sort=body.sort, limit=size(tx, body.limit), page=body.page)


@routes.read("POST", "/count")
def count_flow_runs(tx: Tx, body: FlowRunsCount) -> int:
    """Count flow runs."""
    return ops.count(tx, body.criteria())


@routes.read("POST", "/lateness")
def average_flow_run_lateness(tx: Tx, body: FlowRunsCount) -> float | None:
    """Tell by how many seconds flow runs start late, on average."""
    return ops.lateness(tx, body.criteria())


@routes.read("POST", "/history")
def flow_run_history(tx: Tx, body: FlowRunsHistory) -> list[HistoryResponse]:
    """Count flow runs by interval of time and by state."""
    return ops.history(
        tx,
        body.criteria(),
        start=body.history_start,
        end=body.history_end,
        interval_seconds=body.history_interval_seconds,
    )


@routes.read("GET", "/{id}/graph", not_found_key="exception_message")
def read_flow_run_graph_v1(tx: Tx, id: UUID) -> list[DependencyResult]:
    """List the task runs of a flow run with the task runs that each depends on."""
    return ops.dependencies(tx, id)


@routes.read("GET", "/{id}/graph-v2", not_found_key="exception_message")
def read_flow_run_graph_v2(tx: Tx, id: UUID, since: datetime = BEGINNING) -> Graph:
    """Get the graph of a flow run's task runs and subflow runs; with `since`, of those that may have changed."""
    return ops.graph(tx, id, since=since)


@routes.plain("GET", "/{id}/logs/download")
async def download_logs(id: UUID, call: Call) -> TextStream:
    """Download the whole log of a flow run as CSV."""
    gateway = call.context.gateway
    run = await gateway.read(lambda tx: flow_runs.read(tx, id))

    async def pieces() -> AsyncIterator[str]:
        yield log_lists.CSV_HEADER
        after = None
        while True:
            chunk = await gateway.read(lambda tx, after=after: log_lists.csv_chunk(tx, id, after))
            yield chunk.text
            after = chunk.after
            if after is None:
                return

    name = quote(f"{run.name}-logs.csv", safe="")
    disposition = f"attachment; filename=\"flow-run-logs.csv\"; filename*=UTF-8''{name}"
    return TextStream(pieces(), media_type="text/csv; charset=utf-8", headers={"Content-Disposition": disposition})
