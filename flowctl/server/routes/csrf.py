"""CSRF tokens: `GET /csrf-token`, which each client asks before its first write."""

from __future__ import annotations

from flowctl.domain.admin import CsrfToken
from flowctl.ops import csrf_tokens
from flowctl.server.endpoint import Call, Reply, Routes

routes = Routes("/csrf-token", tag="Root")


@routes.plain("GET", "")
async def create_csrf_token(client: str, call: Call) -> Reply[CsrfToken]:
    """Give a client a new token; 422 with this very text tells clients to go on without."""
    if not call.context.settings.csrf_enabled:
        return Reply.json({"detail": "CSRF protection is disabled."}, status=422)
    return Reply(await call.context.gateway.write(lambda tx: csrf_tokens.renew(tx, client)))
