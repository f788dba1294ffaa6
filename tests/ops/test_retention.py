"""Retention of events."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from support import Clock

from flowctl.db.database import Database, Tx
from flowctl.domain.events import Event
from flowctl.ops import events, retention


def emit(tx: Tx, number: int) -> None:
    event = Event(
        id=UUID(int=number),
        occurred=tx.now,
        event="test",
        resource={"prefect.resource.id": "test"},
        related=[],
        payload={},
    )
    events.emit(tx, event.receive(tx.now))


def test_events_are_forgotten_after_their_time(db: Database, clock: Clock) -> None:
    with db.write() as tx:
        emit(tx, 1)
    clock.advance(days=5)
    with db.write() as tx:
        emit(tx, 2)
        assert retention.run_once(tx) == 0
    clock.now += timedelta(seconds=db.settings.events_retention_period)
    with db.write() as tx:
        emit(tx, 3)
        assert retention.run_once(tx) == 1
        assert retention.run_once(tx) == 0
        assert [id for (id,) in tx.execute("SELECT id FROM events ORDER BY occurred")] == [
            str(UUID(int=2)),
            str(UUID(int=3)),
        ]
