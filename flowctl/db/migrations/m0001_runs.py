"""Flows, flow runs, task runs, their states, inputs and logs.

Tables and columns follow Prefect's SQLite schema.  Its 40 indices on these tables are left out: each costs every write
(LIMITS.md section 2); those below serve the questions named beside them.
"""

from __future__ import annotations

from sqlite_utils import Database

from flowctl.db.migrations.registry import migrations

_ENTITY = {"id": str, "created": str, "updated": str}

_RUN = {
    "name": str,
    "state_id": str,
    "state_type": str,
    "state_name": str,
    "state_timestamp": str,
    "run_count": int,
    "expected_start_time": str,
    "next_scheduled_start_time": str,
    "start_time": str,
    "end_time": str,
    "total_run_time": float,
    "empirical_policy": str,
    "tags": str,
    "labels": str,
}

_STATE = {"type": str, "timestamp": str, "name": str, "message": str, "state_details": str, "data": str}


# `position` is ours: whoever follows the log goes on behind it, so a deleted line's must not be given to a new one
_LOG = """
    CREATE TABLE log (
        position INTEGER PRIMARY KEY AUTOINCREMENT,
        id TEXT NOT NULL,
        created TEXT,
        updated TEXT,
        name TEXT,
        level INTEGER,
        message TEXT NOT NULL,
        timestamp TEXT,
        flow_run_id TEXT,
        task_run_id TEXT
    )
"""


@migrations()
def m0001_runs(db: Database) -> None:
    """Create the tables and indices."""
    db.table("flow").create({**_ENTITY, "name": str, "tags": str, "labels": str}, pk="id", not_null={"name"})
    db.table("flow_run").create(
        {
            **_ENTITY,
            **_RUN,
            "flow_id": str,
            "deployment_id": str,
            "deployment_version": str,
            "work_queue_id": str,
            "work_queue_name": str,
            "flow_version": str,
            "parameters": str,
            "idempotency_key": str,
            "context": str,
            "parent_task_run_id": str,
            "auto_scheduled": int,
            "infrastructure_document_id": str,
            "infrastructure_pid": str,
            "created_by": str,
            "job_variables": str,
        },
        pk="id",
        not_null={"name", "flow_id"},
    )
    db.table("task_run").create(
        {
            **_ENTITY,
            **_RUN,
            "flow_run_id": str,
            "task_key": str,
            "dynamic_key": str,
            "cache_key": str,
            "cache_expiration": str,
            "task_version": str,
            "task_inputs": str,
            "flow_run_run_count": int,
        },
        pk="id",
        not_null={"name", "task_key", "dynamic_key"},
    )
    db.table("flow_run_state").create(
        {**_ENTITY, **_STATE, "flow_run_id": str}, pk="id", not_null={"type", "flow_run_id"}
    )
    db.table("task_run_state").create(
        {**_ENTITY, **_STATE, "task_run_id": str}, pk="id", not_null={"type", "task_run_id"}
    )
    # Log lines are never asked for by id: no index on it, and half the cost of a line.
    db.conn.execute(_LOG)
    db.table("flow_run_input").create(
        {**_ENTITY, "flow_run_id": str, "key": str, "value": str, "sender": str},
        pk="id",
        not_null={"flow_run_id", "key"},
    )
    db.table("task_run_state_cache").create(
        {**_ENTITY, "cache_key": str, "cache_expiration": str, "task_run_state_id": str},
        pk="id",
        not_null={"cache_key"},
    )
    db.table("configuration").create({**_ENTITY, "key": str, "value": str}, pk="id", not_null={"key"})
    db.table("csrf_token").create(
        {**_ENTITY, "token": str, "client": str, "expiration": str}, pk="id", not_null={"client"}
    )
    db.table("saved_search").create({**_ENTITY, "name": str, "filters": str}, pk="id", not_null={"name"})
    for statement in _INDICES:
        db.conn.execute(statement)


_INDICES = (
    "CREATE UNIQUE INDEX uq_flow__name ON flow (name)",
    "CREATE UNIQUE INDEX uq_configuration__key ON configuration (key)",
    "CREATE UNIQUE INDEX uq_csrf_token__client ON csrf_token (client)",
    "CREATE UNIQUE INDEX uq_saved_search__name ON saved_search (name)",
    "CREATE UNIQUE INDEX uq_flow_run_input__flow_run_id_key ON flow_run_input (flow_run_id, key)",
    # orders of lists of runs; none of them holds the state, so that a transition leaves them alone
    "CREATE INDEX ix_flow_run__start ON flow_run (coalesce(start_time, expected_start_time))",
    "CREATE INDEX ix_flow_run__expected ON flow_run (expected_start_time)",
    "CREATE INDEX ix_flow_run__end ON flow_run (end_time)",
    # runs in a state; holds all that histories and counts by state need, which then never touch the table
    "CREATE INDEX ix_flow_run__state ON flow_run"
    " (state_type, state_name, expected_start_time, start_time, total_run_time, state_timestamp)",
    # what is due
    "CREATE INDEX ix_flow_run__scheduled ON flow_run (next_scheduled_start_time) WHERE state_type = 'SCHEDULED'",
    # runs of one flow, of one deployment, of one parent
    "CREATE INDEX ix_flow_run__flow ON flow_run (flow_id, coalesce(start_time, expected_start_time))",
    "CREATE INDEX ix_flow_run__deployment ON flow_run (deployment_id, next_scheduled_start_time)"
    " WHERE deployment_id IS NOT NULL",
    "CREATE INDEX ix_flow_run__parent_task_run ON flow_run (parent_task_run_id) WHERE parent_task_run_id IS NOT NULL",
    "CREATE UNIQUE INDEX uq_flow_run__flow_id_idempotency_key ON flow_run (flow_id, idempotency_key)"
    " WHERE idempotency_key IS NOT NULL",
    # `flowctl runs show NAME`, and an order of lists
    "CREATE INDEX ix_flow_run__name ON flow_run (name)",
    "CREATE INDEX ix_flow_run_state__flow_run ON flow_run_state (flow_run_id, timestamp)",
    "CREATE INDEX ix_task_run_state__task_run ON task_run_state (task_run_id, timestamp)",
    # task runs of a run, and the natural key
    "CREATE UNIQUE INDEX uq_task_run__flow_run_id_task_key_dynamic_key ON task_run (flow_run_id, task_key, dynamic_key)"
    " WHERE flow_run_id IS NOT NULL",
    # as for flow runs
    "CREATE INDEX ix_task_run__expected ON task_run (expected_start_time)",
    "CREATE INDEX ix_task_run__end ON task_run (end_time)",
    "CREATE INDEX ix_task_run__name ON task_run (name)",
    "CREATE INDEX ix_task_run__state ON task_run"
    " (state_type, state_name, expected_start_time, start_time, total_run_time, state_timestamp)",
    "CREATE INDEX ix_log__flow_run ON log (flow_run_id, timestamp) WHERE flow_run_id IS NOT NULL",
    "CREATE INDEX ix_log__task_run ON log (task_run_id, timestamp) WHERE task_run_id IS NOT NULL",
    "CREATE INDEX ix_log__timestamp ON log (timestamp)",
    "CREATE INDEX ix_task_run_state_cache__cache_key ON task_run_state_cache (cache_key, created)",
)
