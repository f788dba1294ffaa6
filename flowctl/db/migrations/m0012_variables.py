"""Variables."""

from __future__ import annotations

from sqlite_utils import Database

from flowctl.db.migrations.registry import migrations


@migrations()
def m0012_variables(db: Database) -> None:
    """Create the table and its index."""
    db.table("variable").create(
        {"id": str, "created": str, "updated": str, "name": str, "value": str, "tags": str},
        pk="id",
        not_null={"created", "updated", "name", "tags"},
    )
    db.conn.execute("CREATE UNIQUE INDEX uq_variable__name ON variable (name)")
