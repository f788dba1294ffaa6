"""The door to a server, flowctl's or Prefect's, over one HTTP connection."""

from __future__ import annotations

import base64
import gzip
import http.client
import time
from collections.abc import Mapping
from functools import cached_property
from http import HTTPStatus
from typing import TYPE_CHECKING
from urllib.parse import urlsplit
from uuid import uuid4

from flowctl import API_VERSION, __version__
from flowctl.cli.api.door import Answer, Door
from flowctl.domain.errors import FlowctlError, Forbidden, Invalid

if TYPE_CHECKING:
    from flowctl.settings import Settings

_TIMEOUT_SECONDS = 60
_PATIENCE_SECONDS = 10.0
"""How long a server may be busy (503, 429)."""
_READING = frozenset(
    {
        "count",
        "concurrency_status",
        "count-deployments",
        "count-task-runs",
        "extent",
        "filter",
        "history",
        "lateness",
        "next-runs",
        "paginate",
        "reasons",
        "search",
        "validate",
    }
)
"""Last parts of the paths whose POST is a question."""
_READING_BELOW = frozenset(
    {"/events/count-by", "/flowctl/logs", "/flowctl/related", "/flowctl/statistics", "/ui/task_runs/dashboard"}
)
"""What stands before the last part of others."""
_TOKEN = "Prefect-Csrf-Token"


class Unreachable(FlowctlError):
    """No server answers at the address."""

    code = "unreachable"


class ServerDoor(Door):
    """Sends requests to a server."""

    def __init__(self, url: str, settings: Settings, *, read_only: bool = False) -> None:
        self.where = url.rstrip("/")
        self._read_only = read_only
        parts = urlsplit(self.where)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise Invalid(
                f"{url} is not the address of an API.", remedy="write it like --api http://127.0.0.1:4200/api"
            )
        self._root = parts.path
        kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        self._connection = kind(parts.hostname, parts.port, timeout=_TIMEOUT_SECONDS)
        self._headers = {
            "Content-Type": "application/json",
            "Accept-Encoding": "gzip",
            "User-Agent": f"flowctl/{__version__}",
            "X-PREFECT-API-VERSION": API_VERSION,
        }
        if settings.api_key:
            self._headers["Authorization"] = f"Bearer {settings.api_key}"
        elif settings.client_auth_string:
            token = base64.b64encode(settings.client_auth_string.encode()).decode()
            self._headers["Authorization"] = f"Basic {token}"

    @cached_property
    def is_prefect(self) -> bool:  # pyright: ignore[reportIncompatibleVariableOverride] - asked once
        """Whether this is Prefect's own server."""
        return self.request("GET", "/flowctl/about").status != HTTPStatus.OK

    def request(
        self, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        """The answer; a busy server is asked again.

        Raises Unreachable, and Forbidden for a change when this door is for reading only.
        """
        if self._read_only and not is_reading(method, path):
            raise Forbidden("This would change something on the server.", remedy="leave out --read-only")
        end = time.monotonic() + _PATIENCE_SECONDS
        while True:
            answer = self._send(method, path, body, self._with_own(headers or {}))
            if answer.status == HTTPStatus.FORBIDDEN and b"CSRF" in answer.body and _TOKEN not in self._headers:
                given = self._fetch_csrf_token()
                if given.status != HTTPStatus.OK:
                    return given
                continue
            if answer.status in (404, 405) and not self._root:
                self._check_root()
            wait = _retry_after(answer)
            if answer.status not in (429, 503) or time.monotonic() + wait > end:
                return answer
            time.sleep(wait)

    def _with_own(self, headers: Mapping[str, str]) -> dict[str, str]:
        """These headers, and those of every request that they do not replace."""
        given = {name.lower() for name in headers}
        return {**{name: text for name, text in self._headers.items() if name.lower() not in given}, **headers}

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def _send(self, method: str, path: str, body: bytes | None, headers: dict[str, str]) -> Answer:
        is_first = self._connection.sock is None
        try:
            try:
                self._connection.request(method, self._root + path, body, headers)
                response = self._connection.getresponse()
            except (http.client.RemoteDisconnected, ConnectionResetError, BrokenPipeError):
                if is_first:
                    raise
                self._connection.close()  # the server closed a connection that was idle: nothing was served
                self._connection.request(method, self._root + path, body, headers)
                response = self._connection.getresponse()
            content = response.read()
        except (OSError, http.client.HTTPException) as error:
            self._connection.close()
            raise Unreachable(
                f"No server answers at {self.where}: {error or type(error).__name__}.",
                remedy="flowctl serve, or another address with --api",
            ) from error
        found = {name.lower(): text for name, text in response.getheaders()}
        if found.get("content-encoding") == "gzip":
            content = gzip.decompress(content)
        return Answer(response.status, found, content)

    def _check_root(self) -> None:
        """Raise Unreachable if the API is not here but below /api."""
        if self._send("GET", "/api/health", None, self._headers).status == HTTPStatus.OK:
            raise Unreachable(f"The API is not at {self.where}, but below it.", remedy=f"--api {self.where}/api")

    def _fetch_csrf_token(self) -> Answer:
        """Get a token against forged requests, which all that follow carry."""
        client = str(uuid4())
        answer = self._send("GET", f"/csrf-token?client={client}", None, self._headers)
        if answer.status == HTTPStatus.OK:
            self._headers[_TOKEN] = answer.parsed()["token"]
            self._headers["Prefect-Csrf-Client"] = client
        return answer


def is_reading(method: str, path: str) -> bool:
    """Whether a request changes nothing; Prefect's lists are asked for by POST."""
    before, _, last = path.partition("?")[0].rpartition("/")
    is_question = last in _READING or before in _READING_BELOW
    return method == "GET" or (method == "POST" and is_question)


def _retry_after(answer: Answer) -> float:
    try:
        return min(float(answer.headers.get("retry-after", "1")), 5.0)
    except ValueError:
        return 1.0
