"""Fixtures of the command line's tests: a runner of commands, and a maker of runs with a past."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from support import Clock

from flowctl.cli import fast, main
from flowctl.db.database import Database
from flowctl.domain.flow_runs import FlowRun, FlowRunCreate
from flowctl.domain.flows import FlowCreate
from flowctl.domain.logs import LogCreate
from flowctl.domain.states import StateCreate, StateDetails, StateType
from flowctl.domain.task_runs import TaskRunCreate
from flowctl.ops import flow_runs, flows, logs, set_state, task_runs


@dataclass
class Result:
    """What a command printed, and its exit code."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def lines(self) -> list[str]:
        return self.out.splitlines()


class Runner:
    """Runs commands on the test's database file, by Typer's door unless `quick`."""

    def __init__(self, db_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
        self.db_path = db_path
        self._capsys = capsys
        self._monkeypatch = monkeypatch

    def __call__(self, *arguments: str, stdin: str = "", quick: bool = False) -> Result:
        self._monkeypatch.setattr(sys, "stdin", io.StringIO(stdin))
        self._capsys.readouterr()
        code = fast.serve(arguments) if quick else main.run(arguments)
        assert code is not None, "the quick door left this to the other one"
        out, err = self._capsys.readouterr()
        return Result(code, out, err)


@pytest.fixture
def cli(db_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Runner:
    monkeypatch.setenv("FLOWCTL_DB", str(db_path))
    for name in ("NO_COLOR", "FORCE_COLOR", "COLUMNS", "PAGER", "FLOWCTL_PAGER"):
        monkeypatch.delenv(name, raising=False)
    return Runner(db_path, capsys, monkeypatch)


class World:
    """Makes runs, at times that are some minutes ago."""

    def __init__(self, db_path: Path) -> None:
        self.clock = Clock(datetime.now(UTC))
        self._now = self.clock.now
        self.database = Database(db_path, clock=self.clock)

    def ago(self, minutes: float) -> datetime:
        self.clock.now = self._now - timedelta(minutes=minutes)
        return self.clock.now

    def run(
        self,
        name: str,
        *states: tuple[StateType, float],
        flow: str = "etl",
        tags: tuple[str, ...] = (),
        parameters: dict[str, Any] | None = None,
        parent: FlowRun | None = None,
    ) -> FlowRun:
        """A run that went through states, each so many minutes ago; without any it is Pending since just now."""
        first, *others = states or ((StateType.PENDING, 0.0),)
        parent_task = self.task(parent, f"call {name}").id if parent else None
        with self._at(first[1]) as tx:
            owner, _ = flows.create(tx, FlowCreate(name=flow))
            body = FlowRunCreate(
                flow_id=owner.id,
                name=name,
                state=self._state(first[0]),
                tags=list(tags),
                parameters=parameters or {},
                parent_task_run_id=parent_task,
            )
            run, _ = flow_runs.create(tx, body)
        for type_, minutes in others:
            self.move(run, type_, minutes)
        return run

    def move(self, run: FlowRun, type_: StateType, minutes: float = 0.0, **details: Any) -> None:
        with self._at(minutes) as tx:
            set_state.set_flow_run_state(tx, run.id, self._state(type_, **details), force=True)

    def task(self, run: FlowRun | None, key: str) -> Any:
        with self._at(0) as tx:
            body = TaskRunCreate(
                flow_run_id=run.id if run else None,
                name=key,
                task_key=key,
                dynamic_key="0",
                state=StateCreate(type=StateType.COMPLETED),
            )
            return task_runs.create(tx, body)[0]

    def log(self, run: FlowRun, message: str, *, level: int = 20, minutes: float = 0.0) -> None:
        with self._at(minutes) as tx:
            line = LogCreate(
                name="prefect.flow_runs", level=level, message=message, timestamp=tx.now, flow_run_id=run.id
            )
            logs.create(tx, [line])

    def _state(self, type_: StateType, **details: Any) -> StateCreate:
        return StateCreate(type=type_, state_details=StateDetails(**details))

    def _at(self, minutes: float) -> Any:
        self.ago(minutes)
        return self.database.write()


@pytest.fixture
def world(db_path: Path) -> Iterator[World]:
    world = World(db_path)
    yield world
    world.database.close()


@pytest.fixture
def three(world: World) -> list[FlowRun]:
    """A run that completed, one that failed, and one that is running; the last started first."""
    done = world.run(
        "brisk-otter",
        (StateType.PENDING, 60),
        (StateType.RUNNING, 59),
        (StateType.COMPLETED, 55),
        tags=("prod", "db"),
        parameters={"n": 5, "env": "prod", "deep": {"er": True}},
    )
    failed = world.run("calm-lynx", (StateType.RUNNING, 30), (StateType.FAILED, 29), flow="report", tags=("prod",))
    going = world.run("odd-crane", (StateType.PENDING, 11), (StateType.RUNNING, 10))
    world.task(going, "load")
    world.log(done, "hello", minutes=58)
    world.log(done, "careful", level=30, minutes=57)
    world.log(failed, "broken\nin two lines", level=40, minutes=29)
    return [going, failed, done]
