"""How a server is: what it is, its services, the runs that are not over, and those that are next."""

from __future__ import annotations

from typing import Any

from flowctl.cli import lookups, moments
from flowctl.cli.api.door import Door
from flowctl.cli.results import ACTIVE, NextRun, Status
from flowctl.db.shapes import wire_time
from flowctl.domain.errors import Refused, Unusable

NEXT_RUNS = 3


def read(door: Door) -> Status:
    """Ask a server."""
    runs = {state: _count(door, {"type": {"any_": [state.upper()]}}) for state in ACTIVE if state != "late"}
    late = _count(door, {"type": {"any_": ["SCHEDULED"]}, "name": {"any_": ["Late"]}})
    runs["scheduled"] -= late
    storage = None if door.is_prefect else _told(door, "/flowctl/storage")
    return Status(
        database={"path": storage["path"], "size_bytes": storage["size"]} if storage else None,
        free=storage["disk_free"] if storage else None,
        server=_server(door),
        runs={state: late if state == "late" else runs[state] for state in ACTIVE},
        next_runs=_next(door),
    )


def _server(door: Door) -> dict[str, Any]:
    server: dict[str, Any] = {"url": door.where, "api": door.where}
    if door.is_prefect:
        return {**server, "version": f"Prefect {door.get('/admin/version')}", "message": "OK", "services": {}}
    about: dict[str, Any] = door.get("/flowctl/about")
    ready: dict[str, Any] = door.request("GET", "/ready").parsed() or {}
    return {
        **server,
        "version": f"flowctl {about['flowctl']}",
        "message": ready.get("message"),
        "services": ready.get("services", {}),
    }


def _told(door: Door, path: str) -> dict[str, Any] | None:
    """An answer that may be withheld."""
    try:
        return door.get(path)
    except (Refused, Unusable):
        return None


def _count(door: Door, state: dict[str, Any]) -> int:
    return door.post("/flow_runs/count", {"flow_runs": {"state": state}})


def _next(door: Door) -> list[NextRun]:
    runs = {
        "state": {"type": {"any_": ["SCHEDULED"]}},
        "next_scheduled_start_time": {"after_": wire_time(moments.now())},
    }
    body = {"flow_runs": runs, "sort": "NEXT_SCHEDULED_START_TIME_ASC"}
    found = door.all("/flow_runs/filter", body, limit=NEXT_RUNS)
    flows = lookups.names(door, "flows", (run["flow_id"] for run in found))
    deployments = lookups.names(door, "deployments", (run["deployment_id"] for run in found))
    return [
        NextRun(
            id=run["id"],
            name=run["name"],
            flow=flows.get(run["flow_id"], "?"),
            deployment=deployments.get(run["deployment_id"] or ""),
            at=run["next_scheduled_start_time"],
        )
        for run in found
    ]
