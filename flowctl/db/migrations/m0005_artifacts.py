"""Artifacts, and the latest one of each key."""

from __future__ import annotations

from sqlite_utils import Database

from flowctl.db.migrations.registry import migrations

_ARTIFACT = {
    "id": str,
    "created": str,
    "updated": str,
    "key": str,
    "type": str,
    "description": str,
    "data": str,
    "metadata_": str,
    "flow_run_id": str,
    "task_run_id": str,
}


@migrations()
def m0005_artifacts(db: Database) -> None:
    """Create the tables and indices."""
    db.table("artifact").create(_ARTIFACT, pk="id")
    db.table("artifact_collection").create({**_ARTIFACT, "latest_id": str}, pk="id", not_null={"key", "latest_id"})
    for statement in _INDICES:
        db.conn.execute(statement)


_INDICES = (
    "CREATE INDEX ix_artifact__flow_run ON artifact (flow_run_id, created) WHERE flow_run_id IS NOT NULL",
    "CREATE INDEX ix_artifact__task_run ON artifact (task_run_id, created) WHERE task_run_id IS NOT NULL",
    "CREATE INDEX ix_artifact__key ON artifact (key, created) WHERE key IS NOT NULL",
    "CREATE UNIQUE INDEX uq_artifact_collection__key ON artifact_collection (key)",
)
