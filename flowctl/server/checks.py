"""The routes that are served before the others are imported: health and version, which need no version header."""

from __future__ import annotations

from flowctl import API_VERSION
from flowctl.server.endpoint import Route, Routes


def health_check() -> bool:
    """Tell that the server is up."""
    return True


def server_version() -> str:
    """Tell the version of the API."""
    return API_VERSION


def check_routes(health_check_path: str = "/health", version_check_path: str = "/version") -> list[Route]:
    """The routes of these checks."""
    routes = Routes("", tag="Root")
    routes.plain("GET", health_check_path)(health_check)
    routes.plain("GET", version_check_path)(server_version)
    return without_version_check(routes)


def without_version_check(routes: Routes) -> list[Route]:
    """The routes of a table, which do not look at the version that a client names."""
    for route in routes.routes:
        route.checks_version = False
    return routes.routes
