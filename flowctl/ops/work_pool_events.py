"""Changes of the status of work pools and work queues, and the events that tell of them.

source  Prefect: server/models/events.py
"""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from flowctl.db.columns import decode_time
from flowctl.db.database import Tx
from flowctl.db.tables import work_pools
from flowctl.domain.events import RESOURCE_ID, RESOURCE_NAME, RESOURCE_ROLE, ReceivedEvent
from flowctl.domain.work_pools import WorkPool, WorkPoolStatus, WorkQueue
from flowctl.ops import events

_POOL_TYPE = "prefect.work-pool.type"

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
    resource = {
        RESOURCE_ID: f"prefect.work-pool.{pool.id}",
        RESOURCE_NAME: pool.name,
        _POOL_TYPE: pool.type,
    }
    _emit(tx, id, f"prefect.work-pool.{_kebab(status)}", resource, [], follows)


def emit_queue_status(tx: Tx, queue: WorkQueue, status: str, pool: WorkPool | None) -> None:
    """Announce `prefect.work-queue.<status>`."""
    resource = {
        RESOURCE_ID: f"prefect.work-queue.{queue.id}",
        RESOURCE_NAME: queue.name,
        RESOURCE_ROLE: "work-queue",
    }
    related: list[dict[str, str]] = []
    if pool is not None:
        labels = {RESOURCE_ID: f"prefect.work-pool.{pool.id}", RESOURCE_NAME: pool.name, _POOL_TYPE: pool.type}
        related.append({**labels, RESOURCE_ROLE: "work-pool"})
    _emit(tx, tx.new_time_id(), f"prefect.work-queue.{status}", resource, related, None)


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


def _emit(
    tx: Tx, id: UUID, name: str, resource: dict[str, str], related: list[dict[str, str]], follows: UUID | None
) -> None:
    event = ReceivedEvent(
        id=id, occurred=tx.now, received=tx.now, event=name, resource=resource, related=related, follows=follows
    )
    events.emit(tx, event)
