"""Only writes are limited, only while they are queued or running, and in order."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from api_client import TestClient

from flowctl.server.app import create_app
from flowctl.server.request_limit import RequestLimiter, RequestLimitMiddleware
from flowctl.settings import Settings

Message = dict[str, Any]


class Backend:
    """An application whose answers wait for `open`."""

    def __init__(self) -> None:
        self.open = asyncio.Event()
        self.bodies: list[bytes] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            self.bodies.append((await receive())["body"])
        await self.open.wait()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})


async def call(app: Any, method: str = "POST", type: str = "http", body: bytes = b"x") -> int:
    """The status of the answer."""
    statuses: list[int] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Message) -> None:
        if message["type"] == "http.response.start":
            statuses.append(message["status"])

    await app({"type": type, "method": method, "headers": [], "path": "/"}, receive, send)
    return statuses[0]


def test_beyond_the_limit_writes_get_503_and_nothing_else_does() -> None:
    async def test() -> None:
        backend = Backend()
        app = RequestLimitMiddleware(backend, 2)
        writes = [asyncio.create_task(call(app, body=str(number).encode())) for number in range(3)]
        reads = [asyncio.create_task(call(app, "GET")) for _ in range(5)]
        sockets = [asyncio.create_task(call(app, type="websocket")) for _ in range(5)]
        await asyncio.sleep(0.01)
        assert [task.done() for task in writes] == [False, False, True]
        assert await writes[2] == 503
        backend.open.set()
        assert await asyncio.gather(*writes[:2], *reads, *sockets) == [200] * 12
        assert backend.bodies[:2] == [b"0", b"1"]
        assert await call(app) == 200

    asyncio.run(test())


def test_a_body_on_its_way_and_an_answer_on_its_way_hold_no_place() -> None:
    async def test() -> None:
        backend = Backend()
        backend.open.set()
        limiter = RequestLimiter(1)
        app = RequestLimitMiddleware(backend, limiter)
        never = asyncio.Event()

        async def slow_receive() -> Message:
            await never.wait()
            return {"type": "http.disconnect"}

        async def slow_send(message: Message) -> None:
            if message["type"] == "http.response.body":
                await never.wait()

        scope = {"type": "http", "method": "POST", "headers": [], "path": "/"}

        async def receive() -> Message:
            return {"type": "http.request", "body": b"", "more_body": False}

        slow = [
            asyncio.create_task(app(scope, slow_receive, slow_send)),
            asyncio.create_task(app(scope, receive, slow_send)),
        ]
        await asyncio.sleep(0.01)
        assert limiter.admitted == 0
        assert await call(app) == 200
        never.set()
        await asyncio.gather(*slow)

    asyncio.run(test())


@pytest.mark.parametrize("ends", ["disconnects", "fails"])
def test_a_place_is_given_back_however_it_ends(ends: str) -> None:
    async def fail(scope: Any, receive: Callable[..., Any], send: Any) -> None:
        raise RuntimeError

    async def test() -> None:
        limiter = RequestLimiter(1)
        app = RequestLimitMiddleware(fail, limiter)

        async def receive() -> Message:
            return {"type": "http.disconnect"} if ends == "disconnects" else {"type": "http.request", "body": b""}

        async def send(message: Message) -> None:
            pytest.fail("nothing is sent")

        try:
            await app({"type": "http", "method": "POST", "headers": []}, receive, send)
        except RuntimeError:
            assert ends == "fails"
        assert limiter.admitted == 0

    asyncio.run(test())


def test_the_application_answers_as_prefect_when_its_queue_is_full(settings: Settings) -> None:
    app = create_app(settings, webserver_only=True, ignore_cache=True)
    with TestClient(app) as client:
        limiter = app.api_app.limiter
        assert limiter.limit == settings.request_limit
        limiter.admitted = limiter.limit
        response = client.delete("/api/admin/storage")
        assert (response.status_code, response.json()) == (503, {"exception_message": "Service Unavailable"})
        assert float(response.headers["retry-after"]) > 0
        assert client.get("/api/admin/storage").status_code == 200
        assert client.post("/api/flow_runs/filter", json={}).status_code != 503
