"""Flow runs that were deleted with their flow and whose log is still to be deleted."""

from __future__ import annotations

from sqlite_utils import Database

from flowctl.db.migrations.registry import migrations


@migrations()
def m0006_orphaned_logs(db: Database) -> None:
    """Create the table."""
    db.conn.execute("CREATE TABLE orphaned_log (flow_run_id TEXT PRIMARY KEY) WITHOUT ROWID")
