"""Socket: one websocket connection, and the handshake that Prefect's clients do on it.

A client that asks for the subprotocol `prefect` first sends {"type": "auth", "token": …} and is answered
{"type": "auth_success"}; one that does not is let in without, unless the server has an auth string.
"""

from __future__ import annotations

import hmac
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

from flowctl import wire
from flowctl.domain.errors import FlowctlError

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

logger = logging.getLogger("flowctl.server")

SUBPROTOCOL: Final = "prefect"

NORMAL: Final = 1000
GOING_AWAY: Final = 1001
PROTOCOL_ERROR: Final = 1002
POLICY_VIOLATION: Final = 1008
INTERNAL_ERROR: Final = 1011

_LONGEST_REASON: Final = 123
"""Bytes, says RFC 6455."""


class Disconnected(Exception):
    """The client closed the connection, or lost it."""


class Refused(Exception):
    """The client broke the protocol of its socket; the connection is closed with this code and reason."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


class Socket:
    """Text frames, and JSON in them."""

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.scope = scope
        self._receive = receive
        self._send = send
        self._is_closed = False

    async def accept(self, subprotocol: str | None = None) -> None:
        """Answer the upgrade."""
        await self._receive()  # websocket.connect
        await self._send({"type": "websocket.accept", "subprotocol": subprotocol})

    async def receive(self) -> str | bytes:
        """The content of the next frame.  Raises Disconnected."""
        message = await self._receive()
        if message["type"] == "websocket.disconnect":
            self._is_closed = True
            raise Disconnected
        text = message.get("text")
        return message["bytes"] if text is None else text

    async def receive_json(self) -> dict[str, Any]:
        """The object in the next frame.  Raises Disconnected, and Refused if there is none."""
        try:
            value = wire.parse(await self.receive())
        except FlowctlError:
            raise Refused(PROTOCOL_ERROR, "Expected a JSON message") from None
        if not isinstance(value, dict):
            raise Refused(PROTOCOL_ERROR, "Expected a JSON object")
        return value  # pyright: ignore[reportUnknownVariableType] - parsed JSON

    async def wait_for_end(self) -> None:
        """Read and forget frames until the client is gone."""
        try:
            while True:
                await self.receive()
        except Disconnected:
            return

    async def send(self, frame: str) -> None:
        """Send a text frame.  Raises Disconnected."""
        try:
            await self._send({"type": "websocket.send", "text": frame})
        except (OSError, RuntimeError):  # what servers raise when the connection is gone
            self._is_closed = True
            raise Disconnected from None

    async def send_json(self, value: object) -> None:
        """Send a value as the API writes it."""
        await self.send(wire.dumps(value).decode())

    async def close(self, code: int = NORMAL, reason: str = "") -> None:
        """Close the connection if it is open; before `accept`, refuse it with HTTP 403."""
        if self._is_closed:
            return
        self._is_closed = True
        short = reason.encode()[:_LONGEST_REASON].decode(errors="ignore")
        with suppress(OSError, RuntimeError):  # gone already
            await self._send({"type": "websocket.close", "code": code, "reason": short})


async def greet(socket: Socket, auth_string: str | None, *, refusal: str | None = None) -> bool:
    """Accept a connection and do the handshake; False if the client was turned away.  Raises Disconnected.

    refusal  what who is turned away is told, whatever the reason; so is who does not ask for the subprotocol
    """
    if SUBPROTOCOL not in socket.scope.get("subprotocols", ()):
        if refusal is not None:
            await socket.close(POLICY_VIOLATION, refusal)
            return False
        if auth_string is not None:
            await socket.close(PROTOCOL_ERROR)
            return False
        await socket.accept()
        return True
    await socket.accept(SUBPROTOCOL)
    try:
        message = await socket.receive_json()
    except Refused:
        message = {}
    reason = _objection(message, auth_string)
    if reason:
        await socket.close(POLICY_VIOLATION, refusal or reason)
        return False
    await socket.send_json({"type": "auth_success"})
    return True


def _objection(message: dict[str, Any], auth_string: str | None) -> str | None:
    """What is wrong with an auth message; the sentences are Prefect's."""
    if message.get("type") != "auth":
        return "Expected 'auth' message"
    if auth_string is None:
        return None
    token = message.get("token")
    if not token:
        return "Auth required but no token provided"
    matches = isinstance(token, str) and hmac.compare_digest(token.encode(), auth_string.encode())
    return None if matches else "Invalid token"


def endpoint(
    serve: Callable[[Socket], Awaitable[None]], auth_string: str | None, *, refusal: str | None = None
) -> ASGIApp:
    """An ASGI application that greets each client and then serves it until one of the two closes the connection."""

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        socket = Socket(scope, receive, send)
        try:
            if await greet(socket, auth_string, refusal=refusal):
                await serve(socket)
                await socket.close()
        except Disconnected:
            return
        except Refused as error:
            await socket.close(error.code, error.reason)
        except Exception:
            logger.exception("The websocket %s ended with an error", scope["path"])
            await socket.close(INTERNAL_ERROR)

    return application
