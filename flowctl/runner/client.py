"""The runner's side of the API: a small HTTP client that outlives restarts of the server.

It speaks to flowctl's server and to Prefect's alike: both kinds of credentials, the token against forged requests, and
patience where a server is away or busy.
"""

from __future__ import annotations

import asyncio
import base64
import random
import time
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, cast
from uuid import UUID, uuid4

import httpx

from flowctl import API_VERSION, wire
from flowctl.domain.errors import Conflict, FlowctlError, Invalid, NotFound, Refused, Unauthorized

if TYPE_CHECKING:
    from flowctl.domain.values import JSONObject, JSONValue
    from flowctl.settings import Settings

FOREVER = float("inf")
FIRST_PAUSE_SECONDS = 0.25
LONGEST_PAUSE_SECONDS = 10.0
_ERRORS: dict[int, type[FlowctlError]] = {
    HTTPStatus.UNAUTHORIZED: Unauthorized,
    HTTPStatus.FORBIDDEN: Unauthorized,
    HTTPStatus.NOT_FOUND: NotFound,
    HTTPStatus.CONFLICT: Conflict,
    HTTPStatus.UNPROCESSABLE_ENTITY: Invalid,
}
_PASSING = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS, 502, 503, 504})


class Unreachable(FlowctlError):
    """No server answers at the address, or it is too busy to."""

    code = "unreachable"

    def __init__(self, message: str, *, retry_after_seconds: float | None = None) -> None:
        super().__init__(message, remedy="flowctl serve, or another address with --api")
        self.retry_after_seconds = retry_after_seconds


@dataclass(frozen=True, slots=True)
class Answer:
    """What the server made of a proposed state.

    is_new  whether it became the run's state as proposed
    state   the run's state now, if the server told it
    reason  why it did not
    """

    is_new: bool
    state: JSONObject | None
    reason: str

    @property
    def state_type(self) -> str:
        """Type of the run's state now; empty if that is not known."""
        return str(self.state["type"]) if self.state else ""


class Api:
    """One API, for one event loop."""

    def __init__(self, url: str, *, key: str | None = None, auth_string: str | None = None) -> None:
        self.url = url.rstrip("/")
        self.key = key
        self.auth_string = auth_string
        headers = {"X-PREFECT-API-VERSION": API_VERSION, "User-Agent": "flowctl-runner", **self.credentials}
        self._http = httpx.AsyncClient(base_url=self.url, headers=headers, timeout=httpx.Timeout(30, connect=5))
        self._csrf_client = str(uuid4())

    @classmethod
    def of(cls, settings: Settings, url: str | None = None) -> Api:
        """The API that the settings name, or the one at `url` with their credentials."""
        found = url or settings.api_url or f"http://{settings.host}:{settings.port}{settings.api_base_path}"
        return cls(found, key=settings.api_key, auth_string=settings.client_auth_string)

    @property
    def environment(self) -> dict[str, str]:
        """The variables that make Prefect's client talk to the same API."""
        found = {"PREFECT_API_URL": self.url, "PREFECT_API_KEY": self.key, "PREFECT_API_AUTH_STRING": self.auth_string}
        return {name: value for name, value in found.items() if value}

    @property
    def credentials(self) -> dict[str, str]:
        """The header that says who asks."""
        if self.key:
            return {"Authorization": f"Bearer {self.key}"}
        if self.auth_string:
            return {"Authorization": f"Basic {base64.b64encode(self.auth_string.encode()).decode()}"}
        return {}

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def call(self, method: str, path: str, body: object = None, *, patience: float = 0) -> JSONValue:
        """Send a request; its parsed answer, None for an empty one.

        patience  seconds for which to try again while the server is away or busy
        Raises Unreachable when they are over, and the error that stands for the answer's status.
        """
        end = time.monotonic() + patience
        pause = FIRST_PAUSE_SECONDS
        while True:
            try:
                return await self._call(method, path, body)
            except Unreachable as error:
                wait = max(pause * random.uniform(0.7, 1.3), error.retry_after_seconds or 0)
                if time.monotonic() + wait > end:
                    raise
            await asyncio.sleep(wait)
            pause = min(pause * 2, LONGEST_PAUSE_SECONDS)

    async def set_state(
        self, run_id: UUID, state: JSONObject, *, force: bool = False, patience: float = FOREVER
    ) -> Answer:
        """Propose a state; waits as long as the server says, and is safe to repeat when an answer was lost.

        Raises NotFound when the run is gone.
        """
        transition_id = str(uuid4())
        details = {**state.get("state_details", {}), "transition_id": transition_id}
        body = {"state": {**state, "state_details": details}, "force": force}
        while True:
            result = await self.call("POST", f"/flow_runs/{run_id}/set_state", body, patience=patience)
            answer = _answer(result, transition_id)
            if result["status"] != "WAIT":
                return answer
            await asyncio.sleep(float(result["details"]["delay_seconds"]))

    async def _call(self, method: str, path: str, body: object) -> JSONValue:
        content = None if body is None else wire.dumps(body)
        headers = {} if content is None else {"Content-Type": "application/json"}
        try:
            response = await self._http.request(method, path, content=content, headers=headers)
            if response.status_code == HTTPStatus.FORBIDDEN and b"CSRF" in response.content:
                await self._fetch_csrf_token()
                response = await self._http.request(method, path, content=content, headers=headers)
        except httpx.TransportError as error:
            raise Unreachable(f"No server answers at {self.url} ({type(error).__name__}).") from error
        except httpx.InvalidURL as error:
            raise Invalid(f"{self.url} is no address of an API: {error}.") from error
        if response.is_success:
            return _parsed(response)
        raise self._error(response)

    async def _fetch_csrf_token(self) -> None:
        answer = await self._http.get("/csrf-token", params={"client": self._csrf_client})
        if answer.is_success:
            token = str(_parsed(answer)["token"])
            self._http.headers.update({"Prefect-Csrf-Token": token, "Prefect-Csrf-Client": self._csrf_client})

    def _error(self, response: httpx.Response) -> FlowctlError:
        status = response.status_code
        message = f"{self.url} answered {status}: {_detail(response)}"
        if status in _PASSING:
            return Unreachable(message, retry_after_seconds=_retry_after(response))
        return _ERRORS.get(status, Refused)(message)


def _answer(result: JSONObject, transition_id: str) -> Answer:
    state = cast("JSONObject | None", result.get("state"))
    kept: JSONObject = (state or {}).get("state_details") or {}
    was_made_before = kept.get("transition_id") == transition_id
    details: JSONObject = result.get("details") or {}
    reason = str(details.get("reason") or "")
    return Answer(result["status"] == "ACCEPT" or was_made_before, state, reason)


def _parsed(response: httpx.Response) -> Any:
    if not response.content:
        return None
    try:
        return wire.parse(response.content)
    except Invalid as error:
        raise Unreachable(f"{response.url} answered something else than JSON; is that an API?") from error


def _detail(response: httpx.Response) -> str:
    body = wire.parse_or_text(response.content)
    found: object = body
    if isinstance(body, dict):
        fields = cast("dict[str, object]", body)
        found = fields.get("detail") or fields.get("exception_message") or fields
    return str(found)[:500]


def _retry_after(response: httpx.Response) -> float | None:
    try:
        return min(float(response.headers["Retry-After"]), 60.0)
    except (KeyError, ValueError):
        return None
