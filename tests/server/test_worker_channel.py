"""The worker's socket, over a real connection."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest
from deployment_world import TEMPLATE, make_pool
from live_server import Live, closing, hear, say, serving
from websockets.exceptions import InvalidStatus

from flowctl.db.database import Tx
from flowctl.domain.work_pools import WorkPoolStatus
from flowctl.ops import work_pools, workers
from flowctl.settings import Settings

PATH = "/work_pools/pool/workers/connect"
CONSUMER = str(uuid4())
HELLO: dict[str, Any] = {
    "consumer_id": CONSUMER,
    "worker_name": "w1",
    "worker_type": "process",
    "heartbeat_interval_seconds": 10,
    "supported_channel_versions": ["work_pool_worker_channel.v1"],
    "requested_capabilities": ["worker_heartbeat.v1", "work_pool_snapshot.v1", "cleanup_delivery.v1"],
}


def frame(type: str, payload: dict[str, Any]) -> dict[str, Any]:
    return {"type": type, "id": str(uuid4()), "sent_at": datetime.now(UTC).isoformat(), "payload": payload}


def hello(**changes: Any) -> dict[str, Any]:
    return frame("worker.hello.v1", {**HELLO, **changes})


def pool_events(tx: Tx) -> list[str]:
    """What was announced of work pools."""
    rows = tx.execute("SELECT event FROM events WHERE event LIKE 'prefect.work-pool.%' ORDER BY position")
    return [row[0].rpartition(".")[2] for row in rows]


@asynccontextmanager
async def connected(live: Live, **changes: Any) -> AsyncGenerator[tuple[Any, dict[str, Any]]]:
    """A worker's socket after its greeting, and what the server answered to that."""
    async with live.greeted(PATH) as ws:
        await say(ws, hello(**changes))
        ready = await hear(ws)
        assert ready["type"] == "worker.ready.v1"
        yield ws, ready["payload"]


def test_a_worker_is_greeted_and_hears_of_each_change(settings: Settings) -> None:
    async def scenario() -> None:
        async with serving(settings) as live:
            await live.write(make_pool)
            async with connected(live) as (ws, ready):
                assert ready["rejected_capabilities"] == ["cleanup_delivery.v1"]
                assert [queue["name"] for queue in ready["resolved_work_queues"]] == ["default"]
                first = ready["initial_snapshot"]
                assert (first["snapshot_sequence"], first["work_pool"]["status"]) == (1, "READY")
                await live.write(lambda tx: work_pools.update(tx, "pool", {"concurrency_limit": 3}))
                change = await hear(ws)
                assert (change["type"], change["payload"]["snapshot_sequence"]) == ("work_pool.snapshot.v1", 2)
                pool = change["payload"]["work_pool"]
                assert (pool["concurrency_limit"], pool["active_slots"]) == (3, 0)
                await live.write(lambda tx: work_pools.update(tx, "pool", {"is_paused": True}))
                assert (await hear(ws))["payload"]["work_pool"]["is_paused"]
                await live.write(delete)
                assert await closing(ws) == (1008, "authorization_failed")

    asyncio.run(scenario())


def delete(tx: Tx) -> None:
    for _ in work_pools.delete(tx, "pool"):
        pass


def test_heartbeats_are_noted(settings: Settings) -> None:
    async def scenario() -> None:
        async with serving(settings) as live:
            await live.write(make_pool)
            async with connected(live) as (ws, _):
                await live.write(lambda tx: workers.delete(tx, "pool", "w1"))
                beat = {"consumer_id": CONSUMER, "worker_name": "w1", "heartbeat_interval_seconds": 25}
                await say(ws, frame("worker.heartbeat.v1", beat))
                found = await live.until(lambda tx: workers.find(tx, "pool", None, limit=9, offset=0), bool)
                assert found[0].heartbeat_interval_seconds == 25
                await say(ws, frame("worker.heartbeat.v1", {**beat, "worker_name": "another"}))
                assert await closing(ws) == (1002, "protocol_error")

    asyncio.run(scenario())


def test_a_worker_makes_its_pool_and_gives_it_its_template(settings: Settings) -> None:
    async def scenario() -> None:
        async with serving(settings) as live:
            async with connected(live, create_pool_if_not_found=True, default_base_job_template=TEMPLATE) as (_, ready):
                pool = ready["initial_snapshot"]["work_pool"]
                assert (pool["name"], pool["type"], pool["base_job_template"]) == ("pool", "process", TEMPLATE)
            assert (await live.read(lambda tx: work_pools.read(tx, "pool"))).status is WorkPoolStatus.READY
            assert await live.read(pool_events) == ["created", "ready"]
            await live.write(lambda tx: work_pools.update(tx, "pool", {"base_job_template": {}}))
            async with connected(live, default_base_job_template=TEMPLATE) as (_, ready):
                assert ready["initial_snapshot"]["work_pool"]["base_job_template"] == TEMPLATE
            assert await live.read(pool_events) == ["created", "ready", "updated", "updated"]

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("message", "end"),
    [
        (hello(work_queue_names=["nope"]), (1008, "authorization_failed")),
        (hello(supported_channel_versions=["v9"]), (1008, "unsupported_version")),
        (hello(requested_capabilities=["worker_heartbeat.v1"]), (1002, "protocol_error")),
        (hello(worker_name=""), (1002, "protocol_error")),
        ({"type": "worker.heartbeat.v1"}, (1002, "protocol_error")),
        ([], (1002, "protocol_error")),
    ],
)
def test_greetings_that_are_refused(settings: Settings, message: Any, end: tuple[int, str]) -> None:
    async def scenario() -> None:
        async with serving(settings) as live:
            await live.write(make_pool)
            async with live.greeted(PATH) as ws:
                await say(ws, message)
                assert await closing(ws) == end

    asyncio.run(scenario())


@pytest.mark.parametrize(("name", "wants_pool"), [("none", False), ("prefect-x", True)])
def test_pools_that_are_not_there(settings: Settings, name: str, wants_pool: bool) -> None:
    async def scenario() -> None:
        async with serving(settings) as live, live.greeted(f"/work_pools/{name}/workers/connect") as ws:
            await say(ws, hello(create_pool_if_not_found=wants_pool))
            assert await closing(ws) == (1008, "authorization_failed")

    asyncio.run(scenario())


def test_who_does_not_sign_in_is_told_so(settings: Settings) -> None:
    async def scenario() -> None:
        async with serving(settings) as live:
            await live.write(make_pool)
            async with live.socket(PATH) as ws:
                await say(ws, hello())
                assert await closing(ws) == (1008, "authentication_failed")

    asyncio.run(scenario())


def test_the_subprotocol_is_required(settings: Settings) -> None:
    async def scenario() -> None:
        async with serving(settings) as live:
            with pytest.raises(InvalidStatus, match="403"):
                async with live.socket(PATH, subprotocol=None):
                    pass

    asyncio.run(scenario())
