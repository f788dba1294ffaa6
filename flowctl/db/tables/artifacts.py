"""Tables artifact and artifact_collection (the latest artifact of each key)."""

from __future__ import annotations

from uuid import UUID

from flowctl.db.columns import JSON, TEXT, TIME, UUID_, Columns
from flowctl.db.database import Tx
from flowctl.domain.artifacts import Artifact, ArtifactCollection

ARTIFACT = Columns(
    Artifact,
    table="artifact",
    id=UUID_,
    created=TIME,
    updated=TIME,
    key=TEXT,
    type=TEXT,
    description=TEXT,
    data=JSON,
    metadata_=JSON,
    flow_run_id=UUID_,
    task_run_id=UUID_,
)

ARTIFACT_COLLECTION = Columns(
    ArtifactCollection,
    table="artifact_collection",
    id=UUID_,
    created=TIME,
    updated=TIME,
    key=TEXT,
    latest_id=UUID_,
    type=TEXT,
    description=TEXT,
    data=JSON,
    metadata_=JSON,
    flow_run_id=UUID_,
    task_run_id=UUID_,
)


def get(tx: Tx, id: UUID) -> Artifact | None:
    """An artifact by its id, or None."""
    return ARTIFACT.by_id(tx, id)


def newest(tx: Tx, key: str) -> Artifact | None:
    """The artifact of a key that was created last, or None."""
    return ARTIFACT.one(tx, "WHERE artifact.key = ? ORDER BY artifact.created DESC, artifact.rowid DESC", (key,))


def collection(tx: Tx, key: str) -> ArtifactCollection | None:
    """The collection of a key, or None."""
    return ARTIFACT_COLLECTION.one(tx, "WHERE artifact_collection.key = ?", (key,))


def insert(tx: Tx, artifact: Artifact) -> Artifact:
    """Store a new artifact."""
    return ARTIFACT.insert(tx, artifact)


def insert_collection(tx: Tx, collection: ArtifactCollection) -> ArtifactCollection:
    """Store a new collection."""
    return ARTIFACT_COLLECTION.insert(tx, collection)


def update(tx: Tx, id: UUID, **changes: object) -> bool:
    """Set columns of an artifact, and `updated`; tells whether it exists."""
    return ARTIFACT.update(tx, id, updated=tx.now, **changes)


def update_collection(tx: Tx, id: UUID, **changes: object) -> None:
    """Set columns of a collection."""
    ARTIFACT_COLLECTION.update(tx, id, **changes)


def delete(tx: Tx, id: UUID) -> bool:
    """Delete an artifact; tells whether it was there."""
    return ARTIFACT.delete(tx, id)


def delete_collection(tx: Tx, id: UUID) -> None:
    """Delete a collection."""
    ARTIFACT_COLLECTION.delete(tx, id)
