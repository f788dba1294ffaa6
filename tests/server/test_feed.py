"""The feed: what subscribers get, however slow they are."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from uuid import UUID

import pytest
from live_server import emit, event

from flowctl.domain.event_filters import EventFilter, EventNameFilter
from flowctl.domain.events import ReceivedEvent
from flowctl.ops import events
from flowctl.server import feed as module
from flowctl.server.feed import Feed, Subscription
from flowctl.server.gateway import Gateway
from flowctl.settings import Settings

DEMO = EventFilter(event=EventNameFilter(prefix=["demo."]))


@asynccontextmanager
async def running(settings: Settings) -> AsyncGenerator[tuple[Gateway, Feed]]:
    gateway = Gateway(settings)
    gateway.start()
    feed = Feed(gateway)
    await feed.start()
    yield gateway, feed
    await feed.stop()
    await gateway.stop()


async def heard(subscription: Subscription[ReceivedEvent, EventFilter], number: int) -> list[UUID]:
    found: list[UUID] = []
    async with asyncio.timeout(10):
        while len(found) < number:
            found += [UUID(json.loads(frame)["event"]["id"]) for frame in await subscription.next()]
    return found


def test_who_is_too_slow_reads_on_from_the_database(settings: Settings) -> None:
    sent = [event() for _ in range(3 * module.BACKLOG)]

    async def scenario() -> None:
        async with running(settings) as (gateway, feed):
            slow, quick = await feed.events.subscribe(DEMO), await feed.events.subscribe(DEMO)
            await gateway.write(emit(first := event()))
            assert await heard(slow, 1) == await heard(quick, 1) == [first.id]
            for start in range(0, len(sent), 64):
                await gateway.write(emit(*sent[start : start + 64], event("other")))
                assert len(await heard(quick, 64)) == 64
            assert slow._is_behind
            assert not slow._queue
            assert await heard(slow, len(sent)) == [each.id for each in sent]
            await gateway.write(emit(last := event()))
            assert await heard(slow, 1) == await heard(quick, 1) == [last.id]

    asyncio.run(scenario())


def test_what_nobody_wants_is_passed_over(settings: Settings) -> None:
    async def scenario() -> None:
        async with running(settings) as (gateway, feed):
            subscription = await feed.events.subscribe(DEMO)
            await gateway.write(emit(first := event()))
            assert await heard(subscription, 1) == [first.id]
            await gateway.write(emit(event("other"), event("other"), wanted := event()))
            assert await heard(subscription, 1) == [wanted.id]
            await gateway.write(emit(event("other")))
            async with asyncio.timeout(5):
                while subscription._position < 5:
                    await asyncio.sleep(0.01)

    asyncio.run(scenario())


def test_deleted_events_do_not_stop_who_is_behind(settings: Settings) -> None:
    async def scenario() -> None:
        async with running(settings) as (gateway, feed):
            one, two = await feed.events.subscribe(DEMO), await feed.events.subscribe(DEMO)
            await gateway.write(emit(*(gone := [event() for _ in range(5)])))
            assert await heard(one, 5) == [each.id for each in gone]
            await gateway.write(lambda tx: events.delete_older_than(tx, tx.now, 10))
            await gateway.write(emit(left := event()))
            assert await heard(two, 1) == [left.id]

    asyncio.run(scenario())


def test_a_failure_does_not_end_the_feed(
    settings: Settings, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scenario() -> None:
        async with running(settings) as (gateway, feed):
            subscription = await feed.events.subscribe(DEMO)
            await gateway.write(emit(first := event()))
            assert await heard(subscription, 1) == [first.id]
            with monkeypatch.context() as broken:
                broken.setattr(gateway, "read", None)
                feed.events.wake()
                await asyncio.sleep(0.05)
            await gateway.write(emit(second := event()))
            assert await heard(subscription, 1) == [second.id]

    monkeypatch.setattr(module, "POLL_SECONDS", 0.05)
    asyncio.run(scenario())
    assert "The feed of events failed, and will be tried again" in caplog.text


def test_stopping_ends_the_subscriptions(settings: Settings) -> None:
    async def scenario() -> None:
        async with running(settings) as (_, feed):
            subscription = await feed.events.subscribe(DEMO)
            waiting = asyncio.create_task(subscription.next())
            await asyncio.sleep(0.01)
        assert await waiting == []
        assert await subscription.next() == []

    asyncio.run(scenario())
