"""CSRF tokens: one per client, for an hour."""

from __future__ import annotations

from support import NOON, Clock

from flowctl.db.database import Database, Tx
from flowctl.ops import csrf_tokens


def test_a_client_has_one_token_at_a_time(tx: Tx) -> None:
    first = csrf_tokens.renew(tx, "a")
    second = csrf_tokens.renew(tx, "a")
    assert (second.id, second.created) == (first.id, NOON)
    assert not csrf_tokens.is_valid(tx, "a", first.token)
    assert csrf_tokens.is_valid(tx, "a", second.token)
    assert not csrf_tokens.is_valid(tx, "b", second.token)


def test_a_token_expires_and_is_forgotten(db: Database, clock: Clock) -> None:
    with db.write() as tx:
        token = csrf_tokens.renew(tx, "a").token
    clock.advance(seconds=3600)
    with db.write() as tx:
        assert not csrf_tokens.is_valid(tx, "a", token)
        clock.advance(seconds=1)
    with db.write() as tx:
        csrf_tokens.renew(tx, "b")
        assert tx.scalar("SELECT count(*) FROM csrf_token") == 1


def test_a_token_may_hold_any_text(tx: Tx) -> None:
    assert not csrf_tokens.is_valid(tx, "ä", "ö")
