"""Append-only, named, transactional migrations in their order; only `db/migrate.py` loads them."""

from __future__ import annotations

from flowctl.db.migrations import (
    m0001_runs,
    m0002_concurrency,
    m0003_events,
    m0004_deployments,
    m0005_artifacts,
    m0006_orphaned_logs,
    m0007_flow_run_processes,
    m0008_trash,
    m0009_log_search,
    m0011_work_pools,
    m0012_variables,
)
from flowctl.db.migrations.registry import migrations

ORDER = (
    m0001_runs,
    m0002_concurrency,
    m0003_events,
    m0004_deployments,
    m0005_artifacts,
    m0006_orphaned_logs,
    m0007_flow_run_processes,
    m0008_trash,
    m0009_log_search,
    m0011_work_pools,
    m0012_variables,
)

__all__ = ["ORDER", "migrations"]
