"""Dispatcher: method and path -> endpoint.  A dict for plain paths, a short list per first part for `{id}` templates.

It answers as Starlette's router does with the routes in Prefect's order: 404, 405 with the method of the first route of
that path, 307 to the same path with or without its trailing slash.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote
from uuid import UUID

from flowctl.server.answers import Answer
from flowctl.server.call import origin
from flowctl.server.endpoint import PARAMETER, Route

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

UUID_PATTERN = "[0-9a-fA-F]{8}-?[0-9a-fA-F]{4}-?[0-9a-fA-F]{4}-?[0-9a-fA-F]{4}-?[0-9a-fA-F]{12}"


@dataclass(frozen=True, slots=True)
class _Template:
    """A path with parts to fill in, and the endpoints of its methods in declared order."""

    pattern: re.Pattern[str]
    endpoints: dict[str, ASGIApp]


Match = tuple[dict[str, Any], "dict[str, ASGIApp]"]


class Dispatcher:
    """An ASGI application for HTTP requests below `root_path`."""

    def __init__(self, endpoints: Iterable[tuple[Route, ASGIApp]]) -> None:
        self._static: dict[str, dict[str, ASGIApp]] = {}
        self._templates: dict[str, list[_Template]] = {}
        templates: dict[str, _Template] = {}
        for route, endpoint in endpoints:
            if "{" not in route.path:
                self._static.setdefault(route.path, {}).setdefault(route.method, endpoint)
                continue
            pattern = path_pattern(route)
            if pattern.pattern not in templates:
                templates[pattern.pattern] = _Template(pattern, {})
                self._templates.setdefault(_first_part(route.path), []).append(templates[pattern.pattern])
            templates[pattern.pattern].endpoints.setdefault(route.method, endpoint)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = route_path(scope)
        method = scope["method"]
        allowed: dict[str, ASGIApp] | None = None
        static = self._static.get(path)
        if static is not None:
            endpoint = static.get(method)
            if endpoint is not None:
                scope["path_params"] = {}
                await endpoint(scope, receive, send)
                return
            allowed = static
        for parts, endpoints in self._matches(path):
            endpoint = endpoints.get(method)
            if endpoint is not None:
                scope["path_params"] = parts
                await endpoint(scope, receive, send)
                return
            allowed = allowed or endpoints
        await self._refusal(scope, path, allowed).send(scope, send)

    def _matches(self, path: str) -> Sequence[Match]:
        candidates = self._templates.get(_first_part(path), ())
        return [(found.groupdict(), each.endpoints) for each in candidates if (found := each.pattern.fullmatch(path))]

    def _refusal(self, scope: Scope, path: str, allowed: dict[str, ASGIApp] | None) -> Answer:
        if allowed is not None:
            # Prefect names the first route's method only; its clients may not rely on more.
            return Answer.json({"detail": "Method Not Allowed"}, 405, headers={"Allow": next(iter(allowed))})
        other = path.rstrip("/") if path.endswith("/") else path + "/"
        if path != "/" and (other in self._static or self._matches(other)):
            return Answer(status=307, headers={"Location": _moved(scope, other)})
        return Answer.json({"detail": "Not Found"}, 404)


def path_pattern(route: Route) -> re.Pattern[str]:
    """The regular expression of a path; a part that the handler takes as a UUID must look like one."""
    hints = {parameter.name: parameter.hint for parameter in route.signature.path}
    pieces = PARAMETER.split(route.path)
    text = "".join(
        f"(?P<{piece}>{UUID_PATTERN if hints.get(piece) is UUID else '[^/]+'})" if index % 2 else re.escape(piece)
        for index, piece in enumerate(pieces)
    )
    return re.compile(text)


def route_path(scope: Scope) -> str:
    """The path below `root_path`."""
    path: str = scope["path"]
    root: str = scope.get("root_path", "")
    return path[len(root) :] if root and path.startswith(root) else path


def _first_part(path: str) -> str:
    end = path.find("/", 1)
    return path[1:end] if end > 0 else path[1:]


def _moved(scope: Scope, path: str) -> str:
    query: bytes = scope.get("query_string", b"")
    url = origin(scope) + scope.get("root_path", "") + path + (f"?{query.decode('latin-1')}" if query else "")
    return quote(url, safe=":/%#?=@[]!$&'()*+,;")
