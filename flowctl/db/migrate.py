"""Brings a database file to the present schema: compares `PRAGMA user_version` and migrates when it is behind."""

from __future__ import annotations

import sqlite3

from flowctl.domain.errors import Unusable

TYPE_CHECKING = False  # pathlib would double the start of `flowctl runs ls`, which asks for SCHEMA_VERSION only
if TYPE_CHECKING:
    from pathlib import Path

SCHEMA_VERSION = 11
"""Number of migrations; the `user_version` of a file that has all of them."""

APPLICATION_ID = 0x666C6F77
"""`PRAGMA application_id` of flowctl's files: "flow" in ASCII."""


def ensure_schema(conn: sqlite3.Connection, path: Path, *, read_only: bool) -> None:
    """Create or upgrade the schema, once, also when several processes start together.

    Raises Unusable for a newer schema, for another program's file, and for an older one that must not be written.
    """
    version = check(conn, path)
    if version == SCHEMA_VERSION:
        return
    if read_only:
        what = "is empty" if version == 0 else f"has schema {version}, this flowctl needs {SCHEMA_VERSION}"
        raise Unusable(f"{path} {what}, and it cannot be written.", remedy="check the file's permissions")
    if version == 0:
        conn.execute("PRAGMA auto_vacuum = INCREMENTAL")  # only a file without tables takes it (`db/maintenance.py`)
    conn.execute("PRAGMA journal_mode = WAL")
    conn.execute("BEGIN IMMEDIATE")
    try:
        if check(conn, path) < SCHEMA_VERSION:  # another process may have done it meanwhile
            from sqlite_utils import Database as Migrated

            from flowctl.db.migrations import migrations

            migrations.apply(Migrated(conn))
            conn.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            conn.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
        conn.execute("COMMIT")
    finally:
        if conn.in_transaction:
            conn.execute("ROLLBACK")


def check(conn: sqlite3.Connection, path: Path) -> int:
    """The file's schema version, 0 for a new one; raises Unusable if the file is another program's or newer."""
    version: int = conn.execute("PRAGMA user_version").fetchone()[0]
    application: int = conn.execute("PRAGMA application_id").fetchone()[0]
    if application != APPLICATION_ID and conn.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone():
        prefect = conn.execute("SELECT 1 FROM sqlite_master WHERE name = 'alembic_version'").fetchone()
        owner = "a Prefect server's database" if prefect else "another program's database"
        raise Unusable(f"{path} is {owner}, not flowctl's.", remedy="choose another file with --db")
    if version > SCHEMA_VERSION:
        raise Unusable(
            f"{path} has schema {version}, which a newer flowctl made; this one knows {SCHEMA_VERSION}.",
            remedy="upgrade flowctl, or choose another file with --db",
        )
    return version
