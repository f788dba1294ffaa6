"""ApiApp: the REST API as one ASGI application, made of the route tables, and what embedders may change about it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from flowctl.server import openapi, openapi_page, websockets
from flowctl.server.call import Context
from flowctl.server.dispatch import Dispatcher, route_path
from flowctl.server.endpoint import Reply, Route, Routes
from flowctl.server.gateway import Gateway
from flowctl.server.lifespan import Lifespan
from flowctl.server.middleware import AuthString
from flowctl.server.operation import Dependency, Operation
from flowctl.server.request_limit import RequestLimiter, RequestLimitMiddleware
from flowctl.server.routes import ALL, not_built
from flowctl.server.routes.root import health_check, server_version
from flowctl.settings import Settings
from flowctl.settings import load as load_settings

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

RouterOverrides = Mapping[str, "Routes | None"]

API_APP_CACHE: Final[dict[tuple[Settings, str, str], ApiApp]] = {}


DOCUMENT_PATHS: Final = frozenset({"/openapi.json", "/docs", "/redoc"})


class ApiApp:
    """The API below its `root_path`: operations, websockets, the OpenAPI document and its page.

    routes    every operation that is built
    missing   the operations of Prefect's API that answer 501
    limiter   what all its writes share
    context   settings, gateway and services
    """

    def __init__(self, context: Context, routes: Sequence[Route], dependencies: Sequence[Dependency] = ()) -> None:
        self.context = context
        self.routes = not_built.in_declared_order(routes)
        self.missing = not_built.missing_routes(self.routes)
        self.websockets: dict[str, ASGIApp] = websockets.endpoints(context)
        self.lifespan = Lifespan(context, run_services=False)
        self._document: dict[str, Any] | None = None
        self.limiter = RequestLimiter(context.settings.request_limit)
        endpoints: list[tuple[Route, ASGIApp]] = []
        for route in not_built.in_declared_order([*self.routes, *self.missing, *self._document_routes()]):
            operation: ASGIApp = Operation(route, context, dependencies if route.checks_version else ())
            endpoints.append(
                (route, RequestLimitMiddleware(operation, self.limiter) if route.kind == "write" else operation)
            )
        self._http: ASGIApp = Dispatcher(endpoints)
        if context.settings.api_auth_string is not None:
            free = frozenset({"/ready", *(route.path for route in self.routes if route.handler is health_check)})
            self._http = AuthString(self._http, context.settings.api_auth_string, free)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await self._http(scope, receive, send)
        elif scope["type"] == "websocket":
            endpoint = self.websockets.get(route_path(scope), _refuse_websocket)
            await endpoint(scope, receive, send)
        else:
            await self.lifespan(scope, receive, send)

    def openapi(self) -> dict[str, Any]:
        """The OpenAPI document of the operations that are built; made once."""
        if self._document is None:
            self._document = openapi.document(self.routes)
        return self._document

    def _document_routes(self) -> list[Route]:
        routes = Routes("")

        async def openapi_document() -> dict[str, Any]:
            return await asyncio.to_thread(self.openapi)

        async def openapi_as_page() -> Reply[bytes]:
            page = await asyncio.to_thread(lambda: openapi_page.render(self.openapi()))
            return Reply.raw(page, media_type="text/html; charset=utf-8")

        routes.plain("GET", "/openapi.json", listed=False)(openapi_document)
        routes.plain("GET", "/docs", listed=False)(openapi_as_page)
        routes.plain("GET", "/redoc", listed=False)(openapi_as_page)
        for route in routes.routes:
            route.checks_version = False
        return routes.routes


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
    routes = [*_check_routes(health_check_path, version_check_path), *_api_routes(router_overrides or {})]
    app = ApiApp(context or Context(settings, Gateway(settings)), routes, dependencies or ())
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


def _api_routes(overrides: RouterOverrides) -> list[Route]:
    by_prefix: dict[str, list[Route]] = {}
    for routes in ALL:
        by_prefix.setdefault(routes.prefix, []).extend(routes.routes)
    for prefix, override in overrides.items():
        original = by_prefix[prefix]
        if override is None:
            by_prefix[prefix] = []
            continue
        if override.prefix != prefix:
            raise ValueError(f"Router override for {prefix!r} defines a different prefix {override.prefix!r}.")
        missing = method_paths_from_routes(original) - method_paths_from_routes(override.routes)
        if missing:
            raise ValueError(
                f"Router override for {prefix!r} is missing paths defined by the original router: {sorted(missing)}"
            )
        by_prefix[prefix] = override.routes
    return [route for routes in by_prefix.values() for route in routes]


def _check_routes(health_check_path: str, version_check_path: str) -> list[Route]:
    routes = Routes("", tag="Root")
    routes.plain("GET", health_check_path)(health_check)
    routes.plain("GET", version_check_path)(server_version)
    for route in routes.routes:
        route.checks_version = False
    return routes.routes


async def _refuse_websocket(scope: Scope, receive: Receive, send: Send) -> None:
    """Close before accepting: HTTP 403, which is what Prefect answers for an unknown path."""
    await send({"type": "websocket.close", "code": 1000, "reason": ""})
