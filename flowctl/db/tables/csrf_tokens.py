"""Table csrf_token: one row per client."""

from __future__ import annotations

from datetime import datetime

from flowctl.db.columns import TEXT, TIME, UUID_, Columns, encode_time
from flowctl.db.database import Tx
from flowctl.domain.admin import CsrfToken

COLUMNS = Columns(
    CsrfToken, table="csrf_token", id=UUID_, created=TIME, updated=TIME, token=TEXT, client=TEXT, expiration=TIME
)


def by_client(tx: Tx, client: str) -> CsrfToken | None:
    """The client's token, expired or not."""
    return COLUMNS.one(tx, "WHERE client = ?", (client,))


def delete_expired(tx: Tx, before: datetime) -> int:
    """Delete what expired before a time; returns how many."""
    return tx.execute("DELETE FROM csrf_token WHERE expiration < ?", (encode_time(before),)).rowcount
