"""Changes of the status of work pools, and the events that tell of work pools and work queues.

source  Prefect: server/models/events.py
"""

from __future__ import annotations

from dataclasses import asdict
from datetime import timedelta
from uuid import UUID

from flowctl.db.columns import decode_time
from flowctl.db.database import Tx
from flowctl.db.tables import work_pools
from flowctl.domain.events import RESOURCE_ID, RESOURCE_NAME, RESOURCE_ROLE, ReceivedEvent
from flowctl.domain.values import JSONObject
from flowctl.domain.work_pools import StorageConfiguration, WorkPool, WorkPoolStatus, WorkQueue, WorkQueueResponse
from flowctl.ops import events

TIGHT = timedelta(minutes=10)
"""Changes of a pool closer than this are chained by `follows`."""


def set_status(tx: Tx, pool_id: UUID, status: WorkPoolStatus) -> None:
    """Give a work pool another status, and announce it; nothing if it is not there."""
    pool = work_pools.get(tx, pool_id)
    if pool is None:
        return
    id = tx.new_time_id()
    follows = _last_event(tx, pool_id)
    work_pools.update(tx, pool_id, status=status, last_transitioned_status_at=tx.now, last_status_event_id=id)
    _emit(tx, f"prefect.work-pool.{_kebab(status)}", _labels(pool), id=id, follows=follows)


def emit_pool_status(tx: Tx, pool: WorkPool) -> None:
    """Announce the status that a new pool has; one for agents has none."""
    if pool.status is not None:
        _emit(tx, f"prefect.work-pool.{_kebab(pool.status)}", _labels(pool))


def emit_pool(tx: Tx, pool: WorkPool, happening: str) -> None:
    """Announce that a pool was `created` or `deleted`."""
    related: list[dict[str, str]] = []
    if pool.default_queue_id:
        related.append({RESOURCE_ID: f"prefect.work-queue.{pool.default_queue_id}", RESOURCE_ROLE: "default-queue"})
    if block_id := pool.storage_configuration.default_result_storage_block_id:
        related.append({RESOURCE_ID: f"prefect.block-document.{block_id}", RESOURCE_ROLE: "result-storage"})
    _emit(tx, f"prefect.work-pool.{happening}", _pool(pool), related)


def emit_pool_changes(tx: Tx, before: WorkPool, after: WorkPool) -> None:
    """Announce what of a pool has changed; nothing if nothing has.  Its pause is announced by its status."""
    names = ("description", "base_job_template", "concurrency_limit", "storage_configuration")
    _emit_changes(tx, "prefect.work-pool.updated", _pool(after), [], _changes(before, after, names))


def emit_queue(tx: Tx, queue: WorkQueue | WorkQueueResponse, happening: str, pool: WorkPool | None) -> None:
    """Announce that a queue was `created` or `deleted`, or its status."""
    _emit(tx, f"prefect.work-queue.{happening}", _queue(queue), [_pool(pool)] if pool else [])


def emit_queue_changes(tx: Tx, before: WorkQueue, after: WorkQueue, pool: WorkPool | None) -> None:
    """Announce what of a queue has changed; nothing if nothing has.  Its pause is announced by its status."""
    changes = _changes(before, after, ("name", "description", "concurrency_limit", "priority"))
    _emit_changes(tx, "prefect.work-queue.updated", _queue(after), [_pool(pool)] if pool else [], changes)


def _changes(before: object, after: object, names: tuple[str, ...]) -> JSONObject:
    pairs = {name: (_whole(getattr(before, name)), _whole(getattr(after, name))) for name in names}
    return {name: {"from": old, "to": new} for name, (old, new) in pairs.items() if old != new}


def _whole(value: object) -> object:
    """A value with its null fields, which a storage configuration is kept without."""
    return asdict(value) if isinstance(value, StorageConfiguration) else value


def _emit_changes(
    tx: Tx, name: str, resource: dict[str, str], related: list[dict[str, str]], changes: JSONObject
) -> None:
    if changes:
        _emit(tx, name, resource, related, {"updated_fields": list(changes), "updates": changes})


def _last_event(tx: Tx, pool_id: UUID) -> UUID | None:
    """The event of the pool's last change, if that was just now."""
    row = tx.execute(
        "SELECT last_transitioned_status_at, last_status_event_id FROM work_pool WHERE id = ?", (str(pool_id),)
    ).fetchone()
    if row is None or row[0] is None or row[1] is None or tx.now - decode_time(row[0]) >= TIGHT:
        return None
    return UUID(row[1])


def _kebab(status: WorkPoolStatus) -> str:
    return status.value.lower().replace("_", "-")


def _labels(pool: WorkPool) -> dict[str, str]:
    return {
        RESOURCE_ID: f"prefect.work-pool.{pool.id}",
        RESOURCE_NAME: pool.name,
        "prefect.work-pool.type": pool.type,
    }


def _pool(pool: WorkPool) -> dict[str, str]:
    return {**_labels(pool), RESOURCE_ROLE: "work-pool"}


def _queue(queue: WorkQueue | WorkQueueResponse) -> dict[str, str]:
    return {
        RESOURCE_ID: f"prefect.work-queue.{queue.id}",
        RESOURCE_NAME: queue.name,
        RESOURCE_ROLE: "work-queue",
    }


def _emit(
    tx: Tx,
    name: str,
    resource: dict[str, str],
    related: list[dict[str, str]] | None = None,
    payload: JSONObject | None = None,
    *,
    id: UUID | None = None,
    follows: UUID | None = None,
) -> None:
    event = ReceivedEvent(
        id=id or tx.new_time_id(),
        occurred=tx.now,
        received=tx.now,
        event=name,
        resource=resource,
        related=related or [],
        payload=payload or {},
        follows=follows,
    )
    events.emit(tx, event)
