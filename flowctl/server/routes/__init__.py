"""The route table: every module's `routes`, in any order; a new module is added here."""

from __future__ import annotations

from flowctl.server.endpoint import Routes
from flowctl.server.routes import (
    admin,
    concurrency_limits,
    concurrency_limits_v2,
    csrf,
    events,
    flow_runs,
    flows,
    logs,
    root,
    task_runs,
    task_workers,
)

ALL: tuple[Routes, ...] = (
    admin.routes,
    concurrency_limits.routes,
    concurrency_limits_v2.routes,
    csrf.routes,
    events.routes,
    flow_runs.routes,
    flows.routes,
    logs.routes,
    root.routes,
    task_runs.routes,
    task_workers.routes,
)
