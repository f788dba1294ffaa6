"""How a run ends, by what its process and its runner did; the engine is a script, the API is in memory."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from flowctl.runner.client import Answer, Api
from flowctl.runner.control import ControlChannel
from flowctl.runner.execution import Code, Execution, Machine
from flowctl.runner.output import LogShipper
from flowctl.runner.watchdog import Watchdog

pytestmark = pytest.mark.skipif(os.name != "posix", reason="the interpreter is a shell script")


class Server(Api):
    """An API with one run, that accepts every state."""

    def __init__(self) -> None:
        self.url, self.key, self.auth_string = "http://test/api", None, None
        self.states: list[dict[str, Any]] = [{"type": "SCHEDULED", "name": "Scheduled"}]
        self.patches: list[Any] = []
        self.refuse = False

    async def call(self, method: str, path: str, body: Any = None, *, patience: float = 0) -> Any:
        if method == "PATCH":
            self.patches.append(body)
        return {"state": self.states[-1]}

    async def set_state(self, run_id: UUID, state: dict[str, Any], **_: Any) -> Answer:
        if self.refuse:
            return Answer(is_new=False, state=self.states[-1], reason="No.")
        self.states.append(state)
        return Answer(is_new=True, state=state, reason="")


class World:
    """A run, whose interpreter runs a line of shell."""

    def __init__(self, tmp_path: Path, shell: str) -> None:
        engine = tmp_path / "engine"
        engine.write_text(f"#!/bin/sh\n{shell}\n")
        engine.chmod(0o755)
        self.server = Server()
        self.watchdog = Watchdog("http://127.0.0.1:9/api")
        self.machine = Machine(
            api=self.server,
            control=ControlChannel(),
            logs=LogShipper(self.server),
            watchdog=self.watchdog,
            python=str(engine),
            storage=tmp_path,
            grace_seconds=2,
        )
        self.code = Code(entrypoint=None, cwd=tmp_path)

    def go(self, do: str = "", *, running: bool = True) -> list[str]:
        """Execute, with `cancel` or `hand_back` once the process is there; the names of the states from then on."""

        async def scenario() -> None:
            execution = Execution(self.machine, {"id": str(uuid4()), "name": "odd-crane"}, self.code)
            task = asyncio.create_task(execution.run())
            if do:
                while execution.process is None:
                    await asyncio.sleep(0.01)
                if running:
                    self.server.states.append({"type": "RUNNING", "name": "Running"})
                await getattr(execution, do)()
            await task

        asyncio.run(asyncio.wait_for(scenario(), 20))
        self.watchdog.close()
        return [state["name"] for state in self.server.states[1:]]


def test_an_exit_code_is_reported(tmp_path: Path) -> None:
    world = World(tmp_path, "exit 3")
    assert world.go() == ["Pending", "Crashed"]
    assert world.server.states[-1]["message"].startswith("Process exited with status code: 3.")
    assert world.server.patches[0]["infrastructure_pid"]


def test_a_run_that_its_process_ended_is_left_as_it_is(tmp_path: Path) -> None:
    world = World(tmp_path, "sleep 0.2; exit 1")
    final = {"type": "FAILED", "name": "Failed"}
    original = world.server.call

    async def call(method: str, path: str, body: Any = None, **rest: Any) -> Any:
        return {"state": final} if method == "GET" else await original(method, path, body, **rest)

    world.server.call = call  # type: ignore[method-assign]
    assert world.go() == ["Pending"]


def test_what_cannot_be_started_has_crashed(tmp_path: Path) -> None:
    world = World(tmp_path, "")
    (tmp_path / "engine").unlink()
    assert world.go() == ["Pending", "Crashed"]
    assert "could not start: There is no interpreter" in world.server.states[-1]["message"]


def test_a_run_that_may_not_start_is_left(tmp_path: Path) -> None:
    world = World(tmp_path, "exit 3")
    world.server.refuse = True
    assert world.go() == []


def test_cancelled(tmp_path: Path) -> None:
    assert World(tmp_path, "exec sleep 60").go("cancel") == ["Pending", "Running", "Cancelled"]


def test_handed_back(tmp_path: Path) -> None:
    world = World(tmp_path, "exec sleep 60")
    assert world.go("hand_back") == ["Pending", "Running", "AwaitingRetry"]
    assert world.server.patches[-1] == {"infrastructure_pid": None}
    assert world.server.states[-1]["state_details"]["scheduled_time"]


def test_a_run_that_exits_well_without_an_end_has_crashed(tmp_path: Path) -> None:
    world = World(tmp_path, "sleep 0.3")
    world.server.states.append({"type": "RUNNING", "name": "Running"})

    async def accept(run_id: UUID, state: dict[str, Any], **_: Any) -> Answer:
        if state["type"] != "PENDING":
            world.server.states.append(state)
        return Answer(is_new=True, state=state, reason="")

    world.server.set_state = accept  # type: ignore[method-assign]
    assert world.go() == ["Running", "Crashed"]


@pytest.mark.parametrize(
    ("deployment", "entrypoint"),
    [
        ({"entrypoint": "a.py:f"}, "a.py:f"),
        ({"entrypoint": "a.py:f", "path": "/no/such/folder"}, None),
        ({"entrypoint": "a.py:f", "pull_steps": [{"x": {}}]}, None),
        ({"entrypoint": "a.py:f", "path": "$STORAGE_BASE_PATH/x"}, None),
        ({"entrypoint": None}, None),
    ],
)
def test_where_the_code_of_a_deployment_is(deployment: dict[str, Any], entrypoint: str | None) -> None:
    code = Code.of({"name": "d", **deployment})
    assert (code.entrypoint, code.cwd, code.deployment) == (entrypoint, Path.cwd(), "d")


def test_runs_do_not_inherit_what_is_flowctls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLOWCTL_DB", "/x")
    monkeypatch.setenv("PREFECT__FLOW_RUN_ID", "another")
    world = World(tmp_path, f"env > {tmp_path}/env; test $# = 2; exit 0")
    world.go()
    found = dict(line.split("=", 1) for line in (tmp_path / "env").read_text().splitlines() if "=" in line)
    assert found["PREFECT_API_URL"] == "http://test/api"
    assert UUID(found["PREFECT__FLOW_RUN_ID"])
    assert "FLOWCTL_DB" not in found
    assert found["PREFECT__STORAGE_BASE_PATH"] == str(tmp_path)
