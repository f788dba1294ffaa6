"""Rows of the table of flow runs, made of the API's objects."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from flowctl.cli import lookups
from flowctl.cli.run_table import RunLine

if TYPE_CHECKING:
    from flowctl.cli.api.door import Door


def of(api: Door, runs: Sequence[Mapping[str, Any]], now: datetime) -> list[RunLine]:
    """The rows of runs, with the names of their flows and deployments."""
    flows = lookups.names(api, "flows", (run["flow_id"] for run in runs))
    deployments = lookups.names(api, "deployments", (run["deployment_id"] for run in runs))
    return [line(run, flows.get(run["flow_id"]), deployments.get(run["deployment_id"]), now) for run in runs]


def line(run: Mapping[str, Any], flow: str | None, deployment: str | None, now: datetime) -> RunLine:
    """The row of one run."""
    state: Mapping[str, Any] = run["state"] or {}
    return RunLine(
        (
            run["id"],
            run["name"],
            flow,
            run["state_type"],
            run["state_name"],
            state.get("timestamp"),
            run["start_time"],
            run["expected_start_time"],
            run["next_scheduled_start_time"],
            run["end_time"],
            run["total_run_time"],
            run["run_count"],
            ",".join(run["tags"]),
            deployment,
            run["work_pool_name"],
            run["work_queue_name"],
        ),
        now,
    )
