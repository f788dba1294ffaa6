"""Statistics of runs, which Prefect's API has only as lists to be counted."""

from __future__ import annotations

from flowctl.db.database import Tx
from flowctl.domain.run_statistics import RunStatistics
from flowctl.ops import run_statistics as ops
from flowctl.ops.run_statistics import StatisticsQuery
from flowctl.server.endpoint import Routes

routes = Routes("/flowctl/statistics", tag="Flowctl")


@routes.read("POST", "/flows")
def read_flow_statistics(tx: Tx, body: StatisticsQuery) -> list[RunStatistics]:
    """Tell of each flow how often it ran, how well, and how long."""
    return ops.of_flows(tx, body)


@routes.read("POST", "/task_runs")
def read_task_statistics(tx: Tx, body: StatisticsQuery) -> list[RunStatistics]:
    """Tell of each task how often it ran, how well, and how long."""
    return ops.of_tasks(tx, body)
