from __future__ import annotations

import csv
import signal
from collections.abc import Generator
from pathlib import Path

import pytest
from deployed import deploy_some, reached
from terminals import Terminal

from flowctl.domain.flow_runs import FlowRun, FlowRunUpdate
from flowctl.domain.states import StateType
from flowctl.ops import flow_runs


@pytest.fixture
def active(world, three: list[FlowRun]) -> list[str]:
    """Names of runs in all states that count as active, as they are listed."""
    world.run("due-dodo", (StateType.SCHEDULED, 30))
    world.run("paused-panda", (StateType.RUNNING, 20), (StateType.PAUSED, 10), tags=("slow",))
    world.run("wise-owl", (StateType.PENDING, 3), flow="report")
    world.run("ending-emu", (StateType.RUNNING, 8), (StateType.CANCELLING, 1))
    with world.database.write() as tx:
        flow_runs.update(tx, three[0].id, FlowRunUpdate(infrastructure_pid="laptop:4711"))
        flow_runs.update_labels(tx, three[0].id, {"prefect.worker.name": "w1"})
    return ["odd-crane", "wise-owl", "ending-emu", "paused-panda", "due-dodo"]


@pytest.fixture(params=["file", "server"])
def door(request: pytest.FixtureRequest, db_path: Path, active: list[str]) -> Generator[list[str]]:
    with reached(request.param, db_path) as flags:
        yield flags


class TestPs:
    def test_shows_what_goes_on_and_where(self, cli, door: list[str], active: list[str]) -> None:
        rows = list(csv.DictReader(cli("ps", "-o", "csv", *door).lines))
        assert [row["name"] for row in rows] == active
        assert (rows[0]["tasks"], rows[0]["where"]) == ("1/1", "w1 laptop:4711")
        assert rows[-1]["reason"]
        data = cli("ps", "--json", *door).json
        assert [run["name"] for run in data] == active
        assert (data[0]["task_runs"], data[0]["task_runs_done"], data[0]["worker_name"]) == (1, 1, "w1")
        assert len(cli("ps", *door).lines) == 6

    def test_filters(self, cli, door: list[str]) -> None:
        assert [run["name"] for run in cli("ps", "--flow", "report", "--json", *door).json] == ["wise-owl"]
        assert [run["name"] for run in cli("ps", "--tag", "slow", "--json", *door).json] == ["paused-panda"]
        assert len(cli("ps", "--limit", "2", "-q", *door).lines) == 2
        assert cli("ps", "--flow", "nope", *door).code == 3

    def test_of_a_deployment(self, cli, db_path: Path, active: list[str]) -> None:
        deploy_some(db_path)
        cli("deployments", "run", "etl/manual", "--at", "2020-01-01T00:00Z", "--name", "late-lark")
        assert [run["name"] for run in cli("ps", "--deployment", "etl/manual", "--json").json] == ["late-lark"]
        assert cli("ps", "--deployment", "nope").code == 3

    def test_when_nothing_goes_on(self, cli, db_path: Path) -> None:
        assert cli("ps", "--json").json == []
        assert len(cli("ps").lines) == 1


class TestTop:
    def test_once(self, cli, door: list[str], active: list[str]) -> None:
        lines = cli("top", "--once", *door).lines
        assert lines[0].startswith("flowctl top")
        assert [line.split()[1] for line in lines if "etl" in line or "report" in line] == active

    def test_needs_a_terminal(self, cli, active: list[str]) -> None:
        result = cli("top")
        assert (result.code, result.out) == (2, "")
        assert "flowctl top --once" in result.err
        assert cli("top", "--interval", "soon").code == 2
        assert cli("top", "--flow", "nope", "--once").code == 3

    def test_keys_move_cancel_and_quit(self, cli, db_path: Path, active: list[str]) -> None:
        terminal = Terminal(db_path, ["top"], columns=120, NO_COLOR="1")
        terminal.until("q quit")
        terminal.write("j")
        terminal.write("c")
        terminal.until("Cancel wise-owl (")
        terminal.write("y")
        terminal.until("wise-owl is Cancelling")
        terminal.write("q")
        code, text = terminal.end()
        assert code == 0
        assert "\x1b[?1049l" in text.rpartition("wise-owl is Cancelling")[2]
        assert "\x1b[?25h" in text.rpartition("\x1b[?1049l")[2] + text[-40:]
        assert cli("runs", "show", "wise-owl", "--json").json["state_name"] == "Cancelling"

    def test_shows_logs_and_asks_before_it_cancels(self, cli, world, db_path: Path, three: list[FlowRun]) -> None:
        world.log(three[0], "hello from the run")
        terminal = Terminal(db_path, ["top", "--interval", "0.3s"], columns=120, NO_COLOR="1")
        terminal.until("q quit")
        terminal.write("l")
        terminal.until("hello from the run")
        terminal.write("q")
        terminal.until("q quit")
        terminal.write("c")
        terminal.until("Cancel odd-crane (")
        terminal.write("n")
        terminal.until("not cancelled")
        terminal.process.send_signal(signal.SIGINT)
        code, text = terminal.end()
        assert code == 130
        assert text.rstrip().endswith("\x1b[?25h") or "\x1b[?1049l" in text[-60:]
        assert cli("runs", "show", "odd-crane", "--json").json["state_name"] == "Running"
