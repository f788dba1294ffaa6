"""Asks the API, again and again, which runs of some deployments are due, and hands on as many as there is room for."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from urllib.parse import quote
from uuid import UUID

from flowctl.domain.errors import FlowctlError
from flowctl.runner.client import Api, Unreachable

if TYPE_CHECKING:
    from flowctl.domain.values import JSONObject

logger = logging.getLogger("flowctl.runner")

LONGEST_PAUSE_SECONDS = 30.0
_PAGE = 200

Deployments = Callable[[], Awaitable[dict[UUID, "JSONObject"]]]
"""Gives the deployments to poll for, by id."""
Submit = Callable[["JSONObject", "JSONObject"], bool]
"""Takes a run and its deployment; False when there is no room."""


async def served(api: Api, ids: list[UUID]) -> dict[UUID, JSONObject]:
    """The deployments with these ids, without those that were deleted.  Raises Unreachable."""
    return await _find(api, {"deployments": {"id": {"any_": ids}}})


async def without_work_pool(api: Api) -> dict[UUID, JSONObject]:
    """All deployments that wait for a runner, for no worker will take their runs.  Raises Unreachable."""
    found = await _find(api, {})
    return {id_: deployment for id_, deployment in found.items() if not deployment.get("work_pool_name")}


async def named(api: Api, names: list[str]) -> list[UUID]:
    """The ids of the deployments that are called so: `FLOW/DEPLOYMENT` or an id.  Raises NotFound, Unreachable."""
    ids: list[UUID] = []
    for name in names:
        try:
            ids.append(UUID(name))
        except ValueError:
            ids.append(UUID((await api.call("GET", f"/deployments/name/{quote(name)}"))["id"]))
    return ids


class Poller:
    """The loop, and when it last got an answer."""

    def __init__(
        self,
        api: Api,
        *,
        deployments: Deployments,
        submit: Submit,
        every_seconds: float,
        prefetch_seconds: float,
    ) -> None:
        self.last_polled = datetime.now(UTC)
        self.deployments: dict[UUID, JSONObject] = {}
        """As they were at the last poll."""
        self._api = api
        self._find_deployments = deployments
        self._submit = submit
        self._every_seconds = every_seconds
        self._prefetch = timedelta(seconds=prefetch_seconds)
        self._wake = asyncio.Event()
        self._is_away = False
        self._is_full = False

    def wake(self) -> None:
        """Poll soon: there is room again."""
        if self._is_full:
            self._wake.set()

    async def run(self) -> None:
        """Poll until cancelled; a server that is away is asked less and less often, up to every 30 s."""
        pause = min(1.0, self._every_seconds)
        while True:
            try:
                await self.poll()
            except FlowctlError as error:
                self._tell_away(error)
                pause = min(pause * 2, LONGEST_PAUSE_SECONDS)
                await asyncio.sleep(pause * random.uniform(0.7, 1.0))
                continue
            if self._is_away:
                self._is_away = False
                logger.warning("The server at %s is back", self._api.url)
            pause = min(1.0, self._every_seconds)
            try:
                await asyncio.wait_for(self._wake.wait(), self._every_seconds * random.uniform(0.9, 1.1))
            except TimeoutError:
                continue

    async def look(self) -> None:
        """Find the deployments, and ask for no runs.  Raises FlowctlError."""
        self.deployments = await self._find_deployments()

    async def poll(self) -> int:
        """Ask once; how many runs were handed on.  Raises FlowctlError."""
        self._wake.clear()
        await self.look()
        runs = await self._due()
        self.last_polled = datetime.now(UTC)
        runs.sort(key=lambda run: run.get("next_scheduled_start_time") or "")
        for count, run in enumerate(runs):
            deployment = self.deployments.get(UUID(run["deployment_id"]), {})
            self._is_full = not self._submit(run, deployment)
            if self._is_full:
                return count
        self._is_full = False
        return len(runs)

    async def _due(self) -> list[JSONObject]:
        if not self.deployments:
            return []
        before = datetime.now(UTC) + self._prefetch
        body = {"deployment_ids": list(self.deployments), "scheduled_before": before}
        return await self._api.call("POST", "/deployments/get_scheduled_flow_runs", body)

    def _tell_away(self, error: FlowctlError) -> None:
        if not self._is_away:
            self._is_away = True
            what = "runs go on meanwhile" if isinstance(error, Unreachable) else "trying again"
            logger.warning("Polling failed, %s: %s", what, error)


async def _find(api: Api, criteria: JSONObject) -> dict[UUID, JSONObject]:
    found: dict[UUID, JSONObject] = {}
    while True:
        page = await api.call("POST", "/deployments/filter", {**criteria, "limit": _PAGE, "offset": len(found)})
        found |= {UUID(deployment["id"]): deployment for deployment in page}
        if len(page) < _PAGE:
            return found
