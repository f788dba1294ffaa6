"""Background tasks: each goes to one worker, and back if that does not acknowledge it."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from live_server import Live, closing, hear, say, serving

from flowctl.db.database import Tx
from flowctl.db.tables import states, task_runs
from flowctl.domain.states import State, StateDetails, StateType
from flowctl.domain.task_runs import TaskRun
from flowctl.server import task_queue
from flowctl.settings import Settings

PATH = "/task_runs/subscriptions/scheduled"
START = datetime.now(UTC)


def schedule(key: str = "k", *, deferred: bool = True, type: StateType = StateType.SCHEDULED, age: float = 0) -> Any:
    """A write that stores a task run in a state, and gives its id."""
    moment = START - timedelta(seconds=age)
    details = StateDetails(deferred=deferred)
    state = State(id=uuid4(), type=type, name=type.title(), timestamp=moment, state_details=details)
    run = TaskRun(
        id=uuid4(),
        created=moment,
        updated=moment,
        name="bg",
        flow_run_id=None,
        task_key=key,
        dynamic_key=str(uuid4()),
        state=state,
        state_id=state.id,
        state_type=type,
        state_name=state.name,
    )

    def write(tx: Tx) -> UUID:
        task_runs.insert(tx, run)
        states.insert_task_run_state(tx, run.id, state)
        return run.id

    return write


async def subscribe(ws: Any, *keys: str, client: str = "worker-1") -> None:
    await say(ws, {"type": "subscribe", "keys": list(keys), "client_id": client})


async def ack(ws: Any) -> None:
    await say(ws, {"type": "ack"})


async def received(ws: Any) -> UUID:
    return UUID((await hear(ws))["id"])


async def silence(ws: Any) -> None:
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(ws.recv(), 0.15)


def test_runs_are_handed_out_oldest_first_one_at_a_time(settings: Settings) -> None:
    async def scenario() -> None:
        async with serving(settings) as live:
            second = await live.write(schedule(age=1))
            first = await live.write(schedule("other", age=2))
            for ignored in (
                schedule("third"),
                schedule(deferred=False),
                schedule(type=StateType.PENDING),
            ):
                await live.write(ignored)
            async with live.greeted(PATH) as ws:
                await subscribe(ws, "k", "other")
                message = await hear(ws)
                assert UUID(message["id"]) == first
                assert message["state"]["state_details"]["deferred"] is True
                await silence(ws)
                await ack(ws)
                assert await received(ws) == second
                await ack(ws)
                await silence(ws)
                third = await live.write(schedule())
                assert await received(ws) == third

    asyncio.run(scenario())


def test_a_run_goes_to_one_worker_only(settings: Settings) -> None:
    async def scenario() -> None:
        async with serving(settings) as live, live.greeted(PATH) as one, live.greeted(PATH) as two:
            await subscribe(one, "k", client="one")
            await subscribe(two, "k", client="two")
            runs = {await live.write(schedule(age=10 - number)) for number in range(2)}
            assert {await received(one), await received(two)} == runs
            await ack(one)
            await ack(two)
            await silence(one)
            await silence(two)

    asyncio.run(scenario())


@pytest.mark.parametrize("answer", ["nothing", "quit", "nonsense", "other"])
def test_a_run_that_is_not_acknowledged_goes_to_the_next_worker(settings: Settings, answer: str) -> None:
    async def scenario() -> None:
        async with serving(settings) as live:
            run = await live.write(schedule())
            async with live.greeted(PATH) as ws:
                await subscribe(ws, "k")
                assert await received(ws) == run
                if answer == "nothing":
                    await ws.close()
                elif answer == "quit":
                    await say(ws, {"type": "quit"})
                    assert (await closing(ws))[0] == 1000
                else:
                    await ws.send("nonsense" if answer == "nonsense" else '{"type": "other"}')
                    code, reason = await closing(ws)
                    assert code == 4001
                    assert reason.startswith("Protocol violation: ")
            async with live.greeted(PATH) as ws:
                await subscribe(ws, "k")
                assert await received(ws) == run

    asyncio.run(scenario())


def test_an_acknowledged_run_is_handed_out_again_when_it_is_scheduled_again(settings: Settings) -> None:
    def reschedule(tx: Tx, run: UUID) -> None:
        details = StateDetails(deferred=True)
        state = State(id=uuid4(), type=StateType.SCHEDULED, name="Scheduled", timestamp=START, state_details=details)
        states.insert_task_run_state(tx, run, state)
        task_runs.update(tx, run, state_id=state.id)

    async def scenario() -> None:
        async with serving(settings) as live, live.greeted(PATH) as ws:
            await subscribe(ws, "k")
            run = await live.write(schedule())
            assert await received(ws) == run
            await ack(ws)
            await live.write(lambda tx: reschedule(tx, run))
            assert await received(ws) == run

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        ({"type": "nope"}, "expected 'subscribe' message"),
        ({"type": "subscribe", "client_id": "c"}, "expected 'keys' in subscribe message"),
        ({"type": "subscribe", "keys": [], "client_id": "c"}, "expected 'keys' in subscribe message"),
        ({"type": "subscribe", "keys": ["k"]}, "expected 'client_id' in subscribe message"),
        ([], "Expected a JSON object"),
    ],
)
def test_another_first_message_closes_with_4001(settings: Settings, message: object, reason: str) -> None:
    async def scenario() -> None:
        async with serving(settings) as live, live.greeted(PATH) as ws:
            await say(ws, message)
            assert await closing(ws) == (4001, f"Protocol violation: {reason}")

    asyncio.run(scenario())


def test_a_worker_may_quit_while_it_waits(settings: Settings) -> None:
    async def scenario() -> None:
        async with serving(settings) as live, live.greeted(PATH) as ws:
            await subscribe(ws, "k")
            await say(ws, {"type": "hello"})
            await say(ws, {"type": "quit"})
            assert (await closing(ws))[0] == 1000

    asyncio.run(scenario())


def test_connected_workers_are_listed(settings: Settings) -> None:
    async def workers(live: Live, body: Any) -> list[Any]:
        async with httpx.AsyncClient(base_url=live.url.replace("ws:", "http:")) as client:
            response = await client.post("/task_workers/filter", json=body)
        return sorted((each["identifier"], each["task_keys"]) for each in response.json())

    async def scenario() -> None:
        async with serving(settings) as live, live.greeted(PATH) as one:
            await subscribe(one, "a", "b", client="one")
            async with live.greeted(PATH) as two:
                await subscribe(two, "b", "c", client="two")
                await live.write(schedule("c"))
                await received(two)
                both = [("one", ["a", "b"]), ("two", ["b", "c"])]
                assert await workers(live, {}) == both
                assert await workers(live, {"task_worker_filter": None}) == both
                assert await workers(live, {"task_worker_filter": {"task_keys": ["a"]}}) == both[:1]
            assert await workers(live, {}) == both  # its connection may come back
            async with asyncio.timeout(5):
                while await workers(live, {}) != both[:1]:
                    await asyncio.sleep(0.01)

    asyncio.run(scenario())


def test_states_that_runs_have_left_are_forgotten(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(task_queue, "_MANY", 3)

    async def scenario() -> None:
        async with serving(settings) as live, live.greeted(PATH) as ws:
            queue = next(part for part in live.app.context.parts if isinstance(part, task_queue.TaskQueue))
            await subscribe(ws, "k")
            for number in range(3):
                run = await live.write(schedule())
                assert await received(ws) == run
                if number < 2:
                    await live.write(lambda tx, run=run: task_runs.update(tx, run, state_type=StateType.PENDING))
                await ack(ws)
            assert len(queue._handed_out) == 1

    asyncio.run(scenario())
