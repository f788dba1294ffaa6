"""A real process moves a run to Running over HTTP, and is killed."""

from __future__ import annotations

import asyncio
import os
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from live_server import serving
from service_world import make_run, state_of

from flowctl.db.database import Tx
from flowctl.db.tables import flow_run_processes
from flowctl.domain.orchestration import OrchestrationResult
from flowctl.domain.processes import Process
from flowctl.domain.states import StateType, pending, running
from flowctl.ops import reap, set_state
from flowctl.settings import Settings

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="processes are known on Linux only")

CLIENT = """
import http.client, json, sys, time
host, id, force, agent = sys.argv[1], sys.argv[2], sys.argv[3] == "force", sys.argv[4]
connection = http.client.HTTPConnection(host)
body = json.dumps({"state": {"type": "RUNNING"}, "force": force})
connection.request("POST", f"/api/flow_runs/{id}/set_state", body, {"User-Agent": agent})
print(connection.getresponse().read(), flush=True)
time.sleep(60)
"""

PREFECT = "prefect/3.8.1 (API 0.8.4)"


def known(tx: Tx) -> list[tuple[UUID, Process]]:
    return flow_run_processes.of_running(tx)


def to_running(tx: Tx, id: UUID) -> OrchestrationResult:
    return set_state.set_flow_run_state(tx, id, running())


def test_whoever_runs_a_run_is_known_and_reaped_when_killed(settings: Settings) -> None:
    async def test() -> None:
        async with serving(settings) as live:
            id = await live.write(lambda tx: make_run(tx, pending()))
            host = live.url.removeprefix("ws://").removesuffix("/api")
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-c", CLIENT, host, str(id), "no", PREFECT, stdout=asyncio.subprocess.PIPE
            )
            assert process.stdout
            await process.stdout.readline()
            ((found_id, found),) = await live.until(known, bool)
            assert (found_id, found.pid) == (id, process.pid)

            def look(tx: Tx) -> int:
                tx.now = datetime.now(UTC) + timedelta(minutes=5)
                return reap.run_once(tx)

            assert await live.write(look) == 0
            process.kill()
            await process.wait()
            assert await live.write(look) == 1
            state = await live.read(lambda tx: state_of(tx, id))
            assert state.type is StateType.CRASHED
            assert f"Its process {process.pid} of " in (state.message or "")

    asyncio.run(test())


@pytest.mark.parametrize(("force", "agent"), [("force", PREFECT), ("no", "flowctl/1.0"), ("no", "curl/8.0")])
def test_who_forces_a_state_or_is_no_prefect_client_need_not_execute_the_run(
    settings: Settings, force: str, agent: str
) -> None:
    async def test() -> None:
        async with serving(settings) as live:
            id = await live.write(lambda tx: make_run(tx, pending()))
            host = live.url.removeprefix("ws://").removesuffix("/api")
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-c", CLIENT, host, str(id), force, agent, stdout=asyncio.subprocess.PIPE
            )
            assert process.stdout
            await process.stdout.readline()
            process.kill()
            await process.wait()
            runners = live.app.context.runner_processes
            assert runners is not None
            await runners.stop()
            assert await live.read(known) == []

    asyncio.run(test())


def test_the_process_of_an_earlier_attempt_is_forgotten(settings: Settings) -> None:
    async def test() -> None:
        async with serving(settings) as live:
            id = await live.write(lambda tx: make_run(tx, pending()))
            process = Process(machine="here", pid=os.getpid(), stamp="boot 1", started=datetime.now(UTC))
            await live.write(lambda tx: flow_run_processes.put(tx, id, process))
            async with live.greeted("/events/in"):  # the API is loaded
                runners = live.app.context.runner_processes
            assert runners is not None
            result = await live.write(lambda tx: to_running(tx, id))
            runners.note(id, result, {"client": ("10.0.0.1", 50000), "server": ("10.0.0.2", 4200)})
            await live.until(known, lambda found: not found)

    asyncio.run(test())


def test_nothing_is_learned_when_the_reaper_is_off(settings: Settings) -> None:
    async def test() -> None:
        async with serving(replace(settings, services_reaper_enabled=False)) as live, live.greeted("/events/in"):
            assert live.app.context.runner_processes is None

    asyncio.run(test())
