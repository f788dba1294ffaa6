"""The door to the API on the database file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from flowctl import API_VERSION
from flowctl.cli.api.door import Answer, Door
from flowctl.server.in_process import InProcess

if TYPE_CHECKING:
    from flowctl.db.database import Database
    from flowctl.settings import Settings


class FileDoor(Door):
    """Serves requests here, also while a server works on the file."""

    def __init__(self, database: Database, settings: Settings, *, read_only: bool = False) -> None:
        self.where = str(database.path)
        self._api = InProcess(database, settings, read_only=read_only)

    def request(
        self, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        path, _, query = path.partition("?")
        own = {"content-type": "application/json", "x-prefect-api-version": API_VERSION}
        response = self._api.request(method, path, body, query=query, headers={**own, **(headers or {})})
        return Answer(response.status, response.headers, response.body)
