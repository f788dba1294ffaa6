"""The handshake of all websockets."""

from __future__ import annotations

import asyncio
import signal
import time
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID, uuid5

import httpx
import processes
import pytest
from api_client import TestClient
from live_server import as_sent, closing, event, hear, say, serving
from starlette.websockets import WebSocketDisconnect
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from flowctl.server import sockets
from flowctl.server.app import create_app
from flowctl.settings import Settings

Message = dict[str, Any]
PATHS = ["/events/in", "/events/out", "/logs/out", "/task_runs/subscriptions/scheduled"]


@pytest.mark.parametrize("path", PATHS)
def test_a_client_with_the_subprotocol_is_greeted(settings: Settings, path: str) -> None:
    async def scenario() -> None:
        async with serving(settings) as live, live.socket(path) as ws:
            assert ws.subprotocol == "prefect"
            await say(ws, {"type": "auth", "token": None})
            assert await hear(ws) == {"type": "auth_success"}
            await asyncio.wait_for(await ws.ping(), 5)

    asyncio.run(scenario())


@pytest.mark.parametrize("first", ["nonsense", "[1]", '{"type": "filter"}', "{}"])
def test_another_first_frame_closes_with_1008(settings: Settings, first: str) -> None:
    async def scenario() -> None:
        async with serving(settings) as live, live.socket("/events/in") as ws:
            await ws.send(first)
            assert await closing(ws) == (1008, "Expected 'auth' message")

    asyncio.run(scenario())


def test_without_the_subprotocol_there_is_no_handshake(settings: Settings) -> None:
    async def scenario() -> None:
        async with serving(settings) as live, live.socket("/events/out", subprotocol=None) as ws:
            await say(ws, {"type": "nope"})
            assert await closing(ws) == (1002, "Expected 'filter' message")

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("path", "code"), [("/events/in", 1002), ("/events/out", 1002), ("/work_pools/any/workers/connect", 1008)]
)
def test_without_the_subprotocol_nobody_passes_an_auth_string(settings: Settings, path: str, code: int) -> None:
    settings = replace(settings, api_auth_string="secret")
    with TestClient(create_app(settings, webserver_only=True, ignore_cache=True)) as client:
        with pytest.raises(WebSocketDisconnect) as refused, client.websocket_connect(f"/api{path}"):
            pass
        assert refused.value.code == code


def test_an_auth_string_is_asked_for(settings: Settings) -> None:
    settings = replace(settings, api_auth_string="admin:pässword")

    async def scenario() -> None:
        async with serving(settings) as live:
            async with live.greeted("/events/in", token="admin:pässword"):
                pass
            for token, reason in (
                ("wrong", "Invalid token"),
                (5, "Invalid token"),
                (None, "Auth required but no token provided"),
            ):
                async with live.socket("/events/in") as ws:
                    await say(ws, {"type": "auth", "token": token})
                    assert await closing(ws) == (1008, reason)
            with pytest.raises(InvalidStatus) as refused:
                await live.socket("/events/in", subprotocol=None)
            assert refused.value.response.status_code == 403

    asyncio.run(scenario())


def test_an_unknown_path_is_refused(settings: Settings) -> None:
    async def scenario() -> None:
        async with serving(settings) as live:
            for path in ("/events/nope", "/events/in/"):
                with pytest.raises(InvalidStatus) as refused:
                    await live.socket(path)
                assert refused.value.response.status_code == 403

    asyncio.run(scenario())


def test_sockets_close_when_the_server_stops(settings: Settings) -> None:
    async def scenario() -> None:
        loop = asyncio.get_running_loop()
        async with serving(settings) as live:
            sockets = [await live.socket(path) for path in PATHS * 5]
            for ws in sockets:
                await say(ws, {"type": "auth"})
                await hear(ws)
            for ws, path in zip(sockets, PATHS * 5, strict=True):
                if path.endswith("/out"):
                    await say(ws, {"type": "filter", "filter": {}})
                elif path.endswith("scheduled"):
                    await say(ws, {"type": "subscribe", "keys": ["k"], "client_id": "c"})
            await asyncio.sleep(0.1)
            begun = loop.time()
        assert loop.time() - begun < 2
        assert [(await closing(ws))[0] for ws in sockets] == [1012] * len(sockets)

    asyncio.run(scenario())


def test_a_client_that_does_not_read_does_not_hold_up_the_stop(db_path: Path) -> None:
    async def fill_up(server: processes.Server) -> None:
        url = server.api.replace("http:", "ws:")
        ws = await connect(f"{url}/events/out", compression=None, max_queue=1, ping_interval=None)
        await say(ws, {"type": "filter", "filter": {}})
        sent = [as_sent(event(payload={"text": "x" * 20_000})) for _ in range(100)]
        async with httpx.AsyncClient(base_url=server.api) as client:
            for batch in range(8):
                ids = [{**each, "id": str(uuid5(UUID(each["id"]), str(batch)))} for each in sent]
                assert (await client.post("/events", json=ids)).status_code == 204
        begun = time.monotonic()
        server.process.send_signal(signal.SIGTERM)
        assert await asyncio.to_thread(server.process.wait, 10) == 0
        assert time.monotonic() - begun < 2.5
        ws.transport.abort()

    with processes.serving(db_path) as server:
        asyncio.run(fill_up(server))


def test_many_idle_sockets_leave_the_api_answering(settings: Settings) -> None:
    async def scenario() -> None:
        async with serving(settings) as live, httpx.AsyncClient(base_url=live.url.replace("ws:", "http:")) as client:
            sockets = [await live.socket("/events/out", compression=None) for _ in range(150)]
            for ws in sockets:
                await say(ws, {"type": "auth"})
                await say(ws, {"type": "filter", "filter": {"event": {"prefix": ["nothing."]}}})
            assert (await client.post("/flows/", json={"name": "f"})).status_code == 201
            assert (await client.get("/health")).json() is True
            for ws in sockets:
                await ws.close()

    asyncio.run(scenario())


def converse(serve: Any, *frames: Message, broken: bool = False) -> list[Message]:
    """What an endpoint sends to a client without the subprotocol that sends these frames, then leaves."""
    incoming = iter([{"type": "websocket.connect"}, *frames, {"type": "websocket.disconnect"}])
    sent: list[Message] = []

    async def receive() -> Message:
        return next(incoming)

    async def send(message: Message) -> None:
        if broken and message["type"] != "websocket.accept":
            raise OSError
        sent.append(message)

    asyncio.run(sockets.endpoint(serve, None)({"type": "websocket", "path": "/x"}, receive, send))
    return sent


def test_an_unexpected_error_closes_with_1011_and_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    async def serve(socket: sockets.Socket) -> None:
        raise ValueError("boom")

    assert converse(serve)[-1] == {"type": "websocket.close", "code": 1011, "reason": ""}
    assert "The websocket /x ended with an error" in caplog.text


def test_a_client_that_is_gone_is_no_error(caplog: pytest.LogCaptureFixture) -> None:
    async def talk(socket: sockets.Socket) -> None:
        await socket.send_json({"a": 1})

    async def listen(socket: sockets.Socket) -> None:
        await socket.receive()

    assert len(converse(talk, broken=True)) == 1
    assert len(converse(listen)) == 1
    assert not caplog.text


def test_reasons_are_cut_to_what_a_closing_frame_holds() -> None:
    async def serve(socket: sockets.Socket) -> None:
        raise sockets.Refused(1002, "ü" * 100)

    assert converse(serve)[-1]["reason"] == "ü" * 61
