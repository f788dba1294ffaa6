"""The whole server as one ASGI application: the API, the dashboard, and the background services.

app = create_app()                      # for uvicorn, or for a test client
api = create_api_app()                  # the API alone, to be mounted in another application
"""

from __future__ import annotations

import gc
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from flowctl.server.answers import Answer
from flowctl.server.api import API_APP_CACHE, SAME_AT_ROOT, ApiApp, create_api_app, method_paths_from_routes
from flowctl.server.call import Context
from flowctl.server.dispatch import route_path
from flowctl.server.errors import is_client_retryable_exception
from flowctl.server.gateway import Gateway
from flowctl.server.lifespan import Lifespan
from flowctl.server.middleware import Cors, Csrf
from flowctl.server.ui import create_ui_app as make_ui_app
from flowctl.settings import Settings
from flowctl.settings import load as load_settings

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

__all__ = [
    "API_APP_CACHE",
    "APP_CACHE",
    "App",
    "create_api_app",
    "create_app",
    "create_ui_app",
    "is_client_retryable_exception",
    "method_paths_from_routes",
]

APP_CACHE: Final[dict[tuple[Settings, bool, bool], App]] = {}


class App:
    """The API below its base path, the dashboard elsewhere; CORS and CSRF before both."""

    def __init__(self, context: Context, *, ephemeral: bool, webserver_only: bool) -> None:
        settings = context.settings
        self.context = context
        self.settings = settings
        self.api_app: ApiApp = create_api_app(context=context)
        self.ui_app = create_ui_app(ephemeral, settings)
        self.lifespan = Lifespan(context, run_services=not ephemeral and not webserver_only)
        own = _path(settings.api_base_path)
        below_ui = _path(settings.ui_serve_base) + "/api"
        self.api_base = below_ui if own in ("", "/api") else own
        """Where the API is announced to be."""
        # A reverse proxy may cut the dashboard's base path off, or leave it: the API is found either way.
        self._bases = sorted({own, below_ui} - {""}, key=len, reverse=True)
        self._entry: ASGIApp = Cors(self._route, settings)
        if settings.csrf_enabled:
            self._entry = Csrf(self._entry, context.gateway)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self.lifespan(scope, receive, send)
        else:
            if self.settings.csrf_enabled:  # its check comes before the API, which begins by itself
                await self.api_app.lifespan.begin()
            await self._entry(scope, receive, send)

    def openapi(self) -> dict[str, Any]:
        """The OpenAPI document of the API."""
        return self.api_app.openapi()

    async def _route(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = route_path(scope)
        for base in self._bases:
            if path.startswith(base) and path[len(base) : len(base) + 1] in ("", "/"):
                if len(path) == len(base):
                    break
                below = {**scope, "root_path": scope.get("root_path", "") + base}
                await self.api_app(below, receive, send)
                return
        else:
            if scope["type"] == "http" and path in SAME_AT_ROOT:
                await self.api_app(scope, receive, send)  # Prefect's server has them at its root too
            else:
                await self.ui_app(scope, receive, send)
            return
        await _nothing_here(scope, send)


def create_app(
    settings: Settings | None = None,
    ephemeral: bool = False,
    webserver_only: bool = False,
    final: bool = False,
    ignore_cache: bool = False,
    *,
    read_only: bool = False,
) -> App:
    """Make the application that serves API and dashboard, and runs the services.

    settings        those of the environment, if not given
    ephemeral       for a short-lived server: no dashboard, no services
    webserver_only  no services: another process runs them
    final           the process makes no other application: nothing is kept for one
    ignore_cache    make a new one even if there is one of the same settings
    read_only       never write; writing requests are refused
    """
    settings = settings or load_settings(profile=True)
    key = (settings, ephemeral, webserver_only)
    if key in APP_CACHE and not ignore_cache and not read_only:
        return APP_CACHE[key]
    gateway = Gateway(settings, read_only=read_only)
    app = App(Context(settings, gateway), ephemeral=ephemeral, webserver_only=webserver_only)
    if final:
        # What the routes and their types are made of stays for good: no collection need look at it again.
        gc.collect()
        gc.freeze()
    elif not read_only:
        APP_CACHE[key] = app
    return app


def create_ui_app(ephemeral: bool, settings: Settings | None = None) -> ASGIApp:
    """Make the application that serves the dashboard; an ephemeral server has none."""
    settings = settings or load_settings(profile=True)
    return make_ui_app(replace(settings, ui_enabled=False) if ephemeral else settings)


def _path(text: str) -> str:
    stripped = text.strip("/")
    return f"/{stripped}" if stripped else ""


async def _nothing_here(scope: Scope, send: Send) -> None:
    if scope["type"] == "http":
        await Answer.json({"detail": "Not Found"}, 404).send(scope, send)
    else:
        await send({"type": "websocket.close", "code": 1000, "reason": ""})
