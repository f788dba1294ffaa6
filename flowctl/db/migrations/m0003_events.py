"""Events, which are also the outbox that the live feed follows, and an index of their related resources.

Columns of `events` follow Prefect's; `position` is ours: it ascends in the order of commits and is never used twice.
Prefect's table `event_resources`, a second copy of every resource's labels, is a bare index here.  Background tasks are
waited for on a websocket too, and get their index.
"""

from __future__ import annotations

from sqlite_utils import Database

from flowctl.db.migrations.registry import migrations


@migrations()
def m0003_events(db: Database) -> None:
    """Create the tables and indices."""
    for statement in _STATEMENTS:
        db.conn.execute(statement)


_STATEMENTS = (
    """
    CREATE TABLE events (
        position INTEGER PRIMARY KEY AUTOINCREMENT,
        id TEXT NOT NULL UNIQUE,
        occurred TEXT NOT NULL,
        event TEXT NOT NULL,
        resource_id TEXT NOT NULL,
        resource TEXT NOT NULL,
        related_resource_ids TEXT NOT NULL,
        related TEXT NOT NULL,
        payload TEXT NOT NULL,
        received TEXT NOT NULL,
        recorded TEXT NOT NULL,
        follows TEXT
    )
    """,
    # lists by time, and what a new listener missed
    "CREATE INDEX ix_events__occurred ON events (occurred)",
    # what happened to one resource
    "CREATE INDEX ix_events__resource_id_occurred ON events (resource_id, occurred)",
    # events that one resource is related to
    """
    CREATE TABLE event_resources (
        resource_id TEXT NOT NULL,
        occurred TEXT NOT NULL,
        position INTEGER NOT NULL,
        PRIMARY KEY (resource_id, occurred, position)
    ) WITHOUT ROWID
    """,
    # background tasks that wait for a worker
    "CREATE INDEX ix_task_run__scheduled ON task_run (task_key, state_timestamp) WHERE state_type = 'SCHEDULED'",
)
