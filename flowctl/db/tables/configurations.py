"""Table configuration: JSON values by key."""

from __future__ import annotations

import json

from flowctl.db import shapes
from flowctl.db.columns import encode_time
from flowctl.db.database import Tx
from flowctl.domain.values import JSONValue


def get(tx: Tx, key: str) -> JSONValue:
    """The value of a key, or None."""
    text = tx.scalar("SELECT value FROM configuration WHERE key = ?", (key,))
    return None if text is None else json.loads(text)


def put(tx: Tx, key: str, value: JSONValue) -> None:
    """Set the value of a key."""
    now = encode_time(tx.now)
    tx.execute(
        """
        INSERT INTO configuration (id, created, updated, key, value) VALUES (?, ?, ?, ?, ?)
        ON CONFLICT (key) DO UPDATE SET value = excluded.value, updated = excluded.updated
        """,
        (str(tx.new_id()), now, now, key, shapes.dumps(value)),
    )


def delete(tx: Tx, key: str) -> bool:
    """Forget a key; tells whether it was there."""
    return tx.execute("DELETE FROM configuration WHERE key = ?", (key,)).rowcount > 0
