"""Tables events and event_resources."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any
from uuid import UUID

from flowctl.db.columns import INT, JSON, TEXT, TIME, UUID_, Columns, encode_time
from flowctl.db.database import Tx
from flowctl.domain.events import RESOURCE_ID, ReceivedEvent

EVENT = Columns(
    ReceivedEvent,
    table="events",
    extra={"position": INT, "resource_id": TEXT, "related_resource_ids": JSON, "recorded": TIME},
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
        position, occurred = tx.scalar("SELECT last_insert_rowid()"), encode_time(event.occurred)
        tx.executemany(
            "INSERT INTO event_resources (resource_id, occurred, position) VALUES (?, ?, ?)",
            [(resource_id, occurred, position) for resource_id in set(related_ids)],
        )
    return added


def last_position(tx: Tx) -> int:
    """The position of the newest event, 0 if there is none."""
    return tx.scalar("SELECT max(position) FROM events") or 0


def after(tx: Tx, position: int, *, limit: int) -> list[tuple[Any, ...]]:
    """Rows of `EVENT` in the order of their commits, each with its position as one value more at the end."""
    return tx.execute(_AFTER, (position, limit)).fetchall()


_AFTER = f"""
    SELECT {", ".join(EVENT.expressions)}, events.position FROM events
    WHERE events.position > ? ORDER BY events.position LIMIT ?
"""


def delete_older_than(tx: Tx, moment: datetime, *, limit: int) -> int:
    """Delete some events that happened before a time, oldest first; returns how many."""
    rows = tx.execute(
        "SELECT position, occurred, related_resource_ids FROM events WHERE occurred < ? ORDER BY occurred LIMIT ?",
        (encode_time(moment), limit),
    ).fetchall()
    tx.executemany(
        "DELETE FROM event_resources WHERE resource_id = ? AND occurred = ? AND position = ?",
        [(id, occurred, position) for position, occurred, ids in rows for id in set(json.loads(ids))],
    )
    tx.executemany("DELETE FROM events WHERE position = ?", [row[:1] for row in rows])
    return len(rows)
