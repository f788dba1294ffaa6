"""Artifacts: create, read, list, update, delete, and the collection that follows the latest one of each key."""

from __future__ import annotations

from dataclasses import asdict
from uuid import UUID

from flowctl.db.columns import Rows
from flowctl.db.database import Tx
from flowctl.db.queries import artifact_lists
from flowctl.db.tables import artifacts as table
from flowctl.domain.artifact_filters import ArtifactCollectionFilter, ArtifactFilter, ArtifactSort
from flowctl.domain.artifacts import Artifact, ArtifactCollection, ArtifactCreate, ArtifactUpdate
from flowctl.domain.criteria import Criteria
from flowctl.domain.errors import Invalid, NotFound
from flowctl.domain.events import RESOURCE_ID, RESOURCE_ROLE
from flowctl.domain.values import JSONObject
from flowctl.ops import lifecycle_events

LONGEST_METADATA = 500
"""Characters of one value; Prefect cuts longer ones."""

_KEY = frozenset("abcdefghijklmnopqrstuvwxyz0123456789-")
_NOT_FOUND = "Artifact not found."


def create(tx: Tx, body: ArtifactCreate) -> Artifact:
    """Create an artifact; one with a key becomes the latest of its key.  Raises Invalid for a malformed key."""
    if body.key is not None and not _KEY.issuperset(body.key):
        raise _invalid_key(body.key)
    artifact = Artifact(id=tx.new_id(), created=tx.now, updated=tx.now, **_fields(body))
    artifact.metadata_ = _shortened(body.metadata_)
    if artifact.key is not None:
        _make_latest(tx, artifact.key, artifact)
    return table.insert(tx, artifact)


def read(tx: Tx, id: UUID) -> Artifact:
    """An artifact by its id.  Raises NotFound."""
    artifact = table.get(tx, id)
    if artifact is None:
        raise NotFound(_NOT_FOUND)
    return artifact


def read_latest(tx: Tx, key: str) -> Artifact:
    """The latest artifact of a key.  Raises NotFound.

    Its id is the collection's, as in Prefect, so that it stays the same from one artifact to the next.
    """
    collection = table.collection(tx, key)
    if collection is None:
        raise NotFound(_NOT_FOUND)
    fields = asdict(collection)
    del fields["latest_id"]
    return Artifact(**fields)


def find(
    tx: Tx, filter: ArtifactFilter | None, criteria: Criteria, *, sort: ArtifactSort, limit: int, offset: int
) -> Rows[Artifact]:
    """List artifacts that match, by what they are and by the runs that made them."""
    return artifact_lists.artifacts(tx, filter, criteria, sort, limit, offset)


def find_latest(
    tx: Tx, filter: ArtifactCollectionFilter | None, criteria: Criteria, *, sort: ArtifactSort, limit: int, offset: int
) -> Rows[ArtifactCollection]:
    """List the latest artifact of each key, of those that match."""
    return artifact_lists.latest(tx, filter, criteria, sort, limit, offset)


def count(tx: Tx, filter: ArtifactFilter | None, criteria: Criteria) -> int:
    """Count artifacts that match."""
    return artifact_lists.count(tx, filter, criteria)


def count_latest(tx: Tx, filter: ArtifactCollectionFilter | None, criteria: Criteria) -> int:
    """Count the keys whose latest artifact matches."""
    return artifact_lists.count_latest(tx, filter, criteria)


def update(tx: Tx, id: UUID, body: ArtifactUpdate) -> None:
    """Set what is present in the body, also in the collection whose latest it is.  Raises NotFound."""
    artifact = read(tx, id)
    changes: JSONObject = {**body}
    if "metadata_" in changes:
        changes["metadata_"] = _shortened(changes["metadata_"])
    table.update(tx, id, **changes)
    if collection := _collection_of(tx, artifact):
        table.update_collection(tx, collection.id, updated=tx.now, **changes)


def delete(tx: Tx, id: UUID) -> None:
    """Delete an artifact; the one before it becomes the latest of the key.  Raises NotFound."""
    artifact = read(tx, id)
    table.delete(tx, id)
    collection = _collection_of(tx, artifact)
    if collection is None:
        return
    successor = table.newest(tx, collection.key)
    if successor is None:
        table.delete_collection(tx, collection.id)
        _emit(tx, collection, "deleted")
        return
    times = {"created": successor.created, "updated": successor.updated}
    table.update_collection(tx, collection.id, latest_id=successor.id, **times, **_fields(successor))
    _announce(tx, collection.key, "updated")


def _make_latest(tx: Tx, key: str, artifact: Artifact) -> None:
    collection = table.collection(tx, key)
    if collection is None:
        common: JSONObject = {**_fields(artifact), "key": key}
        new = ArtifactCollection(id=tx.new_id(), created=tx.now, updated=tx.now, latest_id=artifact.id, **common)
        table.insert_collection(tx, new)
        _announce(tx, key, "created")
        return
    table.update_collection(tx, collection.id, latest_id=artifact.id, updated=tx.now, **_fields(artifact))
    _announce(tx, key, "updated")


def _collection_of(tx: Tx, artifact: Artifact) -> ArtifactCollection | None:
    """The collection whose latest artifact this is."""
    collection = None if artifact.key is None else table.collection(tx, artifact.key)
    return collection if collection and collection.latest_id == artifact.id else None


def _fields(artifact: ArtifactCreate | Artifact) -> JSONObject:
    """What an artifact and its collection have in common."""
    return {
        "key": artifact.key,
        "type": artifact.type,
        "description": artifact.description,
        "data": artifact.data,
        "metadata_": artifact.metadata_,
        "flow_run_id": artifact.flow_run_id,
        "task_run_id": artifact.task_run_id,
    }


def _shortened(metadata: dict[str, str] | None) -> dict[str, str] | None:
    if metadata is None:
        return None
    return {
        name: text if len(text) <= LONGEST_METADATA else f"{text[:LONGEST_METADATA]}..."
        for name, text in metadata.items()
    }


def _invalid_key(key: str) -> Invalid:
    message = "Artifact key must only contain lowercase letters, numbers, and dashes."
    entry: JSONObject = {
        "type": "value_error",
        "loc": ["body", "key"],
        "msg": f"Value error, {message}",
        "input": key,
        "ctx": {"error": {}},
    }
    return Invalid(message, entries=[entry])


def _announce(tx: Tx, key: str, action: str) -> None:
    if collection := table.collection(tx, key):
        _emit(tx, collection, action)


def _emit(tx: Tx, collection: ArtifactCollection, action: str) -> None:
    """Announce `prefect.artifact-collection.<action>` (Prefect: events/schemas/lifecycle.py)."""
    related = [{RESOURCE_ID: f"prefect.artifact.{collection.latest_id}", RESOURCE_ROLE: "latest"}]
    for kind, id in (("flow-run", collection.flow_run_id), ("task-run", collection.task_run_id)):
        if id is not None:
            related.append({RESOURCE_ID: f"prefect.{kind}.{id}", RESOURCE_ROLE: kind})
    payload: JSONObject = {
        "key": collection.key,
        "type": collection.type,
        "data": collection.data,
        "description": collection.description,
    }
    resource = f"prefect.artifact-collection.{collection.id}"
    lifecycle_events.emit(
        tx, f"prefect.artifact-collection.{action}", resource, collection.key, payload, related=related
    )
