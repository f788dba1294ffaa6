"""The route table: which modules serve which part of the API; a new module is added here.

A server imports them all, the command line only those that its request needs.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Final

from flowctl.server.endpoint import Routes

MODULES: Final[Mapping[str, tuple[str, ...]]] = {
    "admin": ("admin",),
    "artifacts": ("artifacts",),
    "automations": (
        "automations",
        "templates",
    ),
    "collections": ("collections",),
    "concurrency_limits": ("concurrency_limits",),
    "csrf-token": ("csrf",),
    "deployments": (
        "deployment_runs",
        "deployments",
    ),
    "events": ("events",),
    "flow_run_states": ("flow_run_states",),
    "flow_runs": (
        "flow_run_bulk",
        "flow_run_lists",
        "flow_runs",
    ),
    "flowctl/about": ("flowctl_about",),
    "flowctl/backups": ("flowctl_storage",),
    "flowctl/dead_runs": ("flowctl_dead_runs",),
    "flowctl/deployments": ("flowctl_deployments",),
    "flowctl/logs": ("flowctl_logs",),
    "flowctl/references": ("flowctl_references",),
    "flowctl/related": ("flowctl_related",),
    "flowctl/retention": ("flowctl_storage",),
    "flowctl/runs": (
        "flowctl_runs",
        "flowctl_trash",
    ),
    "flowctl/statistics": ("flowctl_statistics",),
    "flowctl/storage": ("flowctl_storage",),
    "flowctl/task_runs": ("flowctl_task_runs",),
    "flowctl/trash": ("flowctl_trash",),
    "flows": (
        "flow_lists",
        "flows",
    ),
    "hello": ("root",),
    "logs": (
        "log_lists",
        "logs",
    ),
    "metrics": ("root",),
    "ready": ("root",),
    "saved_searches": ("saved_searches",),
    "task_run_states": ("task_run_states",),
    "task_runs": (
        "task_run_lists",
        "task_runs",
    ),
    "task_workers": ("task_workers",),
    "templates": ("templates",),
    "ui/flow_runs": ("ui_flow_runs",),
    "ui/flows": ("ui_flows",),
    "ui/schemas": ("ui_schemas",),
    "ui/task_runs": ("ui_task_runs",),
    "v2/concurrency_limits": ("concurrency_limits_v2",),
    "variables": ("variables",),
    "work_pools": (
        "work_pools",
        "workers",
    ),
    "work_queues": ("work_queues",),
}
"""First part of the path -> its modules; of `/flowctl`, `/ui` and `/v2` the first two."""

_DEEPER: Final = frozenset({"flowctl", "ui", "v2"})


def part_of(path: str) -> str:
    """The key of MODULES for a path."""
    parts = path.split("/")
    return "/".join(parts[1:3] if parts[1] in _DEEPER else parts[1:2])


def tables_for(path: str) -> list[Routes]:
    """The tables that may have a route for a path; the first call imports them."""
    return [_table(name) for name in MODULES.get(part_of(path), ())]


def all_tables() -> list[Routes]:
    """Every table; the first call imports them."""
    return [_table(name) for name in dict.fromkeys(name for names in MODULES.values() for name in names)]


def _table(name: str) -> Routes:
    routes: Routes = import_module(f"{__name__}.{name}").routes
    return routes
