"""Tables events and event_resources."""

from __future__ import annotations

from uuid import UUID

from flowctl.db.columns import JSON, TEXT, TIME, UUID_, Columns, Rows
from flowctl.db.database import Tx
from flowctl.domain.events import RESOURCE_ID, ReceivedEvent

EVENT = Columns(
    ReceivedEvent,
    table="events",
    extra={"resource_id": TEXT, "related_resource_ids": JSON, "recorded": TIME},
    id=UUID_,
    occurred=TIME,
    event=TEXT,
    resource=JSON,
    related=JSON,
    payload=JSON,
    received=TIME,
    follows=UUID_,
)


def get(tx: Tx, id: UUID) -> ReceivedEvent | None:
    """An event by its id, or None."""
    return EVENT.by_id(tx, id)


def insert(tx: Tx, event: ReceivedEvent) -> bool:
    """Store an event once; tells whether its id was new."""
    related_ids = [related[RESOURCE_ID] for related in event.related]
    added = EVENT.insert_or_ignore(
        tx, event, resource_id=event.resource_id, related_resource_ids=related_ids, recorded=tx.now
    )
    if added and related_ids:
        position, occurred = tx.scalar("SELECT last_insert_rowid()"), TIME.encode(event.occurred)
        tx.executemany(
            "INSERT INTO event_resources (resource_id, occurred, position) VALUES (?, ?, ?)",
            [(resource_id, occurred, position) for resource_id in set(related_ids)],
        )
    return added


def last_position(tx: Tx) -> int:
    """The position of the newest event, 0 if there is none."""
    return tx.scalar("SELECT max(position) FROM events") or 0


def after(tx: Tx, position: int, *, limit: int) -> tuple[list[int], Rows[ReceivedEvent]]:
    """The next events in the order of their commits, and their positions."""
    where, parameters = "WHERE events.position > ? ORDER BY events.position LIMIT ?", (position, limit)
    positions = [row[0] for row in tx.execute(f"SELECT position FROM events {where}", parameters)]
    return positions, EVENT.rows(tx, where, parameters)


def delete_older_than(tx: Tx, occurred: str, *, limit: int) -> int:
    """Delete some events that happened before a stored time, oldest first; returns how many."""
    rows = tx.execute(
        "SELECT position FROM events WHERE occurred < ? ORDER BY occurred LIMIT ?", (occurred, limit)
    ).fetchall()
    tx.executemany(
        """
        DELETE FROM event_resources WHERE (resource_id, occurred, position) IN (
            SELECT value, events.occurred, events.position
            FROM events, json_each(events.related_resource_ids) WHERE events.position = ?
        )
        """,
        rows,
    )
    tx.executemany("DELETE FROM events WHERE position = ?", rows)
    return len(rows)
