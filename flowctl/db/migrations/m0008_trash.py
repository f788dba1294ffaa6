"""The trash: flow runs that were deleted and can be brought back for some days.

A run's rows are moved into compressed parts, some 650-860 bytes a run: no table has to be mirrored, whatever columns it
gets, and no index of the trash is written but the run's own.
"""

from __future__ import annotations

from sqlite_utils import Database

from flowctl.db.migrations.registry import migrations


@migrations()
def m0008_trash(db: Database) -> None:
    """Create the tables and indices."""
    for statement in _STATEMENTS:
        db.conn.execute(statement)


_STATEMENTS = (
    # what one command or request deleted together
    """
    CREATE TABLE trash_batch (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        id TEXT NOT NULL,
        deleted TEXT NOT NULL
    )
    """,
    "CREATE UNIQUE INDEX uq_trash_batch__id ON trash_batch (id)",
    # positions ascend as runs are deleted and are never given again
    """
    CREATE TABLE trashed_run (
        position INTEGER PRIMARY KEY AUTOINCREMENT,
        id TEXT NOT NULL,
        batch INTEGER NOT NULL,
        deleted TEXT NOT NULL,
        name TEXT NOT NULL,
        flow_id TEXT NOT NULL,
        flow_name TEXT,
        state_type TEXT,
        state_name TEXT,
        parent_task_run_id TEXT,
        parent_run_id TEXT,
        task_runs INTEGER NOT NULL DEFAULT 0,
        log_lines INTEGER NOT NULL DEFAULT 0
    )
    """,
    "CREATE UNIQUE INDEX uq_trashed_run__id ON trashed_run (id)",
    "CREATE INDEX ix_trashed_run__batch ON trashed_run (batch)",
    # the parts of a run stand together: `id` is its position times 1048576, plus their number
    """
    CREATE TABLE trash_part (
        id INTEGER PRIMARY KEY,
        content BLOB NOT NULL,
        run INTEGER GENERATED ALWAYS AS (id >> 20) VIRTUAL
    )
    """,
    # logs that were kept when their runs were deleted
    "CREATE TABLE kept_log (flow_run_id TEXT PRIMARY KEY, kept TEXT NOT NULL) WITHOUT ROWID",
)
