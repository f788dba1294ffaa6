"""Deployments with their schedules; work pools, work queues and workers.

Columns follow Prefect's tables.  Ours are `deployment.missed_runs` (what becomes of runs that were due while flowctl
did not run; NULL: as the server is set) and `deployment_schedule.evaluated_at` (when the scheduler last looked at it;
NULL: it shall do so at once).
"""

from __future__ import annotations

from sqlite_utils import Database

from flowctl.db.migrations.registry import migrations

_ENTITY = {"id": str, "created": str, "updated": str}


@migrations()
def m0004_deployments(db: Database) -> None:
    """Create the tables and indices."""
    db.table("deployment").create(
        {
            **_ENTITY,
            "name": str,
            "flow_id": str,
            "version": str,
            "description": str,
            "tags": str,
            "labels": str,
            "path": str,
            "entrypoint": str,
            "pull_steps": str,
            "parameters": str,
            "parameter_openapi_schema": str,
            "enforce_parameter_schema": int,
            "work_queue_id": str,
            "work_queue_name": str,
            "infra_overrides": str,
            "infrastructure_document_id": str,
            "storage_document_id": str,
            "created_by": str,
            "updated_by": str,
            "last_polled": str,
            "paused": int,
            "status": str,
            "concurrency_limit_id": str,
            "concurrency_options": str,
            "missed_runs": str,
        },
        pk="id",
        not_null={"name", "flow_id"},
    )
    db.table("deployment_schedule").create(
        {
            **_ENTITY,
            "deployment_id": str,
            "schedule": str,
            "active": int,
            "max_scheduled_runs": int,
            "parameters": str,
            "slug": str,
            "evaluated_at": str,
        },
        pk="id",
        not_null={"deployment_id", "schedule"},
    )
    db.table("work_pool").create(
        {
            **_ENTITY,
            "name": str,
            "description": str,
            "type": str,
            "base_job_template": str,
            "is_paused": int,
            "concurrency_limit": int,
            "default_queue_id": str,
            "status": str,
            "last_transitioned_status_at": str,
            "last_status_event_id": str,
            "storage_configuration": str,
        },
        pk="id",
        not_null={"name", "type"},
    )
    db.table("work_queue").create(
        {
            **_ENTITY,
            "name": str,
            "filter": str,
            "description": str,
            "is_paused": int,
            "concurrency_limit": int,
            "last_polled": str,
            "priority": int,
            "work_pool_id": str,
            "status": str,
        },
        pk="id",
        not_null={"name"},
    )
    db.table("worker").create(
        {
            **_ENTITY,
            "name": str,
            "last_heartbeat_time": str,
            "work_pool_id": str,
            "heartbeat_interval_seconds": int,
            "status": str,
        },
        pk="id",
        not_null={"name", "work_pool_id"},
    )
    for statement in _INDICES:
        db.conn.execute(statement)


_INDICES = (
    "CREATE UNIQUE INDEX uq_deployment__flow_id_name ON deployment (flow_id, name)",
    "CREATE INDEX ix_deployment__work_queue ON deployment (work_queue_id)",
    "CREATE UNIQUE INDEX uq_deployment_schedule__deployment_id_slug ON deployment_schedule (deployment_id, slug)",
    # schedules that the scheduler has to look at
    "CREATE INDEX ix_deployment_schedule__evaluated_at ON deployment_schedule (evaluated_at) WHERE active = 1",
    "CREATE UNIQUE INDEX uq_work_pool__name ON work_pool (name)",
    "CREATE UNIQUE INDEX uq_work_queue__work_pool_id_name ON work_queue (work_pool_id, name)",
    "CREATE UNIQUE INDEX uq_worker__work_pool_id_name ON worker (work_pool_id, name)",
)
