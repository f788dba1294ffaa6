"""Polling: order, room, deployments, and a server that is away."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from flowctl.domain.values import JSONObject
from flowctl.runner import poller
from flowctl.runner.client import Api, Unreachable
from flowctl.runner.poller import Poller, named, without_work_pool

DEPLOYMENT = UUID("22222222-2222-4222-8222-222222222222")


class Server(Api):
    """An API with deployments, and runs that are due."""

    def __init__(self, deployments: list[JSONObject], due: list[str]) -> None:
        self.url = "http://test/api"
        self.deployments = deployments
        self.due = due
        self.bodies: list[Any] = []
        self.away = 0

    async def call(self, method: str, path: str, body: Any = None, *, patience: float = 0) -> Any:
        if self.away:
            self.away -= 1
            raise Unreachable("away")
        if path == "/deployments/filter":
            return self.deployments[body["offset"] : body["offset"] + body["limit"]]
        if path.startswith("/deployments/name/"):
            return {"id": str(DEPLOYMENT)}
        self.bodies.append(body)
        return [
            {"id": str(uuid4()), "name": time, "next_scheduled_start_time": time, "deployment_id": str(DEPLOYMENT)}
            for time in self.due
        ]


def make(server: Server, room: int) -> tuple[Poller, list[str]]:
    taken: list[str] = []

    def submit(run: JSONObject, deployment: JSONObject) -> bool:
        assert deployment["id"] == str(DEPLOYMENT)
        if len(taken) < room:
            taken.append(run["name"])
            return True
        return False

    async def deployments() -> dict[UUID, JSONObject]:
        return await without_work_pool(server)

    return Poller(server, deployments=deployments, submit=submit, every_seconds=0.01, prefetch_seconds=10), taken


OURS = {"id": str(DEPLOYMENT), "name": "ours"}
POOLED = {"id": str(uuid4()), "name": "pooled", "work_pool_name": "local"}


def test_the_earliest_runs_come_first_as_far_as_there_is_room() -> None:
    server = Server([OURS, POOLED], ["2026-03-01T12:00:03Z", "2026-03-01T12:00:01Z", "2026-03-01T12:00:02Z"])
    poll, taken = make(server, room=2)
    before = datetime.now(UTC)
    assert asyncio.run(poll.poll()) == 2
    assert taken == ["2026-03-01T12:00:01Z", "2026-03-01T12:00:02Z"]
    assert server.bodies[0]["deployment_ids"] == [DEPLOYMENT]
    assert timedelta(seconds=10) <= server.bodies[0]["scheduled_before"] - before < timedelta(seconds=15)
    assert before <= poll.last_polled


def test_without_deployments_it_asks_for_no_runs() -> None:
    server = Server([POOLED], ["2026-03-01T12:00:03Z"])
    poll, taken = make(server, room=2)
    assert (asyncio.run(poll.poll()), taken, server.bodies) == (0, [], [])


def test_all_deployments_are_found_page_by_page(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(poller, "_PAGE", 2)
    server = Server([{"id": str(uuid4()), "name": str(number)} for number in range(5)], [])
    assert [each["name"] for each in asyncio.run(without_work_pool(server)).values()] == list("01234")


def test_deployments_by_name_or_id() -> None:
    assert asyncio.run(named(Server([], []), ["etl/a b", str(POOLED["id"])])) == [DEPLOYMENT, UUID(POOLED["id"])]


def test_it_goes_on_when_the_server_is_back(caplog: pytest.LogCaptureFixture) -> None:
    server = Server([OURS], ["2026-03-01T12:00:01Z"])
    poll, taken = make(server, room=1)
    server.away = 2

    async def scenario() -> None:
        task = asyncio.create_task(poll.run())
        while not taken:
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.05)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    asyncio.run(asyncio.wait_for(scenario(), 20))
    told = [record.getMessage() for record in caplog.records]
    assert told == ["Polling failed, runs go on meanwhile: away", "The server at http://test/api is back"]


def test_room_wakes_it_only_when_it_was_full() -> None:
    server = Server([OURS], ["2026-03-01T12:00:01Z"])
    poll, _ = make(server, room=0)
    poll.wake()
    assert not poll._wake.is_set()
    asyncio.run(poll.poll())
    poll.wake()
    assert poll._wake.is_set()
