"""What stands before the whole API: CORS, the auth string, and CSRF tokens.

The API-version header is checked by each operation (`/health` and `/version` do not), and gzip is done by each answer.
"""

from __future__ import annotations

import base64
import binascii
import hmac
from typing import TYPE_CHECKING, Final

from starlette.middleware.cors import CORSMiddleware

from flowctl.ops import csrf_tokens
from flowctl.server.answers import Answer, header
from flowctl.server.dispatch import route_path
from flowctl.server.request_limit import SAFE_METHODS

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

    from flowctl.server.gateway import Gateway
    from flowctl.settings import Settings


_METHODS: Final = ("DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT")


class Cors:
    """Starlette's CORS, for requests of browsers; others, which send no Origin, do not pay for it."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self.app = app
        origins, methods = settings.cors_allowed_origins.split(","), settings.cors_allowed_methods.split(",")
        self._depends_on_origin = "*" not in origins
        self._cors = CORSMiddleware(
            app,
            allow_origins=origins,
            allow_methods=_METHODS if "*" in methods else methods,
            allow_headers=settings.cors_allowed_headers.split(","),
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and (self._depends_on_origin or header(scope, b"origin") is not None):
            await self._cors(scope, receive, send)
        else:
            await self.app(scope, receive, send)


class AuthString:
    """Asks each HTTP request for `Authorization: Basic`; websockets carry the string in their first frame.

    free_paths  paths below the API's root whose GET needs no credentials: health checks
    """

    def __init__(self, app: ASGIApp, auth_string: str, free_paths: frozenset[str]) -> None:
        self.app = app
        self._expected = auth_string.encode()
        self._free_paths = free_paths

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or self._is_free(scope) or self._is_right(header(scope, b"authorization")):
            await self.app(scope, receive, send)
            return
        await Answer.json({"exception_message": "Unauthorized"}, 401).send(scope, send)

    def _is_free(self, scope: Scope) -> bool:
        return scope["method"] == "GET" and route_path(scope) in self._free_paths

    def _is_right(self, given: str | None) -> bool:
        scheme, _, credentials = (given or "").strip().partition(" ")
        if scheme != "Basic":
            return False
        try:
            return hmac.compare_digest(base64.b64decode(credentials.strip()), self._expected)
        except binascii.Error:
            return False


class Csrf:
    """Asks each write for the token that its client fetched from `/csrf-token`."""

    def __init__(self, app: ASGIApp, gateway: Gateway) -> None:
        self.app = app
        self._gateway = gateway

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        refusal = None
        if scope["type"] == "http" and scope["method"] not in SAFE_METHODS:
            refusal = await self._refusal(scope)
        if refusal is None:
            await self.app(scope, receive, send)
        else:
            await refusal.send(scope, send)

    async def _refusal(self, scope: Scope) -> Answer | None:
        token, client = header(scope, b"prefect-csrf-token"), header(scope, b"prefect-csrf-client")
        if token is None:
            return Answer.json({"detail": "Missing CSRF token."}, 403)
        if client is None:
            return Answer.json({"detail": "Missing client identifier."}, 403)
        if await self._gateway.read(lambda tx: csrf_tokens.is_valid(tx, client, token), quick=True):
            return None
        # Clients know this sentence: they fetch another token and try again.
        return Answer.json(
            {"detail": "Invalid CSRF token or client identifier."}, 403, headers={"Access-Control-Allow-Origin": "*"}
        )
