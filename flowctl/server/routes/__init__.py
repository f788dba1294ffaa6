"""The route table: every module's `routes`, in any order; a new module is added here."""

from __future__ import annotations

from flowctl.server.endpoint import Routes
from flowctl.server.routes import (
    admin,
    concurrency_limits,
    concurrency_limits_v2,
    csrf,
    events,
    flow_lists,
    flow_run_lists,
    flow_run_states,
    flow_runs,
    flows,
    log_lists,
    logs,
    root,
    saved_searches,
    task_run_lists,
    task_run_states,
    task_runs,
    task_workers,
    ui_flow_runs,
    ui_flows,
    ui_task_runs,
)

ALL: tuple[Routes, ...] = (
    admin.routes,
    concurrency_limits.routes,
    concurrency_limits_v2.routes,
    csrf.routes,
    events.routes,
    flow_lists.routes,
    flow_run_lists.routes,
    flow_run_states.routes,
    flow_runs.routes,
    flows.routes,
    log_lists.routes,
    logs.routes,
    root.routes,
    saved_searches.routes,
    task_run_lists.routes,
    task_run_states.routes,
    task_runs.routes,
    task_workers.routes,
    ui_flow_runs.routes,
    ui_flows.routes,
    ui_task_runs.routes,
)
