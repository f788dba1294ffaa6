"""Runs by the work queue that they wait in: what a worker asks for, and what takes a slot."""

from __future__ import annotations

from sqlite_utils import Database

from flowctl.db.migrations.registry import migrations


@migrations()
def m0011_work_pools(db: Database) -> None:
    """Create the index."""
    db.conn.execute(
        """
        CREATE INDEX ix_flow_run__work_queue ON flow_run (work_queue_id, state_type, next_scheduled_start_time)
        WHERE work_queue_id IS NOT NULL
        """
    )
