"""The API without a server: each request is one call in this process, on the database file.

The same routes, checks and answers as over HTTP, also while a server works on the file; a read is a snapshot, a write
is committed when its answer is here.  No service runs behind it, and each request has an event loop of its own.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import unquote

from flowctl.db.database import Database, Tx
from flowctl.domain.errors import Forbidden
from flowctl.ops.steps import Pace, Steps
from flowctl.server.call import Context
from flowctl.server.checks import check_routes
from flowctl.server.dispatch import Dispatcher
from flowctl.server.gateway import Gateway, next_step
from flowctl.server.operation import Operation
from flowctl.server.routes import not_built, part_of, tables_for
from flowctl.settings import Settings

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

T = TypeVar("T")


@dataclass(slots=True)
class Response:
    """Status, headers (names in lower case) and body of an answer."""

    status: int = HTTPStatus.INTERNAL_SERVER_ERROR
    headers: dict[str, str] = field(default_factory=dict[str, str])
    body: bytes = b""


class InProcess:
    """One API on one database file; not for more than one thread."""

    def __init__(self, database: Database, settings: Settings, *, read_only: bool = False) -> None:
        self._context = Context(settings, _Direct(database, settings, read_only=read_only))
        self._parts: dict[str, Dispatcher] = {}

    def request(
        self, method: str, path: str, body: bytes | None = None, *, query: str = "", headers: Mapping[str, str]
    ) -> Response:
        """The answer to a request.

        path   below `/api`, percent-encoded: `/flow_runs/filter`
        query  what stands behind the question mark
        """
        response = Response()

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": body or b"", "more_body": False}

        async def send(message: Any) -> None:
            if message["type"] == "http.response.start":
                response.status = message["status"]
                response.headers = {name.decode("latin-1"): text.decode("latin-1") for name, text in message["headers"]}
            else:
                response.body += message.get("body", b"")

        scope: dict[str, Any] = {
            "type": "http",
            "method": method,
            "path": unquote(path),
            "query_string": query.encode("latin-1"),
            "headers": [(name.lower().encode("latin-1"), text.encode("latin-1")) for name, text in headers.items()],
            "server": ("flowctl", None),
        }
        asyncio.run(self._answer(scope, receive, send))
        return response

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._serving(scope["path"])(scope, receive, send)

    def _serving(self, path: str) -> Dispatcher:
        """What serves this part of the API."""
        part = part_of(path)
        if part not in self._parts:
            own = [route for table in tables_for(path) for route in table.routes]
            built = [*own, *(route for route in check_routes() if part_of(route.path) == part)]
            missing = [route for route in not_built.missing_routes(built) if part_of(route.path) == part]
            served = not_built.in_declared_order([*built, *missing])
            self._parts[part] = Dispatcher((route, Operation(route, self._context)) for route in served)
        return self._parts[part]


class _Direct(Gateway):
    """A gateway that does everything at once, here."""

    def __init__(self, database: Database, settings: Settings, *, read_only: bool) -> None:
        super().__init__(settings, read_only=read_only)
        self._database = database

    @property
    def is_running(self) -> bool:
        """Always: the database opens itself."""
        return True

    async def read(self, work: Callable[[Tx], T], *, quick: bool = False) -> T:
        with self._database.read() as tx:
            return work(tx)

    async def write(self, work: Callable[[Tx], T]) -> T:
        if self.read_only:
            raise Forbidden("The database is opened for reading only.", remedy="leave out --read-only")
        with self._database.write() as tx:
            return work(tx)

    async def finish(self, steps: Steps[T] | None, result: T | None) -> T:
        pace = Pace()
        while steps is not None:
            pace.rest()
            with self._database.write() as tx:
                steps, result = next_step(steps, tx)
        return result  # pyright: ignore[reportReturnType] - the last step's
