"""Hears which runs are to be cancelled: from the stream of events, and by asking where there is none."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Collection
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

import orjson
from websockets.asyncio.client import connect
from websockets.exceptions import WebSocketException

from flowctl.domain.errors import FlowctlError
from flowctl.runner.client import Api

if TYPE_CHECKING:
    from flowctl.domain.values import JSONObject

logger = logging.getLogger("flowctl.runner")

CANCELLING = "prefect.flow-run.Cancelling"
RESOURCE_PREFIX = "prefect.flow-run."
LOOK_BACK = timedelta(minutes=1)
LONGEST_PAUSE_SECONDS = 30.0


class Cancellations:
    """Calls `cancel` with the id of each run among `watched()` that is to be cancelled; at times twice."""

    def __init__(
        self, api: Api, *, watched: Callable[[], Collection[UUID]], cancel: Callable[[UUID], None], every_seconds: float
    ) -> None:
        self._api = api
        self._watched = watched
        self._cancel = cancel
        self._every_seconds = every_seconds
        self._is_listening = False

    async def run(self) -> None:
        """Listen and ask, until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._listen_again_and_again())
            tasks.create_task(self._ask_again_and_again())

    async def ask(self) -> None:
        """Ask once which of the watched runs are Cancelling.  Raises FlowctlError."""
        watched = [str(run_id) for run_id in self._watched()]
        if not watched:
            return
        criteria = {"id": {"any_": watched}, "state": {"type": {"any_": ["CANCELLING"]}}}
        for run in await self._api.call("POST", "/flow_runs/filter", {"flow_runs": criteria}):
            self._cancel(UUID(run["id"]))

    async def _ask_again_and_again(self) -> None:
        while True:
            await asyncio.sleep(self._every_seconds)
            if not self._is_listening:
                with contextlib.suppress(FlowctlError):  # the poller says that the server is away
                    await self.ask()

    async def _listen_again_and_again(self) -> None:
        pause = 0.5
        while True:
            try:
                await self._listen()
            except (OSError, WebSocketException, ValueError, KeyError, FlowctlError) as error:
                logger.debug("No events from %s: %r", self._api.url, error)
            pause = 0.5 if self._is_listening else min(pause * 2, LONGEST_PAUSE_SECONDS)
            self._is_listening = False
            await asyncio.sleep(pause)

    async def _listen(self) -> None:
        url = "ws" + self._api.url.removeprefix("http") + "/events/out"
        async with connect(url, subprotocols=["prefect"], open_timeout=10) as socket:  # pyright: ignore[reportArgumentType] - a name for a text
            await socket.send(orjson.dumps({"type": "auth", "token": self._token}).decode())
            if orjson.loads(await socket.recv())["type"] != "auth_success":
                raise ValueError("the credentials were refused")
            await socket.send(orjson.dumps({"type": "filter", "filter": _criteria()}).decode())
            self._is_listening = True
            await self.ask()  # what happened while nobody listened
            async for frame in socket:
                self._hear(orjson.loads(frame))

    def _hear(self, message: JSONObject) -> None:
        event: dict[str, Any] = message.get("event") or {}
        resource = str(event.get("resource", {}).get("prefect.resource.id", ""))
        if event.get("event") == CANCELLING and resource.startswith(RESOURCE_PREFIX):
            run_id = UUID(resource.removeprefix(RESOURCE_PREFIX))
            if run_id in self._watched():
                self._cancel(run_id)

    @property
    def _token(self) -> str | None:
        return self._api.auth_string or self._api.key


def _criteria() -> JSONObject:
    now = datetime.now(UTC)
    return {
        "event": {"name": [CANCELLING]},
        "occurred": {"since": now - LOOK_BACK, "until": now + timedelta(days=365)},
    }
