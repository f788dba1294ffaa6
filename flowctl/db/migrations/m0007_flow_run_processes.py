"""The processes on this machine that execute flow runs, as far as they are known."""

from __future__ import annotations

from sqlite_utils import Database

from flowctl.db.migrations.registry import migrations


@migrations()
def m0007_flow_run_processes(db: Database) -> None:
    """Create the table."""
    db.conn.execute(
        """
        CREATE TABLE flow_run_process (
            flow_run_id TEXT PRIMARY KEY,
            machine TEXT NOT NULL,
            pid INTEGER NOT NULL,
            stamp TEXT NOT NULL,
            started TEXT NOT NULL
        ) WITHOUT ROWID
        """
    )
