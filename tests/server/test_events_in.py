"""`/events/in`: what clients send is stored once, in order, and task runs are recorded from it."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from typing import Any
from uuid import UUID, uuid4

import pytest
from live_server import Live, as_sent, closing, event, say, serving, stored

from flowctl.db.database import Database, Tx
from flowctl.db.tables import task_runs
from flowctl.domain.errors import Busy
from flowctl.domain.events import ReceivedEvent
from flowctl.server import intake, websockets
from flowctl.server.call import Context
from flowctl.server.gateway import Gateway
from flowctl.settings import Settings


def task_event(state: str, run: UUID, **changes: Any) -> ReceivedEvent:
    return event(
        f"prefect.task-run.{state.title()}",
        resource={"prefect.resource.id": f"prefect.task-run.{run}", "prefect.orchestration": "client"},
        payload={
            "validated_state": {"type": state, "name": state.title()},
            "task_run": {"name": "t", "task_key": "k", "dynamic_key": str(run)},
            **changes,
        },
    )


async def stored_in_the_end(live: Live, *sent: ReceivedEvent) -> None:
    wanted = [each.id for each in sent]
    assert await live.until(stored, lambda found: len(found) >= len(wanted)) == wanted


def test_events_are_stored_in_order(settings: Settings) -> None:
    sent = [event(payload={"number": number}) for number in range(300)]

    async def scenario() -> None:
        async with serving(settings) as live, live.greeted("/events/in") as ws:
            for each in sent:
                await say(ws, as_sent(each))
            await stored_in_the_end(live, *sent)
            row = await live.read(lambda tx: tx.execute("SELECT payload, received FROM events").fetchone())
            assert json.loads(row[0]) == {"number": 0}
            assert row[1] > "2026"

    asyncio.run(scenario())


def test_frames_may_be_bytes_and_ids_count_once(settings: Settings) -> None:
    one, two = event(), event()

    async def scenario() -> None:
        async with serving(settings) as live:
            async with live.greeted("/events/in") as ws:
                await ws.send(json.dumps(as_sent(one)).encode())
            async with live.greeted("/events/in") as ws:  # a client that reconnects sends again what it is not sure of
                await say(ws, as_sent(one))
                await say(ws, as_sent(two))
                await stored_in_the_end(live, one, two)

    asyncio.run(scenario())


def test_what_was_sent_before_the_connection_is_lost_is_stored(settings: Settings) -> None:
    sent = [event() for _ in range(50)]

    async def scenario() -> None:
        async with serving(settings) as live:
            async with live.greeted("/events/in") as ws:
                for each in sent:
                    await say(ws, as_sent(each))
                await (await ws.ping())
                ws.transport.abort()
            await stored_in_the_end(live, *sent)

    asyncio.run(scenario())


def test_what_was_sent_before_the_server_stops_is_stored(settings: Settings) -> None:
    sent = [event() for _ in range(500)]

    async def scenario() -> None:
        async with serving(settings) as live:
            ws = await live.socket("/events/in", subprotocol=None)
            for each in sent:
                await say(ws, as_sent(each))
            await (await ws.ping())
        async with serving(settings) as live:
            assert await live.read(stored) == [each.id for each in sent]

    asyncio.run(scenario())


@pytest.mark.parametrize("frame", ["nonsense", "{}", '{"event": "x"}', "[]", b"\xff"])
def test_a_frame_that_is_no_event_closes_with_1011(settings: Settings, frame: str | bytes) -> None:
    before = event()

    async def scenario() -> None:
        async with serving(settings) as live, live.greeted("/events/in") as ws:
            await say(ws, as_sent(before))
            await ws.send(frame)
            assert (await closing(ws))[0] == 1011
            await stored_in_the_end(live, before)

    asyncio.run(scenario())


def test_an_event_that_is_too_large_is_left_out(settings: Settings) -> None:
    settings = replace(settings, events_maximum_event_size=1000)
    small = event()

    async def scenario() -> None:
        async with serving(settings) as live, live.greeted("/events/in") as ws:
            await say(ws, as_sent(event(payload={"text": "x" * 1000})))
            await say(ws, as_sent(small))
            await stored_in_the_end(live, small)

    asyncio.run(scenario())


def test_a_read_only_server_refuses(settings: Settings) -> None:
    context = Context(settings, Gateway(settings, read_only=True))
    application = websockets.endpoints(context)["/events/in"]
    messages: list[Any] = []

    async def receive() -> Any:
        return {"type": "websocket.connect"}

    async def send(message: Any) -> None:
        messages.append(message)

    asyncio.run(application({"type": "websocket", "path": "/events/in", "subprotocols": []}, receive, send))
    assert messages[-1] == {"type": "websocket.close", "code": 1008, "reason": "This server is read-only."}


def test_task_runs_are_recorded(settings: Settings) -> None:
    run = uuid4()
    pending, completed = task_event("PENDING", run), task_event("COMPLETED", run)
    nonsense = task_event("RUNNING", run, task_run={})

    async def scenario() -> None:
        async with serving(settings) as live, live.greeted("/events/in") as ws:
            for each in (completed, nonsense, pending):
                await say(ws, as_sent(each))
            await stored_in_the_end(live, completed, nonsense, pending)
            row = await live.read(lambda tx: task_runs.get(tx, run))
            assert row
            assert (row.state_name, row.state_id) == ("Completed", completed.id)

    asyncio.run(scenario())


def test_the_recorder_can_be_switched_off(settings: Settings) -> None:
    settings = replace(settings, services_task_run_recorder_enabled=False)
    run = uuid4()
    sent = task_event("PENDING", run)

    async def scenario() -> None:
        async with serving(settings) as live, live.greeted("/events/in") as ws:
            await say(ws, as_sent(sent))
            await stored_in_the_end(live, sent)
            assert await live.read(lambda tx: task_runs.get(tx, run)) is None

    asyncio.run(scenario())


class SlowGateway:
    """Takes writes one by one when told to, or fails them."""

    def __init__(self, *errors: Exception) -> None:
        self.batches: list[list[intake.Incoming]] = []
        self.errors = list(errors)
        self.may_go = asyncio.Event()

    async def write(self, work: Any) -> None:
        await self.may_go.wait()
        batch = work.__closure__[0].cell_contents
        if self.errors:
            raise self.errors.pop(0)
        self.batches.append(list(batch))


def test_a_slow_writer_holds_the_socket_back() -> None:
    async def scenario() -> None:
        gateway: Any = SlowGateway()
        taker = intake.Intake(gateway)
        sent = [intake.Incoming(event()) for _ in range(intake.BACKLOG + 1)]
        for each in sent[:-1]:
            await asyncio.wait_for(taker.put(each), 1)
            await asyncio.sleep(0)  # so that the first batch is taken
        held = asyncio.create_task(taker.put(sent[-1]))
        await asyncio.sleep(0.05)
        assert not held.done()
        gateway.may_go.set()
        await asyncio.wait_for(held, 1)
        await taker.close()
        assert [each for batch in gateway.batches for each in batch] == sent
        assert max(map(len, gateway.batches)) <= intake.BATCH

    asyncio.run(scenario())


def test_a_busy_database_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario() -> None:
        gateway: Any = SlowGateway(Busy("x"), Busy("x"))
        gateway.may_go.set()
        taker = intake.Intake(gateway)
        await taker.put(intake.Incoming(event()))
        await taker.close()
        assert len(gateway.batches) == 1
        monkeypatch.setattr(intake, "ATTEMPTS", 1)
        gateway.errors = [Busy("x")]
        await taker.put(intake.Incoming(event()))
        with pytest.raises(Busy):
            await taker.close()
        with pytest.raises(Busy):
            await taker.put(intake.Incoming(event()))

    asyncio.run(scenario())


def test_one_event_that_cannot_be_stored_does_not_take_others_with_it() -> None:
    async def scenario() -> None:
        gateway: Any = SlowGateway(ValueError("batch"), ValueError("first of it"))
        gateway.may_go.set()
        sent = [intake.Incoming(event()) for _ in range(3)]
        await intake.write(gateway, sent)
        assert gateway.batches == [[sent[1]], [sent[2]]]

    asyncio.run(scenario())


def test_a_duplicate_is_not_recorded_again(settings: Settings) -> None:
    assert settings.db
    database = Database(settings.db, settings)
    sent = intake.incoming(task_event("PENDING", uuid4()))

    def twice(tx: Tx) -> int:
        intake.store(tx, [sent, sent])
        return tx.scalar("SELECT count(*) FROM task_run_state")

    with database.write() as tx:
        assert twice(tx) == 1
    database.close()
