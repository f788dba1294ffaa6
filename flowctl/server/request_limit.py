"""RequestLimitMiddleware: bounds the write requests that are queued or running; beyond, 503 with Retry-After.

It stands before each writing route and nothing else: reads, sockets, health checks and static files never wait here.
The one writer thread serves in the order of arrival; this keeps its queue short enough for an honest answer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from flowctl.server.errors import busy_answer
from flowctl.server.operation import ClientGone, TooLarge, read_body, too_large

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


class RequestLimiter:
    """Counts the writes that all writing routes of an application have admitted."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.admitted = 0

    def admit(self) -> bool:
        """Take one of the places; False if there is none."""
        if self.admitted >= self.limit:
            return False
        self.admitted += 1
        return True

    def release(self) -> None:
        """Give a place back."""
        self.admitted -= 1


class RequestLimitMiddleware:
    """Admits a write once its body is complete, until its answer begins: slow clients hold no place.

    limit  the places, or the limiter that several routes share
    """

    def __init__(self, app: ASGIApp, limit: RequestLimiter | int) -> None:
        self.app = app
        self.limiter = RequestLimiter(limit) if isinstance(limit, int) else limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] in SAFE_METHODS:
            await self.app(scope, receive, send)
            return
        try:
            body = await read_body(receive)
        except ClientGone:
            return
        except TooLarge:
            await too_large().send(scope, send)
            return
        if not self.limiter.admit():
            await busy_answer().send(scope, send)
            return
        place = _Place(self.limiter)
        try:
            await self.app(scope, _replay(body, receive), place.giving_back(send))
        finally:
            place.give_back()


class _Place:
    def __init__(self, limiter: RequestLimiter) -> None:
        self._limiter: RequestLimiter | None = limiter

    def give_back(self) -> None:
        if self._limiter is not None:
            self._limiter.release()
            self._limiter = None

    def giving_back(self, send: Send) -> Send:
        async def send_on(message: Message) -> None:
            self.give_back()  # the answer begins: the write is done
            await send(message)

        return send_on


def _replay(body: bytes, receive: Receive) -> Receive:
    """Hand out the body that was read, once, then what the client does next."""
    given = False

    async def replay() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replay
