"""Door: one way to the API, by requests; what commands use that need no shape or speed of their own.

`FileDoor` serves a request in this process, on the database file; `ServerDoor` sends it to a server, flowctl's or
Prefect's.  A command that speaks to `session.api` thus works the same with both.
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, cast
from urllib.parse import urlencode

from flowctl.domain.errors import (
    Busy,
    Conflict,
    FlowctlError,
    Forbidden,
    Invalid,
    NotFound,
    Refused,
    Unauthorized,
    Unsupported,
    Unusable,
)

PAGE = 200
"""Objects that one request may ask for, at most."""

_ERRORS: Mapping[int, type[FlowctlError]] = {
    400: Refused,
    401: Unauthorized,
    403: Forbidden,
    404: NotFound,
    409: Conflict,
    422: Invalid,
    500: Unusable,
    501: Unsupported,
}


@dataclass(slots=True)
class Answer:
    """An answer as it came."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    """Names in lower case."""
    body: bytes = b""

    @property
    def is_json(self) -> bool:
        """Whether the body says that it is JSON."""
        return self.headers.get("content-type", "").startswith("application/json")

    def parsed(self) -> Any:
        """The body's JSON; None for an empty one."""
        return json.loads(self.body) if self.body else None


class Door(ABC):
    """Sends requests to one API."""

    where: str
    """The file or address, for messages."""

    is_prefect = False
    """Whether this is Prefect's own server, which has nothing below `/flowctl/`."""

    @abstractmethod
    def request(
        self, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        """The answer to a request, whatever its status.

        path  below the API's root, with its query: `/flow_runs/filter`
        """

    def close(self) -> None:  # noqa: B027 - most have nothing to close
        """Close what is open."""

    def call(self, method: str, path: str, body: object = None, *, query: Mapping[str, object] | None = None) -> Any:
        """The parsed answer; None for an empty one.

        body   sent as JSON
        query  behind the question mark; None is left out, a list is repeated
        Raises the error that stands for the answer's status: NotFound, Conflict, Refused, Invalid …
        """
        if query:
            given = {name: _text(value) for name, value in query.items() if value is not None}
            path += "?" + urlencode(given, doseq=True)
        content = None if body is None else json.dumps(body, separators=(",", ":")).encode()
        answer = self.request(method, path, content)
        if answer.status < 300:
            return answer.parsed()
        raise error_of(answer, self.where)

    def get(self, path: str, **query: object) -> Any:
        """The parsed answer to GET."""
        return self.call("GET", path, query=query)

    def post(self, path: str, body: object = None, **query: object) -> Any:
        """The parsed answer to POST."""
        return self.call("POST", path, {} if body is None else body, query=query)

    def pages(self, path: str, body: Mapping[str, object], *, limit: int | None = None) -> Iterator[list[Any]]:
        """What a `…/filter` finds, a page at a time.

        limit  how many at most; None: all
        """
        offset = 0
        while limit is None or offset < limit:
            size = PAGE if limit is None else min(PAGE, limit - offset)
            page = self.post(path, {**body, "limit": size, "offset": offset})
            if page:
                yield page
            if len(page) < size:
                return
            offset += size

    def all(self, path: str, body: Mapping[str, object], *, limit: int | None = None) -> list[Any]:
        """All that a `…/filter` finds; `limit` as for `pages`."""
        return [item for page in self.pages(path, body, limit=limit) for item in page]


def error_of(answer: Answer, where: str) -> FlowctlError:
    """The error that stands for an answer which is none of 2xx."""
    body: object = None
    if answer.is_json:
        try:
            body = answer.parsed()
        except ValueError:
            body = None
    if isinstance(body, dict):
        fields = cast("dict[str, Any]", body)
        if answer.status == HTTPStatus.UNPROCESSABLE_ENTITY and isinstance(fields.get("exception_detail"), list):
            entries = cast("list[dict[str, Any]]", fields["exception_detail"])
            return Invalid("; ".join(map(_sentence, entries)), entries=entries)
        message = str(fields.get("detail") or fields.get("exception_message") or fields)
    else:
        message = f"{where} answered {answer.status}: {answer.body.decode(errors='replace')[:200].strip()}"
    if answer.status == HTTPStatus.UNAUTHORIZED:
        return Unauthorized(
            f"{where} asks for credentials.", remedy="PREFECT_API_AUTH_STRING=user:password, or PREFECT_API_KEY"
        )
    if answer.status in (HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.TOO_MANY_REQUESTS):
        return Busy(f"{where} is busy: {message}", remedy="try again")
    return _ERRORS.get(answer.status, Refused)(message)


def _sentence(entry: dict[str, Any]) -> str:
    place = ".".join(str(part) for part in entry.get("loc", ()) if part != "body")
    return f"{place}: {entry.get('msg')}" if place else str(entry.get("msg"))


def _text(value: object) -> object:
    if isinstance(value, bool):
        return "true" if value else "false"
    return [_text(item) for item in cast("list[object]", value)] if isinstance(value, list) else value
