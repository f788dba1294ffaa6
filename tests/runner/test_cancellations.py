"""Which runs are to be cancelled: from events, by asking, and both after a break."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import UUID, uuid4

import orjson
from websockets.asyncio.server import ServerConnection, serve

from flowctl.runner.cancellations import CANCELLING, Cancellations
from flowctl.runner.client import Api

OURS, OTHERS = uuid4(), uuid4()


class Server(Api):
    """An API in which some runs are Cancelling."""

    def __init__(self, url: str, cancelling: list[UUID]) -> None:
        self.url, self.key, self.auth_string = url, None, "ada:pw"
        self.cancelling = cancelling
        self.asked: list[Any] = []

    async def call(self, method: str, path: str, body: Any = None, *, patience: float = 0) -> Any:
        self.asked.append(body)
        return [{"id": str(run)} for run in self.cancelling]


async def heard(server: Server, *, watched: set[UUID], count: int) -> list[UUID]:
    """The first calls of `cancel`."""
    calls: asyncio.Queue[UUID] = asyncio.Queue()
    task = asyncio.create_task(
        Cancellations(server, watched=lambda: watched, cancel=calls.put_nowait, every_seconds=0.02).run()
    )
    try:
        return [await asyncio.wait_for(calls.get(), 10) for _ in range(count)]
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def test_events_of_our_runs_cancel_them() -> None:
    frames: list[Any] = []

    async def events_out(socket: ServerConnection) -> None:
        frames.append(orjson.loads(await socket.recv()))
        await socket.send(orjson.dumps({"type": "auth_success"}).decode())
        frames.append(orjson.loads(await socket.recv()))
        for name, run in (("prefect.flow-run.Running", OURS), (CANCELLING, OTHERS), (CANCELLING, OURS)):
            event = {"event": name, "resource": {"prefect.resource.id": f"prefect.flow-run.{run}"}}
            await socket.send(orjson.dumps({"type": "event", "event": event}).decode())
        await socket.wait_closed()

    async def scenario() -> None:
        async with serve(events_out, "127.0.0.1", 0, subprotocols=["prefect"]) as listener:
            port = next(iter(listener.sockets)).getsockname()[1]
            server = Server(f"http://127.0.0.1:{port}/api", [])
            assert await heard(server, watched={OURS}, count=1) == [OURS]
            assert frames[0] == {"type": "auth", "token": "ada:pw"}
            assert frames[1]["filter"]["event"] == {"name": [CANCELLING]}

    asyncio.run(scenario())


def test_without_events_it_asks() -> None:
    server = Server("http://127.0.0.1:9/api", [OURS])
    assert asyncio.run(heard(server, watched={OURS}, count=2)) == [OURS, OURS]
    criteria = server.asked[0]["flow_runs"]
    assert criteria == {"id": {"any_": [str(OURS)]}, "state": {"type": {"any_": ["CANCELLING"]}}}


def test_with_no_runs_it_asks_nothing() -> None:
    server = Server("http://127.0.0.1:9/api", [OURS])
    asyncio.run(Cancellations(server, watched=set, cancel=lambda _: None, every_seconds=1).ask())
    assert server.asked == []
