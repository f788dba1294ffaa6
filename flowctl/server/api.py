"""ApiApp: the REST API as one ASGI application, made of the route tables, and what embedders may change about it.

A server answers health checks at once; the route modules, with all that they need, are imported by the first request
that asks for something else.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from flowctl.server.call import Context
from flowctl.server.checks import check_routes, health_check, without_version_check
from flowctl.server.dispatch import Dispatcher, route_path
from flowctl.server.endpoint import Reply, Route, Routes
from flowctl.server.gateway import Gateway
from flowctl.server.lifespan import Lifespan
from flowctl.server.middleware import AuthString
from flowctl.server.operation import Dependency, Operation
from flowctl.server.request_limit import RequestLimiter, RequestLimitMiddleware
from flowctl.settings import Settings
from flowctl.settings import load as load_settings

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

RouterOverrides = Mapping[str, "Routes | None"]

API_APP_CACHE: Final[dict[tuple[Settings, str, str], ApiApp]] = {}

SAME_AT_ROOT: Final = frozenset({"/openapi.json", "/docs", "/redoc", "/metrics"})
"""What is also served above the API's base path."""


@dataclass(frozen=True, slots=True)
class _Loaded:
    """All that the API consists of."""

    routes: list[Route]
    missing: list[Route]
    http: ASGIApp
    websockets: Mapping[str, ASGIApp]
    socket_path: Callable[[str], str]


class ApiApp:
    """The API below its `root_path`: operations, websockets, the OpenAPI document and its page.

    context       settings, gateway and services
    checks        routes that are there at once: health and version
    routes        gives the other routes, when they are needed
    dependencies  what each of these needs
    """

    def __init__(
        self,
        context: Context,
        checks: Sequence[Route],
        routes: Callable[[], Sequence[Route]],
        dependencies: Sequence[Dependency] = (),
    ) -> None:
        self.context = context
        self.lifespan = Lifespan(context, run_services=False)
        self.limiter = RequestLimiter(context.settings.request_limit)
        """What all writes share."""
        self._checks = checks
        self._find_routes = routes
        self._dependencies = dependencies
        self._loaded: _Loaded | None = None
        self._loading = threading.Lock()
        self._document: dict[str, Any] | None = None
        self._check_paths = frozenset(route.path for route in checks)
        self._first = Dispatcher((route, Operation(route, context)) for route in checks)
        self._http: ASGIApp = self._serve
        if context.settings.api_auth_string is not None:
            free = frozenset({"/ready", *(route.path for route in checks if route.handler is health_check)})
            self._http = AuthString(self._serve, context.settings.api_auth_string, free)

    @property
    def routes(self) -> list[Route]:
        """Every operation that is built."""
        return self._load().routes

    @property
    def missing(self) -> list[Route]:
        """The operations of Prefect's API that answer 501."""
        return self._load().missing

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await self.lifespan.begin()
            await self._http(scope, receive, send)
        elif scope["type"] == "websocket":
            await self.lifespan.begin()
            loaded = await self._load_beside()
            path = loaded.socket_path(route_path(scope))
            await loaded.websockets.get(path, _refuse_websocket)(scope, receive, send)
        else:
            await self.lifespan(scope, receive, send)

    def openapi(self) -> dict[str, Any]:
        """The OpenAPI document of the operations that are built; made once."""
        if self._document is None:
            from flowctl.server import openapi  # noqa: PLC0415 - start-up budget

            self._document = openapi.document(self.routes)
        return self._document

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._loaded is None and route_path(scope) in self._check_paths:
            await self._first(scope, receive, send)
            return
        loaded = await self._load_beside()
        await loaded.http(scope, receive, send)

    async def _load_beside(self) -> _Loaded:
        """All of the API, which is loaded beside the event loop, and its parts, started."""
        loaded = self._loaded or await asyncio.to_thread(self._load)
        await self.context.start_parts()
        return loaded

    def _load(self) -> _Loaded:
        """All of the API; the first call imports it."""
        with self._loading:
            if self._loaded is None:
                from flowctl.server import websockets  # noqa: PLC0415 - start-up budget
                from flowctl.server.routes import not_built  # noqa: PLC0415 - start-up budget

                routes = not_built.in_declared_order([*self._checks, *self._find_routes()])
                missing = not_built.missing_routes([*check_routes(), *all_routes()])  # not what an embedder leaves out
                served = not_built.in_declared_order([*routes, *missing, *self._document_routes()])
                http = Dispatcher((route, self._endpoint(route)) for route in served)
                self._watch_runners()
                sockets = websockets.endpoints(self.context)
                self._loaded = _Loaded(routes, missing, http, sockets, websockets.socket_path)
            return self._loaded

    def _watch_runners(self) -> None:
        """Add the part that learns which processes execute runs."""
        context = self.context
        if context.settings.services_reaper_enabled and not context.gateway.read_only:
            from flowctl.server.runner_processes import RunnerProcesses  # noqa: PLC0415 - start-up budget

            context.runner_processes = RunnerProcesses(context.gateway)
            context.parts.append(context.runner_processes)

    def _endpoint(self, route: Route) -> ASGIApp:
        operation = Operation(route, self.context, self._dependencies if route.checks_version else ())
        return RequestLimitMiddleware(operation, self.limiter) if route.kind == "write" else operation

    def _document_routes(self) -> list[Route]:
        routes = Routes("")

        async def openapi_document() -> dict[str, Any]:
            return await asyncio.to_thread(self.openapi)

        async def openapi_as_page() -> Reply[bytes]:
            from flowctl.server import openapi_page  # noqa: PLC0415 - start-up budget

            page = await asyncio.to_thread(lambda: openapi_page.render(self.openapi()))
            return Reply.raw(page, media_type="text/html; charset=utf-8")

        for method in ("GET", "HEAD"):
            routes.plain(method, "/openapi.json", listed=False)(openapi_document)
            routes.plain(method, "/docs", listed=False)(openapi_as_page)
            routes.plain(method, "/redoc", listed=False)(openapi_as_page)
        return without_version_check(routes)


def create_api_app(
    dependencies: Sequence[Dependency] | None = None,
    health_check_path: str = "/health",
    version_check_path: str = "/version",
    router_overrides: RouterOverrides | None = None,
    *,
    settings: Settings | None = None,
    context: Context | None = None,
    ignore_cache: bool = False,
) -> ApiApp:
    """Make the application that serves the REST API.

    dependencies      what each operation needs, besides health and version checks (operation.Dependency)
    router_overrides  other routes for a prefix, or None to serve none there.  Raises KeyError for a prefix that the API
                      does not have, and ValueError for routes that have another prefix or miss some of the original's
    context           of the application that this is part of; without one it has its own
    ignore_cache      make a new one even if there is one of the same settings and paths
    """
    settings = context.settings if context else settings or load_settings(profile=True)
    is_plain = context is None and not dependencies and not router_overrides
    key = (settings, health_check_path, version_check_path)
    if is_plain and not ignore_cache and key in API_APP_CACHE:
        return API_APP_CACHE[key]
    app = ApiApp(
        context or Context(settings, Gateway(settings)),
        check_routes(health_check_path, version_check_path),
        _overridden(router_overrides) if router_overrides else all_routes,
        dependencies or (),
    )
    if is_plain:
        API_APP_CACHE[key] = app
    return app


def method_paths_from_routes(routes: Iterable[Any]) -> set[str]:
    """`{"GET /logs/", …}`: each method and path of routes, flowctl's or Starlette's."""
    return {
        f"{method} {route.path}"
        for route in routes
        if getattr(route, "path", None) is not None
        for method in getattr(route, "methods", None) or ()
    }


def all_routes() -> list[Route]:
    """Every route of the tables; the first call imports them."""
    from flowctl.server.routes import all_tables  # noqa: PLC0415 - start-up budget

    return [route for routes in all_tables() for route in routes.routes]


def _overridden(overrides: RouterOverrides) -> Callable[[], list[Route]]:
    from flowctl.server.routes import all_tables  # noqa: PLC0415 - start-up budget

    by_prefix: dict[str, list[Route]] = {}
    for routes in all_tables():
        by_prefix.setdefault(routes.prefix, []).extend(routes.routes)
    for prefix, override in overrides.items():
        if prefix not in by_prefix:
            raise KeyError(f"Router override provided for prefix that does not exist: {prefix!r}")
        by_prefix[prefix] = _checked(prefix, by_prefix[prefix], override)
    return lambda: [route for routes in by_prefix.values() for route in routes]


def _checked(prefix: str, original: list[Route], override: Routes | None) -> list[Route]:
    """The routes that an override puts in the place of the original ones."""
    if override is None:
        return []
    if override.prefix != prefix:
        raise ValueError(f"Router override for {prefix!r} defines a different prefix {override.prefix!r}.")
    missing = method_paths_from_routes(original) - method_paths_from_routes(override.routes)
    if missing:
        paths = ", ".join(map(repr, sorted(missing)))
        raise ValueError(f"Router override for {prefix!r} is missing paths defined by the original router: {{{paths}}}")
    return override.routes


async def _refuse_websocket(scope: Scope, receive: Receive, send: Send) -> None:
    """Close before accepting: HTTP 403, which is what Prefect answers for an unknown path."""
    await send({"type": "websocket.close", "code": 1000, "reason": ""})
