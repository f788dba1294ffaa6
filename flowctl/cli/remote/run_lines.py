"""What `runs ls` shows of runs that a server has found: also names of what they refer to, and why they wait."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flowctl.cli import lookups, moments
from flowctl.cli.api.door import Door
from flowctl.cli.remote.run_filters import Run
from flowctl.cli.run_table import RunLine
from flowctl.domain import reasons

_AT_ONCE = 200
"""Runs that a server is asked about at once."""

_HAS_NONE = frozenset({"COMPLETED", "RUNNING", None})


def lines(door: Door, runs: Sequence[Run]) -> list[RunLine]:
    """The lines of these runs, in their order."""
    flows = lookups.names(door, "flows", (run["flow_id"] for run in runs))
    deployments = lookups.names(door, "deployments", (run["deployment_id"] for run in runs))
    now = moments.now()
    found = [
        RunLine(
            (
                run["id"],
                run["name"],
                flows.get(run["flow_id"]),
                run["state_type"],
                run["state_name"],
                run["state"] and run["state"]["timestamp"],
                run["start_time"],
                run["expected_start_time"],
                run["next_scheduled_start_time"],
                run["end_time"],
                run["total_run_time"],
                run["run_count"],
                ",".join(run["tags"]) or None,
                deployments.get(run["deployment_id"] or ""),
                run["work_pool_name"],
                run["work_queue_name"],
            ),
            now,
        )
        for run in runs
    ]
    if door.is_prefect:
        for line, run in zip(found, runs, strict=True):
            line.reason = _reason(line, run)
    else:
        _ask(door, found)
    return found


def _ask(door: Door, found: Sequence[RunLine]) -> None:
    """Let a flowctl server tell the reasons."""
    by_id = {line.id: line for line in found if line.state_type not in _HAS_NONE}
    ids = list(by_id)
    for start in range(0, len(ids), _AT_ONCE):
        for id, reason in door.post("/flowctl/runs/reasons", {"ids": ids[start : start + _AT_ONCE]}).items():
            by_id[id].reason = reason


def _reason(line: RunLine, run: Run) -> str:
    """What the state alone tells: Prefect's server knows no more."""
    state: dict[str, Any] = run["state"] or {}
    message: str | None = state.get("message")
    details: dict[str, Any] = state.get("state_details") or {}
    match line.state_type:
        case "SCHEDULED" if line.state_name == "AwaitingRetry":
            policy: dict[str, Any] = run.get("empirical_policy") or {}
            retries: int | None = policy.get("retries")
            return reasons.retry(line.run_count + 1, retries + 1 if retries else None, -(line.late_seconds or 0.0))
        case "PENDING" if line.state_seconds > reasons.PENDING_STUCK_SECONDS:
            return reasons.pending(line.state_seconds)
        case "PAUSED":
            if (end := details.get("pause_timeout")) and moments.read(end) <= line.now:
                return reasons.PAUSE_EXPIRED
            if "schema" in (details.get("run_input_keyset") or ()):
                return reasons.asks_for_input(None)
            return reasons.SUSPENDED if details.get("pause_reschedule") else reasons.PAUSED
        case "CANCELLED":
            return reasons.cancelled(None, message)
        case "CANCELLING":
            return reasons.STOPPING
        case "CRASHED":
            return reasons.ended(line.state_name, message) or reasons.PROCESS_ENDED
        case "FAILED":
            return reasons.ended(line.state_name, message)
        case _:
            return ""
