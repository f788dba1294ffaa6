"""CSRF tokens: a client fetches one and sends it with each write, when the protection is on."""

from __future__ import annotations

import hmac
import secrets
from datetime import timedelta

from flowctl.db.database import Tx
from flowctl.db.tables import csrf_tokens as table
from flowctl.domain.admin import CsrfToken


def renew(tx: Tx, client: str) -> CsrfToken:
    """Give a client a new token, and forget expired ones."""
    token, expiration = secrets.token_hex(32), tx.now + timedelta(seconds=tx.settings.csrf_token_expiration)
    table.delete_expired(tx, tx.now)
    if known := table.by_client(tx, client):
        table.COLUMNS.update(tx, known.id, token=token, expiration=expiration, updated=tx.now)
        known.token, known.expiration, known.updated = token, expiration, tx.now
        return known
    return table.COLUMNS.insert(
        tx,
        CsrfToken(id=tx.new_id(), created=tx.now, updated=tx.now, token=token, client=client, expiration=expiration),
    )


def is_valid(tx: Tx, client: str, token: str) -> bool:
    """Whether this is the client's token and has not expired."""
    known = table.by_client(tx, client)
    return known is not None and known.expiration > tx.now and hmac.compare_digest(known.token.encode(), token.encode())
