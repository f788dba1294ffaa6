"""What a handler may know of its request: `Call`; and of the server it runs in: `Context`."""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Final, Protocol
from urllib.parse import parse_qsl
from uuid import UUID

from flowctl.domain.errors import Refused
from flowctl.domain.orchestration import Client
from flowctl.domain.values import Actor
from flowctl.server.answers import header
from flowctl.server.gateway import Gateway
from flowctl.server.tally import Tally
from flowctl.settings import Settings

if TYPE_CHECKING:
    from starlette.types import Scope

    from flowctl.server.background import Services
    from flowctl.server.runner_processes import RunnerProcesses

MINIMUM_API_VERSION: Final = (0, 8, 0)

_USER_AGENT = re.compile(r"prefect/(\d+\.\d+\.\d+(?:[a-z.+0-9]+)?) \(API \S+\)")


class Part(Protocol):
    """Something that lives as long as the application."""

    async def start(self) -> None: ...
    async def stop(self) -> None: ...


@dataclass(slots=True)
class Context:
    """The long-lived parts of one application."""

    settings: Settings
    gateway: Gateway
    services: Services | None = None
    """While they run."""
    runner_processes: RunnerProcesses | None = None
    """Who executes runs, once the API is loaded and if the reaper may want to know."""
    parts: list[Part] = field(default_factory=list["Part"])
    """What starts and stops with the application beside these."""
    tally: Tally = field(default_factory=Tally)
    """What `/metrics` tells of requests."""
    is_entered: bool = False
    """Whether a lifespan has ever begun."""
    _running_parts: int = 0

    async def start_parts(self) -> None:
        """Start the parts that do not run yet."""
        while self._running_parts < len(self.parts):
            self._running_parts += 1
            await self.parts[self._running_parts - 1].start()

    async def stop_parts(self) -> None:
        """Stop the parts that run, the last one first."""
        while self._running_parts:
            self._running_parts -= 1
            await self.parts[self._running_parts].stop()


class Call:
    """One request, beyond its path, query and body."""

    __slots__ = ("context", "scope")

    def __init__(self, scope: Scope, context: Context) -> None:
        self.scope = scope
        self.context = context

    def header(self, name: str) -> str | None:
        """The first header of this name, in any case."""
        return header(self.scope, name.lower().encode("latin-1"))

    @property
    def query(self) -> list[tuple[str, str]]:
        """The query's pairs in order."""
        return parse_qsl(self.scope["query_string"].decode("latin-1"), keep_blank_values=True)

    @property
    def base_url(self) -> str:
        """Where the client finds the API, as it addressed it: `http://127.0.0.1:4200/api`."""
        return origin(self.scope) + self.scope.get("root_path", "")

    @property
    def api_version(self) -> tuple[int, int, int] | None:
        """X-PREFECT-API-VERSION; None counts as the newest.  Raises Refused if it is malformed or too old."""
        text = header(self.scope, b"x-prefect-api-version")
        return parse_api_version(text) if text else None

    @property
    def client(self) -> Client:
        """Who asks, as far as orchestration cares."""
        return _client(header(self.scope, b"x-prefect-api-version") or "", header(self.scope, b"user-agent") or "")

    @property
    def created_by(self) -> Actor | None:
        """The automation on whose behalf an object is created; its name comes in base64."""
        name = self.header("prefect-automation-name")
        try:
            display = base64.b64decode(name or "", validate=True).decode()
        except (binascii.Error, UnicodeDecodeError):
            return None
        return self._automation(display)

    @property
    def updated_by(self) -> Actor | None:
        """The automation on whose behalf an object is changed; its name comes as it is."""
        return self._automation(self.header("prefect-automation-name"))

    def _automation(self, name: str | None) -> Actor | None:
        text = self.header("prefect-automation-id")
        if not text or not name:
            return None
        try:
            return Actor(id=UUID(text), type="AUTOMATION", display_value=name)
        except ValueError:
            raise Refused(f"prefect-automation-id is not a UUID: {text}") from None


def origin(scope: Scope) -> str:
    """`http://host:port` as the client addressed it."""
    scheme = scope.get("scheme", "http")
    host = header(scope, b"host")
    if not host:
        server = scope.get("server") or ("127.0.0.1", None)
        host = server[0] if server[1] is None else f"{server[0]}:{server[1]}"
    return f"{scheme}://{host}"


@lru_cache(maxsize=64)
def parse_api_version(text: str) -> tuple[int, int, int]:
    """The numbers of `x.y.z`.  Raises Refused, with Prefect's sentences, if malformed or below the minimum."""
    try:
        major, minor, patch = (int(part) for part in text.split("."))
    except ValueError:
        raise Refused(
            f"Invalid X-PREFECT-API-VERSION header format.Expected header in format 'x.y.z' but received {text}"
        ) from None
    if (major, minor, patch) < MINIMUM_API_VERSION:
        minimum = ".".join(map(str, MINIMUM_API_VERSION))
        raise Refused(f"The request specified API version {text} but this server requires version {minimum} or higher.")
    return major, minor, patch


@lru_cache(maxsize=64)
def _client(api_version: str, user_agent: str) -> Client:
    match = _USER_AGENT.fullmatch(user_agent)
    return Client(
        api_version=parse_api_version(api_version) if api_version else None,
        prefect_version=match[1] if match else None,
    )
