"""Deleting flow runs through the API, a bounded number a request: into the trash, or on a Prefect server for good."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from flowctl.cli import lookups
from flowctl.cli.api.door import PAGE, Door
from flowctl.cli.context import Session
from flowctl.domain.errors import Unsupported

_RUNS_A_REQUEST = 500
_PREFECTS_LIMIT = 50
"""Runs that one bulk operation of Prefect's may touch."""
_COUNTED_AT_ONCE = 10_000


@dataclass(slots=True)
class Extent:
    """How much a deletion takes along.

    log_lines     None: the server does not tell
    subflow_runs  runs that stay, without the parent that is deleted
    """

    runs: int = 0
    task_runs: int = 0
    log_lines: int | None = 0
    flows: set[str] = field(default_factory=set[str])
    subflow_runs: set[str] = field(default_factory=set[str])


def needs_trash(session: Session, command: str) -> None:
    """Refuse a Prefect server, which deletes runs for good.  Raises Unsupported."""
    if session.api.is_prefect:
        raise Unsupported(
            f"{session.api.where} is a Prefect server: it deletes runs for good and has no trash, so `{command}` "
            "cannot work there.",
            remedy="restore a backup of its database",
        )


def extent(api: Door, ids: Sequence[str]) -> Extent:
    """How much deleting these runs would take along."""
    found = Extent(log_lines=None if api.is_prefect else 0)
    size = PAGE if api.is_prefect else _COUNTED_AT_ONCE
    for start in range(0, len(ids), size):
        some = list(ids[start : start + size])
        if api.is_prefect:
            _look_at_prefect(api, some, found)
            continue
        told = api.post("/flowctl/runs/extent", {"ids": some})
        found.runs += told["runs"]
        found.task_runs += told["task_runs"]
        found.log_lines = (found.log_lines or 0) + told["log_lines"]
        found.flows.update(told["flow_ids"])
        found.subflow_runs.update(told["subflow_runs"])
    found.subflow_runs.difference_update(ids)
    return found


def _look_at_prefect(api: Door, ids: list[str], found: Extent) -> None:
    runs = lookups.by_id(api, "flow_runs", ids)
    found.runs += len(runs)
    found.flows.update(run["flow_id"] for run in runs.values())
    found.task_runs += api.post("/task_runs/count", {"flow_runs": {"id": {"any_": ids}}})
    children = api.all("/flow_runs/filter", {"flow_runs": {"parent_flow_run_id": {"any_": ids}}})
    found.subflow_runs.update(run["id"] for run in children)


def delete(
    api: Door, ids: Sequence[str], progress: Callable[[int], None], *, keep_logs: bool, purge: bool
) -> dict[str, Any]:
    """Delete runs; answers `batch`, what brings them back, and `deleted`, the ids of those that were there.

    progress  called with the number of runs that are done
    """
    answer: dict[str, Any] = {"batch": None, "deleted": []}
    size = _PREFECTS_LIMIT if api.is_prefect else _RUNS_A_REQUEST
    for start in range(0, len(ids), size):
        some = list(ids[start : start + size])
        if api.is_prefect:
            told = api.post("/flow_runs/bulk_delete", {"flow_runs": {"id": {"any_": some}}, "limit": size})
        else:
            how = {"batch": answer["batch"], "keep_logs": keep_logs, "purge": purge}
            told = api.post("/flowctl/runs/delete", {"ids": some, **how})
            answer["batch"] = told["batch"] or answer["batch"]
        answer["deleted"] += told["deleted"]
        progress(len(some))
    return answer
