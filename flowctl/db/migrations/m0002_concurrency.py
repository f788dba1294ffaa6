"""Concurrency limits, and the leases that hold their slots.

`concurrency_limit_v2` follows Prefect's table.  There `active_slots` counts all slots taken, while the leases live in
memory or files; here it counts those taken without a lease, and the others are rows of `concurrency_slot`.
"""

from __future__ import annotations

from sqlite_utils import Database

from flowctl.db.migrations.registry import migrations


@migrations()
def m0002_concurrency(db: Database) -> None:
    """Create the tables and indices."""
    for statement in _STATEMENTS:
        db.conn.execute(statement)


_STATEMENTS = (
    """
    CREATE TABLE concurrency_limit_v2 (
        id TEXT PRIMARY KEY,
        created TEXT,
        updated TEXT,
        active INTEGER NOT NULL,
        name TEXT NOT NULL,
        "limit" INTEGER NOT NULL,
        active_slots INTEGER NOT NULL,
        denied_slots INTEGER NOT NULL,
        slot_decay_per_second REAL NOT NULL,
        avg_slot_occupancy_seconds REAL NOT NULL
    )
    """,
    "CREATE UNIQUE INDEX uq_concurrency_limit_v2__name ON concurrency_limit_v2 (name)",
    """
    CREATE TABLE concurrency_lease (
        id TEXT PRIMARY KEY,
        created TEXT,
        expiration TEXT,
        slots INTEGER NOT NULL,
        holder_type TEXT,
        holder_id TEXT
    )
    """,
    # leases that have run out
    "CREATE INDEX ix_concurrency_lease__expiration ON concurrency_lease (expiration) WHERE expiration IS NOT NULL",
    # what a run holds
    "CREATE INDEX ix_concurrency_lease__holder ON concurrency_lease (holder_id) WHERE holder_id IS NOT NULL",
    """
    CREATE TABLE concurrency_slot (
        limit_id TEXT NOT NULL,
        lease_id TEXT NOT NULL,
        slots INTEGER NOT NULL,
        PRIMARY KEY (limit_id, lease_id)
    ) WITHOUT ROWID
    """,
    # slots of a lease
    "CREATE INDEX ix_concurrency_slot__lease ON concurrency_slot (lease_id)",
)
