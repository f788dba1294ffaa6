"""The same commands against a real Prefect server: what they print is what they print of the same runs in a file."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from prefect_history import prefect_server

from flowctl.cli.api.door import Door
from flowctl.cli.api.file import FileDoor
from flowctl.cli.api.server import ServerDoor
from flowctl.db.database import Database
from flowctl.settings import Settings

RELEASE = "3.8.1"


@pytest.fixture(scope="module")
def prefect(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A Prefect server with a history; its API's address."""
    with prefect_server(RELEASE, tmp_path_factory.mktemp("prefect")) as api:
        with closing(ServerDoor(api, Settings())) as door:
            assert door.is_prefect
            make_history(door)
        yield api


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database file with the same history."""
    path = tmp_path_factory.mktemp("file") / "flowctl.db"
    database = Database(path)
    with closing(FileDoor(database, Settings(db=path))) as door:
        make_history(door)
    database.close()
    return path


def make_history(door: Door) -> None:
    """Runs in most states, with tags, parameters, a subflow, log lines and a deployment with a run of its own."""
    flows = {name: door.post("/flows/", {"name": name})["id"] for name in ("etl", "report")}

    def run(name: str, *states: tuple[str, str], flow: str = "etl", **fields: Any) -> str:
        id = door.post("/flow_runs/", {"name": name, "flow_id": flows[flow], **fields})["id"]
        for type_, message in states:
            state = {"type": type_, "name": type_.title(), "message": message or None}
            door.post(f"/flow_runs/{id}/set_state", {"state": state, "force": True})
        return id

    done = run(
        "brisk-otter",
        ("RUNNING", ""),
        ("COMPLETED", "All fine"),
        tags=["prod", "db"],
        parameters={"n": 5, "env": "prod", "deep": {"er": True}, "list": [1, 2]},
    )
    run("calm-lynx", ("RUNNING", ""), ("FAILED", "ValueError: bad row"), flow="report", tags=["prod"])
    parent = run("odd-crane", ("PENDING", ""), ("RUNNING", ""))
    task = {"flow_run_id": parent, "name": "call child", "task_key": "child", "dynamic_key": "0"}
    called = door.post("/task_runs/", {**task, "state": {"type": "RUNNING"}})["id"]
    run("child", ("RUNNING", ""), ("CRASHED", "Process died"), parent_task_run_id=called)
    run("stopped", ("CANCELLING", "enough"))
    run("twin", ("RUNNING", ""), ("COMPLETED", ""))
    run("twin", ("RUNNING", ""), ("CANCELLED", "by hand"), flow="report")
    run("paused", ("RUNNING", ""), ("PAUSED", ""), flow="report")
    deployment = {"name": "nightly", "flow_id": flows["etl"], "tags": ["prod"], "enforce_parameter_schema": False}
    nightly = door.post("/deployments/", deployment)["id"]
    scheduled = {"type": "SCHEDULED", "state_details": {"scheduled_time": "2099-01-01T00:00:00Z"}}
    door.post(f"/deployments/{nightly}/create_flow_run", {"name": "by-schedule", "state": scheduled})
    begin = datetime.now(UTC) - timedelta(minutes=5)
    lines = [
        {
            "name": "prefect.flow_runs",
            "level": level,
            "message": message,
            "timestamp": (begin + timedelta(seconds=number)).isoformat(),
            "flow_run_id": done,
        }
        for number, (level, message) in enumerate([(20, "hello"), (30, "careful"), (40, "broken\nin two lines")])
    ]
    door.post("/logs/", lines)


UNLIKE = re.compile(
    r"[0-9a-f]{8}-[0-9a-f-]{27}|(?<![\w-])[0-9a-f]{8}(?!\w)"
    r"|\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d[.\d]*(Z|\+00:00)?"
    r"|(?<![\w-])(\d+\.\d+|\d+(\.\d+)?[smhd](\d\d[smh])?)(?![\w.-])| +"
)
"""What no two histories have in common: ids, times, durations; and the widths of columns that hold them."""


def shown(result) -> str:
    return UNLIKE.sub("~", f"{result.code}\n{result.out}\n{result.err}").replace("-", "")


@pytest.fixture
def same(cli, prefect: str, file: Path) -> Callable[[str], tuple[Any, Any]]:
    """Asserts that a command prints the same of Prefect's server and of the file; gives both results."""

    def same(line: str) -> tuple[Any, Any]:
        there, here = cli(*line.split(), "--api", prefect), cli(*line.split(), "--db", str(file))
        assert shown(there) == shown(here), line
        return there, here

    return same


LISTS = (
    "",
    "--state failed,crashed",
    "--state Late",
    "--state CoMpLeTeD,no-such",
    "--flow report --state completed,cancelled",
    "--deployment etl/nightly",
    "--no-deployment --root --sort name",
    "--tag prod --tag db",
    "--any-tag db --any-tag other",
    "--name [bc]*",
    "--name t?in",
    "--name odd-crane",
    "--param n=5 --param deep.er=true",
    "--param list=[1,2]",
    "--since 1h --until now",
    "--older-than 1d",
    "--late",
    "--stuck",
    "--parent odd-crane",
    "--sort name --limit 2",
    "--sort -duration --limit 0",
    "--flow nope",
    "--since nope",
)


def test_lists_of_runs(same) -> None:
    for line in LISTS:
        same(f"runs ls --fields name,state_name,tags {line} -o csv")
    for line in ("", "-o wide", "-q", "--no-headers --state failed,crashed"):
        same(f"runs ls --no-deployment --name [bo]* --sort name {line}")


def test_the_list_is_the_servers_answer(cli, prefect: str) -> None:
    with closing(ServerDoor(prefect, Settings())) as door:
        body = {"flow_runs": {"state": {"type": {"any_": ["FAILED", "CRASHED"]}}}, "sort": "START_TIME_DESC"}
        answer = door.post("/flow_runs/filter", body)
    assert cli("runs", "ls", "--state", "failed,crashed", "--json", "--api", prefect).json == answer


def test_one_run(same, cli, prefect: str) -> None:
    for name in ("brisk-otter", "child", "by-schedule"):
        same(f"runs history {name}")
        same(f"runs show {name} --fields name,state.type,tags,parameters")
        there, here = (dict(line.split(None, 1) for line in result.lines) for result in same(f"runs show {name}"))
        assert there.keys() == here.keys()
    for line in ("show @last -q", "show @last-failed -q", "show @running --fields name", "wait brisk-otter calm-lynx"):
        same(f"runs {line}")
    for line in (
        "show nobody",
        "show abcd",
        "show twin",
        "show @nothing",
        "history twin",
        "wait odd-crane --timeout 1s",
    ):
        same(f"runs {line}")
    ids = cli("runs", "ls", "-q", "--all", "--api", prefect).lines
    for id in ids:
        for beginning in (id[:6], id[:13], id.upper(), id.replace("-", "")):
            assert cli("runs", "show", "-q", beginning, "--api", prefect).lines == [id]


def test_log_lines(same) -> None:
    for line in ("-n 2", "--head 1", "--level warning", "-r", "-f -o jsonl"):
        same(f"runs logs brisk-otter {line} --fields level,message")


def test_flows_and_deployments(same) -> None:
    for line in ("", "--fields name,tags --json", "--name e* -o csv", "--limit 1", "--sort -name", "--sort -start"):
        same(f"flows ls {line}")
    for line in ("flows show report", "flows show nope", "deployments ls", "deployments show etl/nope"):
        same(line)
    for line in ("deployments pause etl/nightly", "deployments ls", "deployments resume nightly", "deployments ls"):
        same(line)


def test_what_a_server_is(cli, prefect: str) -> None:
    status = cli("status", "--json", "--api", prefect).json
    assert status["server"]["version"] == f"Prefect {RELEASE}"
    assert (status["database"], status["runs"]["running"]) == (None, 1)
    assert cli("status", "--api", prefect).lines[0].startswith(f"server  {prefect}  Prefect")


@pytest.mark.parametrize("command", ["why odd-crane", "runs why odd-crane", "runs reap"])
def test_what_prefects_server_cannot_tell(cli, prefect: str, command: str) -> None:
    result = cli(*command.split(), "--api", prefect)
    assert (result.code, result.out) == (1, "")
    assert "is Prefect's own server" in result.err


def test_changes(same) -> None:
    for line in (
        "runs set-state odd-crane completed --expect failed",
        "runs set-state odd-crane completed --expect running -m fine",
        "runs set-state brisk-otter running --force -q",
        "runs set-state brisk-otter nope",
        "runs resume calm-lynx",
        "runs cancel stopped",
        "runs cancel --state scheduled",
        "runs cancel --state scheduled -y -m enough",
        "runs cancel --state crashed -y",
        "runs history odd-crane",
        "runs ls --sort name --name [bo]* --fields name,state_name",
    ):
        same(line)
