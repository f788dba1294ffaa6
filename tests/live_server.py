"""A uvicorn server, in the event loop of a test or in a thread of its own, and websocket clients."""

from __future__ import annotations

import asyncio
import json
import queue
import socket
import threading
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeVar
from uuid import UUID, uuid4

import uvicorn
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from flowctl.db.database import Tx
from flowctl.domain.events import ReceivedEvent
from flowctl.ops import events
from flowctl.server.app import App, create_app
from flowctl.settings import Settings

T = TypeVar("T")
PATIENCE = 10.0
"""Seconds after which something that should come does not."""


@dataclass
class Live:
    """A running server."""

    app: App
    url: str
    server: uvicorn.Server

    def socket(self, path: str, *, subprotocol: str | None = "prefect", **options: Any) -> connect:
        """A websocket, to be entered; nothing is sent on it yet."""
        return connect(self.url + path, subprotocols=[subprotocol] if subprotocol else None, **options)

    @asynccontextmanager
    async def greeted(self, path: str, token: str | None = None, **options: Any) -> AsyncGenerator[ClientConnection]:
        """A websocket after its handshake."""
        async with self.socket(path, **options) as ws:
            await say(ws, {"type": "auth", "token": token})
            assert await hear(ws) == {"type": "auth_success"}
            yield ws

    async def write(self, work: Callable[[Tx], T]) -> T:
        return await self.app.context.gateway.write(work)

    async def read(self, work: Callable[[Tx], T]) -> T:
        return await self.app.context.gateway.read(work)

    async def until(self, work: Callable[[Tx], T], wanted: Callable[[T], bool]) -> T:
        """Read until the result is as wanted."""
        async with asyncio.timeout(PATIENCE):
            while not wanted(found := await self.read(work)):
                await asyncio.sleep(0.01)
        return found


@asynccontextmanager
async def serving(settings: Settings) -> AsyncGenerator[Live]:
    """Run the server on a free port until the block ends."""
    app = create_app(settings, webserver_only=True, ignore_cache=True)
    server = uvicorn.Server(uvicorn.Config(app, interface="asgi3", log_config=None, timeout_graceful_shutdown=5))
    listener = socket.create_server(("127.0.0.1", 0))
    running = asyncio.create_task(server.serve(sockets=[listener]))
    while not server.started:
        await asyncio.sleep(0.01)
    try:
        yield Live(app, f"ws://127.0.0.1:{listener.getsockname()[1]}/api", server)
    finally:
        server.should_exit = True
        await running


async def say(ws: ClientConnection, message: object) -> None:
    await ws.send(json.dumps(message))


async def hear(ws: ClientConnection) -> Any:
    return json.loads(await asyncio.wait_for(ws.recv(), PATIENCE))


async def closing(ws: ClientConnection) -> tuple[int, str]:
    """Code and reason with which the server closes the connection."""
    async with asyncio.timeout(PATIENCE):
        with suppress(ConnectionClosed):
            while True:
                await ws.recv()
    return ws.close_code or 0, ws.close_reason or ""


def event(name: str = "demo.happened", **changes: Any) -> ReceivedEvent:
    """An event of right now."""
    now = datetime.now(UTC)
    values: dict[str, Any] = {
        "id": uuid4(),
        "occurred": now,
        "received": now,
        "event": name,
        "resource": {"prefect.resource.id": "demo.1"},
    }
    return ReceivedEvent(**{**values, **changes})


def emit(*emitted: ReceivedEvent) -> Callable[[Tx], list[bool]]:
    """A write that stores events."""
    return lambda tx: [events.emit(tx, each) for each in emitted]


def as_sent(sent: ReceivedEvent) -> dict[str, Any]:
    """An event as a client sends it."""
    return {
        "id": str(sent.id),
        "occurred": sent.occurred.isoformat(),
        "event": sent.event,
        "resource": sent.resource,
        "related": sent.related,
        "payload": sent.payload,
        "follows": str(sent.follows) if sent.follows else None,
    }


def stored(tx: Tx) -> list[UUID]:
    """Ids of the stored events, in the order of their commits."""
    return [UUID(row[0]) for row in tx.execute("SELECT id FROM events ORDER BY position")]


@contextmanager
def served(settings: Settings) -> Generator[str]:
    """Run the server in a thread of its own until the block ends; gives the API's URL."""
    begun: queue.SimpleQueue[tuple[str, Callable[[], None]]] = queue.SimpleQueue()

    async def serve() -> None:
        async with serving(settings) as live:
            over, loop = asyncio.Event(), asyncio.get_running_loop()
            begun.put(("http" + live.url.removeprefix("ws"), lambda: loop.call_soon_threadsafe(over.set) and None))
            await over.wait()

    thread = threading.Thread(target=asyncio.run, args=(serve(),), daemon=True)
    thread.start()
    url, end = begun.get(timeout=PATIENCE)
    try:
        yield url
    finally:
        end()
        thread.join(PATIENCE)
