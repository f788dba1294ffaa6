"""Serves the dashboard: index.html for client routes, the files beside it, and Prefect's `/ui-settings`.

The files and their placeholders are `ui_files.py`'s.  Every answer carries the content security policy; nothing in the
page may come from, or go to, another origin than this one and the API's.
"""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from flowctl.server import ui_files

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

    from flowctl.server.ui_files import Asset
    from flowctl.settings import Settings

INDEX: Final = "index.html"

_NEVER_A_PAGE: Final = ("api", "ui-settings", "docs", "redoc", "app", "vendor")
"""First parts of paths that are not client routes: a missing file there is a 404, never a page."""

_CODE_SUFFIXES: Final = frozenset({".js", ".mjs", ".css", ".map"})


def create_ui_app(settings: Settings) -> ASGIApp:
    """Make the ASGI application that serves the dashboard below `ui_serve_base`.

    With the UI disabled it answers `/ui-settings` and nothing else.  The base path may be present in the request or
    already cut off by a reverse proxy; both find the same files.
    """
    base = ui_files.normalize_base(settings.ui_serve_base)
    placeholders = ui_files.Placeholders(base=base, api_url=settings.ui_api_url or _own_api(settings, base))
    assets = ui_files.assets_for(settings.ui_static_directory, placeholders) if settings.ui_enabled else {}
    return _UiApp(settings, base, assets, _security_headers(placeholders.api_url))


class _UiApp:
    def __init__(self, settings: Settings, base: str, assets: dict[str, Asset], headers: dict[str, str]) -> None:
        self._settings = settings
        self._base = base
        self._assets = assets
        self._headers = headers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            # Prefect refuses an unknown websocket path with HTTP 403, which is what closing before accepting means.
            await send({"type": "websocket.close", "code": 1000, "reason": ""})
            return
        if scope["type"] != "http":
            return
        response = self._respond(Request(scope))
        response.headers.update(self._headers)
        await response(scope, receive, send)

    def _respond(self, request: Request) -> Response:
        if request.method not in ("GET", "HEAD"):
            return JSONResponse({"detail": "Method Not Allowed"}, 405, headers={"Allow": "GET, HEAD"})
        path = self._relative_path(request.scope)
        if path == "ui-settings":
            return JSONResponse(self._ui_settings(request), headers={"Cache-Control": "no-cache"})
        asset = self._assets.get(path or INDEX)
        if asset is None and _is_navigation(path, request.headers):
            asset = self._assets.get(INDEX)
        if asset is None:
            return JSONResponse({"detail": "Not Found"}, 404)
        return _asset_response(asset, request.headers)

    def _relative_path(self, scope: Scope) -> str:
        path: str = scope["path"]
        path = path.removeprefix(scope.get("root_path", ""))
        if path == self._base or path.startswith(f"{self._base}/"):
            path = path[len(self._base) :]
        return path.strip("/")

    def _ui_settings(self, request: Request) -> dict[str, object]:
        """Answer in Prefect's shape, so that Prefect's own packaged UI can be pointed at flowctl."""
        own_url = f"{request.url.scheme}://{request.url.netloc}{_own_api(self._settings, self._base)}"
        enabled = bool(self._assets)
        return {
            "api_url": self._settings.ui_api_url or own_url,
            "csrf_enabled": self._settings.csrf_enabled,
            "auth": "BASIC" if self._settings.api_auth_string else None,
            "flags": [],
            "default_ui": "v2",
            "available_uis": ["v2"] if enabled else [],
            "v1_base_url": None,
            "v2_base_url": (self._base or "/") if enabled else None,
        }


def _own_api(settings: Settings, base: str) -> str:
    """Give the path of this server's API: below the dashboard's base path, unless it was put elsewhere."""
    configured = ui_files.normalize_base(settings.api_base_path)
    return f"{base}/api" if configured in ("", "/api") else configured


def _asset_response(asset: Asset, request_headers: Headers) -> Response:
    accepted = request_headers.get("accept-encoding", "").lower()
    compressed = asset.gzipped if "gzip" in accepted and "gzip;q=0" not in accepted.replace(" ", "") else None
    etag = f'{asset.etag[:-1]}-gz"' if compressed is not None else asset.etag
    headers = {"Cache-Control": "no-cache", "ETag": etag, "Vary": "Accept-Encoding"}
    if _matches(request_headers.get("if-none-match"), etag):
        return Response(status_code=304, headers=headers)
    if compressed is not None:
        headers["Content-Encoding"] = "gzip"
    return Response(asset.body if compressed is None else compressed, media_type=asset.media_type, headers=headers)


def _matches(if_none_match: str | None, etag: str) -> bool:
    """Compare weakly, as RFC 9110 13.1.2 asks: proxies that recompress put W/ in front."""
    if not if_none_match:
        return False
    candidates = (candidate.strip().removeprefix("W/") for candidate in if_none_match.split(","))
    return any(candidate in ("*", etag) for candidate in candidates)


def _is_navigation(path: str, headers: Headers) -> bool:
    if path.split("/", 1)[0] in _NEVER_A_PAGE or PurePosixPath(path).suffix in _CODE_SUFFIXES:
        return False
    # Only who names it: a client that takes anything is often one of the API, at the wrong address.
    return "text/html" in headers.get("accept", "")


def _security_headers(api_url: str) -> dict[str, str]:
    parts = urlsplit(api_url)
    connect = "'self'"
    if parts.scheme in ("http", "https") and parts.netloc:
        websocket_scheme = "wss" if parts.scheme == "https" else "ws"
        connect += f" {parts.scheme}://{parts.netloc} {websocket_scheme}://{parts.netloc}"
    policy = (
        "default-src 'self'; img-src 'self' data: https:; "
        f"connect-src {connect}; style-src 'self'; script-src 'self'; "
        "object-src 'none'; base-uri 'none'; frame-ancestors 'none'; form-action 'self'"
    )
    return {
        "Content-Security-Policy": policy,
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
    }
