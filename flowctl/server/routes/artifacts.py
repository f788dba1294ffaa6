"""Artifacts, and the latest one of each key."""

from __future__ import annotations

from uuid import UUID

from flowctl.db.columns import Rows
from flowctl.db.database import Tx
from flowctl.domain.artifact_filters import (
    ArtifactsCount,
    ArtifactsQuery,
    LatestArtifactsCount,
    LatestArtifactsQuery,
)
from flowctl.domain.artifacts import Artifact, ArtifactCollection, ArtifactCreate, ArtifactUpdate
from flowctl.ops import artifacts as ops
from flowctl.ops.pages import size
from flowctl.server.endpoint import Routes

routes = Routes("/artifacts", tag="Artifacts")


@routes.write("POST", "/", status=201)
def create_artifact(tx: Tx, body: ArtifactCreate) -> Artifact:
    """Create an artifact; one with a key becomes the latest of its key."""
    return ops.create(tx, body)


@routes.read("GET", "/{id}", quick=True)
def read_artifact(tx: Tx, id: UUID) -> Artifact:
    """Get an artifact by its id."""
    return ops.read(tx, id)


@routes.read("GET", "/{key}/latest", quick=True)
def read_latest_artifact(tx: Tx, key: str) -> Artifact:
    """Get the latest artifact of a key."""
    return ops.read_latest(tx, key)


@routes.read("POST", "/filter")
def read_artifacts(tx: Tx, body: ArtifactsQuery) -> Rows[Artifact]:
    """List artifacts."""
    limit = size(tx, body.limit)
    return ops.find(tx, body.artifacts, body.criteria(), sort=body.sort, limit=limit, offset=body.offset)


@routes.read("POST", "/latest/filter")
def read_latest_artifacts(tx: Tx, body: LatestArtifactsQuery) -> Rows[ArtifactCollection]:
    """List the latest artifact of each key."""
    limit = size(tx, body.limit)
    return ops.find_latest(tx, body.artifacts, body.criteria(), sort=body.sort, limit=limit, offset=body.offset)


@routes.read("POST", "/count")
def count_artifacts(tx: Tx, body: ArtifactsCount) -> int:
    """Count artifacts."""
    return ops.count(tx, body.artifacts, body.criteria())


@routes.read("POST", "/latest/count")
def count_latest_artifacts(tx: Tx, body: LatestArtifactsCount) -> int:
    """Count the keys that have such a latest artifact."""
    return ops.count_latest(tx, body.artifacts, body.criteria())


@routes.write("PATCH", "/{id}")
def update_artifact(tx: Tx, id: UUID, body: ArtifactUpdate) -> None:
    """Set the fields that are sent."""
    ops.update(tx, id, body)


@routes.write("DELETE", "/{id}")
def delete_artifact(tx: Tx, id: UUID) -> None:
    """Delete an artifact; the one before it becomes the latest of its key."""
    ops.delete(tx, id)
