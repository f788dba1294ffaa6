"""`/events/out` and `/logs/out`: what is stored, then what happens; nothing is missing, nothing comes twice."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from live_server import Live, closing, emit, event, hear, say, serving

from flowctl.db.database import Database, Tx
from flowctl.domain.events import ReceivedEvent
from flowctl.domain.logs import LogCreate
from flowctl.ops import logs
from flowctl.settings import Settings

DEMO = {"event": {"prefix": ["demo."]}}


async def listen(ws: Any, criteria: dict[str, Any], **more: Any) -> None:
    await say(ws, {"type": "filter", "filter": criteria, **more})


async def heard(ws: Any, number: int) -> list[UUID]:
    messages = [await hear(ws) for _ in range(number)]
    assert {message["type"] for message in messages} <= {"event"}
    return [UUID(message["event"]["id"]) for message in messages]


def ids(*events: ReceivedEvent) -> list[UUID]:
    return [each.id for each in events]


def test_stored_events_come_first_oldest_first_then_live_ones(settings: Settings) -> None:
    now = datetime.now(UTC)
    stored = [event(occurred=now - timedelta(seconds=seconds)) for seconds in (1, 3, 2)]
    other, live_one = event("other"), event(payload={"a": [1]}, follows=uuid4())

    async def scenario() -> None:
        async with serving(settings) as live:
            await live.write(emit(*stored, other))
            async with live.greeted("/events/out") as ws:
                await listen(ws, DEMO)
                assert await heard(ws, 3) == ids(stored[1], stored[2], stored[0])
                await live.write(emit(other, live_one))
                message = await hear(ws)
                assert message == {
                    "type": "event",
                    "event": {
                        "id": str(live_one.id),
                        "occurred": _wire(live_one.occurred),
                        "event": "demo.happened",
                        "resource": {"prefect.resource.id": "demo.1"},
                        "related": [],
                        "payload": {"a": [1]},
                        "received": _wire(live_one.received),
                        "follows": str(live_one.follows),
                    },
                }

    asyncio.run(scenario())


def test_without_backfill_only_what_happens_from_now_on(settings: Settings) -> None:
    old, new = event(), event()

    async def scenario() -> None:
        async with serving(settings) as live, live.greeted("/events/out") as ws:
            await live.write(emit(old))
            await listen(ws, {}, backfill=False)
            await _subscribed(live)
            await live.write(emit(new))
            assert await heard(ws, 1) == ids(new)

    asyncio.run(scenario())


def test_the_backfill_looks_back_so_far(settings: Settings) -> None:
    now = datetime.now(UTC)
    old, recent, new = event(occurred=now - timedelta(minutes=16)), event(occurred=now - timedelta(minutes=14)), event()

    async def scenario() -> None:
        async with serving(settings) as live, live.greeted("/events/out") as ws:
            await live.write(emit(old, recent))
            await listen(ws, {"occurred": {"since": "2020-01-01T00:00:00Z"}})
            assert await heard(ws, 1) == ids(recent)
            await live.write(emit(event(id=uuid4(), occurred=old.occurred), new))
            assert await heard(ws, 1) == ids(new)

    asyncio.run(scenario())


def test_an_end_that_was_given_counts_for_live_events_too(settings: Settings) -> None:
    now = datetime.now(UTC)
    inside, outside = event(occurred=now), event(occurred=now + timedelta(minutes=2))

    async def scenario() -> None:
        async with serving(settings) as live, live.greeted("/events/out") as ws:
            await listen(ws, {"occurred": {"until": (now + timedelta(minutes=1)).isoformat()}})
            await _subscribed(live)
            await live.write(emit(outside, inside))
            assert await heard(ws, 1) == ids(inside)

    asyncio.run(scenario())


def test_long_backfills_are_paged_and_lose_nothing(settings: Settings) -> None:
    settings = replace(settings, events_websocket_backfill_page_size=7)
    now = datetime.now(UTC)
    stored = [event(occurred=now - timedelta(seconds=100 - number // 5)) for number in range(100)]

    async def scenario() -> None:
        async with serving(settings) as live, live.greeted("/events/out") as ws:
            await live.write(emit(*stored))
            await listen(ws, {})
            assert await heard(ws, 100) == ids(*stored)

    asyncio.run(scenario())


def test_no_gap_and_no_duplicate_while_events_pour_in(settings: Settings) -> None:
    settings = replace(settings, events_websocket_backfill_page_size=10)
    start = datetime.now(UTC) - timedelta(minutes=1)
    sent = [event(occurred=start + timedelta(milliseconds=number)) for number in range(600)]

    async def scenario() -> None:
        async with serving(settings) as live:

            async def pour() -> None:
                for first in range(0, 600, 6):
                    await live.write(emit(*sent[first : first + 6]))

            pouring = asyncio.create_task(pour())
            await asyncio.sleep(0.02)
            sockets = [await live.socket("/events/out", subprotocol=None) for _ in range(4)]
            for ws in sockets:
                await listen(ws, DEMO)
            for ws in sockets:
                assert await heard(ws, 600) == ids(*sent)
            await pouring
            for ws in sockets:
                await ws.close()

    asyncio.run(scenario())


def test_events_of_another_process_are_told(settings: Settings) -> None:
    mine, theirs = event(), event()
    assert settings.db
    database = Database(settings.db, settings)

    def write_elsewhere() -> None:
        with database.write() as tx:
            emit(theirs)(tx)

    async def scenario() -> None:
        async with serving(settings) as live, live.greeted("/events/out") as ws:
            await listen(ws, {})
            await _subscribed(live)
            await asyncio.to_thread(write_elsewhere)
            assert await heard(ws, 1) == ids(theirs)
            await live.write(emit(mine))
            assert await heard(ws, 1) == ids(mine)

    asyncio.run(scenario())
    database.close()


@pytest.mark.parametrize(
    ("frame", "reason"),
    [
        ('{"type": "nope"}', "Expected 'filter' message"),
        ("nonsense", "Expected a JSON message"),
        ("[]", "Expected a JSON object"),
        (
            '{"type": "filter", "filter": {"bogus": 1}}',
            "Invalid filter: 1 validation error: filter.bogus: Extra inputs are not permitted",
        ),
        ('{"type": "filter"}', "Invalid filter: 1 validation error: "),
        ('{"type": "filter", "filter": "all"}', "Invalid filter: 1 validation error: "),
        ('{"type": "filter", "filter": {"a": 1, "b": 2}}', "Invalid filter: 2 validation errors: "),
        ('{"type": "filter", "filter": {"order": "x"}}', "Invalid filter: 1 validation error: filter.order"),
    ],
)
@pytest.mark.parametrize("path", ["/events/out", "/logs/out"])
def test_a_bad_filter_closes_with_1002(settings: Settings, path: str, frame: str, reason: str) -> None:
    if "order" in frame and path == "/logs/out":
        reason = "Invalid filter: 1 validation error: filter.order: Extra inputs are not permitted"

    async def scenario() -> None:
        async with serving(settings) as live, live.greeted(path) as ws:
            await ws.send(frame)
            code, text = await closing(ws)
            assert code == 1002
            assert text.startswith(reason)

    asyncio.run(scenario())


def test_a_client_that_does_not_read_loses_nothing(settings: Settings) -> None:
    """More than sockets and queues hold: the rest waits in the database."""
    sent = [event(payload={"text": "x" * 2000}) for _ in range(3000)]

    async def scenario() -> None:
        async with serving(settings) as live:
            options: dict[str, Any] = {"max_queue": 2, "ping_interval": None, "compression": None}
            async with live.socket("/events/out", subprotocol=None, **options) as ws:
                await listen(ws, DEMO)
                await _subscribed(live)
                for first in range(0, 3000, 300):
                    await live.write(emit(*sent[first : first + 300]))
                [subscription] = live_subscriptions(live)
                assert len(subscription._queue) <= 256
                assert await heard(ws, 3000) == ids(*sent)
                await live.write(emit(last := event()))
                assert await heard(ws, 1) == ids(last)

    asyncio.run(scenario())


def test_nobody_is_followed_for_when_the_last_listener_has_left(settings: Settings) -> None:
    async def scenario() -> None:
        async with serving(settings) as live:
            async with live.greeted("/events/out") as ws:
                await listen(ws, {})
                await _subscribed(live)
            async with asyncio.timeout(5):
                while live_subscriptions(live):
                    await asyncio.sleep(0.01)
            assert _feed(live).events._follower is None

    asyncio.run(scenario())


RUN, OTHER = uuid4(), uuid4()


def line(message: str, run: UUID = RUN, level: int = 20) -> LogCreate:
    return LogCreate(
        name="prefect.flow_runs", level=level, message=message, timestamp=datetime.now(UTC), flow_run_id=run
    )


def test_log_lines_are_told_as_they_are_written(settings: Settings) -> None:
    assert settings.db
    database = Database(settings.db, settings)

    def write_elsewhere() -> None:
        with database.write() as tx:
            logs.create(tx, [line("from another process")])

    async def scenario() -> None:
        async with serving(settings) as live, live.greeted("/logs/out") as ws:
            await live.write(lambda tx: logs.create(tx, [line("before")]))
            await listen(ws, {"flow_run_id": {"any_": [str(RUN)]}, "level": {"ge_": 20}})
            await _subscribed(live, "logs")
            await live.write(lambda tx: logs.create(tx, [line("one"), line("not his", OTHER), line("debug", level=10)]))
            message = await hear(ws)
            assert message["type"] == "log"
            assert message["log"]["message"] == "one"
            assert set(message["log"]) == {
                *("id", "created", "updated", "name", "level", "message"),
                *("timestamp", "flow_run_id", "task_run_id"),
            }
            await asyncio.to_thread(write_elsewhere)
            assert (await hear(ws))["log"]["message"] == "from another process"

    asyncio.run(scenario())
    database.close()


def test_lines_written_after_the_newest_were_deleted_are_told(settings: Settings) -> None:
    def replace_newest(tx: Tx) -> None:
        tx.execute("DELETE FROM log")
        logs.create(tx, [line("new")])

    async def scenario() -> None:
        async with serving(settings) as live, live.greeted("/logs/out") as ws:
            await live.write(lambda tx: logs.create(tx, [line(str(number)) for number in range(5)]))
            await listen(ws, {})
            await _subscribed(live, "logs")
            await live.write(replace_newest)
            assert (await hear(ws))["log"]["message"] == "new"

    asyncio.run(scenario())


def test_log_streaming_can_be_switched_off(settings: Settings) -> None:
    async def scenario() -> None:
        async with (
            serving(replace(settings, logs_stream_out_enabled=False)) as live,
            live.greeted("/logs/out") as ws,
        ):
            await listen(ws, {})
            await live.write(lambda tx: logs.create(tx, [line("one")]))
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(ws.recv(), 0.2)

    asyncio.run(scenario())


def _feed(live: Live) -> Any:
    return next(part for part in live.app.context.parts if hasattr(part, "logs"))


def live_subscriptions(live: Live, kind: str = "events") -> set[Any]:
    return getattr(_feed(live), kind)._subscriptions


async def _subscribed(live: Live, kind: str = "events") -> None:
    async with asyncio.timeout(5):
        while not live_subscriptions(live, kind):
            await asyncio.sleep(0.01)


def _wire(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")
