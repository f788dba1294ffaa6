"""Deployments, schedules, tasks and statistics on a real Prefect server: the same commands, the same output."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from deployed import SCHEMA
from prefect_history import prefect_server

from flowctl.cli.api.door import Door
from flowctl.cli.api.file import FileDoor
from flowctl.cli.api.server import ServerDoor
from flowctl.db.database import Database
from flowctl.settings import Settings

RELEASE = "3.8.1"


def make_history(door: Door) -> None:
    """Two flows with deployments, and runs of them with a task each."""
    flows = {name: door.post("/flows/", {"name": name})["id"] for name in ("etl", "report")}
    nightly = {
        "name": "nightly",
        "flow_id": flows["etl"],
        "parameters": {"rows": 20},
        "parameter_openapi_schema": SCHEMA,
        "enforce_parameter_schema": True,
        "tags": ["prod"],
        "paused": True,
        "schedules": [{"schedule": {"cron": "0 3 * * *", "timezone": "Europe/Berlin"}, "active": True}],
    }
    door.post("/deployments/", nightly)
    door.post("/deployments/", {"name": "manual", "flow_id": flows["etl"], "enforce_parameter_schema": False})
    for name, flow, ending in (("one", "etl", "COMPLETED"), ("two", "report", "FAILED"), ("three", "etl", None)):
        run = door.post("/flow_runs/", {"name": name, "flow_id": flows[flow]})["id"]
        task = {"flow_run_id": run, "name": f"load {name}", "task_key": "load", "dynamic_key": "0", "tags": ["db"]}
        task_id = door.post("/task_runs/", {**task, "state": {"type": "RUNNING"}})["id"]
        for kind, id in (("flow_runs", run), ("task_runs", task_id)):
            for type_ in ("RUNNING", *([ending] if ending else [])):
                state = {"type": type_, "name": type_.title(), "message": "ended" if type_ == ending else None}
                door.post(f"/{kind}/{id}/set_state", {"state": state, "force": True})


@pytest.fixture(scope="module")
def prefect(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with prefect_server(RELEASE, tmp_path_factory.mktemp("prefect")) as api:
        with closing(ServerDoor(api, Settings())) as door:
            make_history(door)
        yield api


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("file") / "flowctl.db"
    database = Database(path)
    with closing(FileDoor(database, Settings(db=path))) as door:
        make_history(door)
    database.close()
    return path


_MOVING = re.compile(
    r"[0-9a-f]{8}-[0-9a-f-]{27}|\d{4}-\d\d-\d\dT[\d:.]+(Z|\+00:00)|\b\d+\.\d+\b|\d+(\.\d+)?(ms|s|m|h|d)\b"
)


def told(result: Any) -> tuple[int, list[list[str]], list[list[str]]]:
    """Exit code and words of a result, without what differs between any two servers."""
    out, err = ([_MOVING.sub("~", line).split() for line in text.splitlines()] for text in (result.out, result.err))
    return result.code, out, err


CHANGES = (
    "deployments run etl/nightly --param day=1 --at 2099-01-01T00:00Z --name mine -q",
    "deployments run etl/nightly --param dya=1",
    "deployments update etl/nightly --tag new --param rows=30 --concurrency-limit 2 --collision cancel",
    "deployments update etl/nightly --param rows=x",
    "deployments schedule add etl/manual --interval 6h --anchor 2026-01-31T03:00 --slug often -q",
    "deployments schedule update etl/manual often --timezone Europe/Berlin",
    "deployments schedule pause etl/manual often",
    "tasks delete --run three -y",
    "deployments resume manual",
    "deployments schedule delete etl/manual often -y",
)

READS = (
    "deployments ls",
    "deployments ls --json --fields name,paused,tags,schedules",
    "deployments show etl/nightly --json --fields name,tags,parameters,paused,schedules.0.schedule.cron",
    "deployments next",
    "deployments next etl/nightly -o csv",
    "deployments schedule ls -o csv",
    "deployments schedule preview etl/nightly --from 2027-03-27T00:00Z -n 3",
    "tasks ls --sort name --json --fields name,state_name,tags",
    "tasks ls --name *one --state completed --json --fields name",
    "tasks stats --json --fields key,runs,completed,failed,active,success_rate",
    "flows stats --json --fields name,runs,completed,failed,active,success_rate,history",
    "flows delete etl --dry-run",
    "ps --json --fields name,flow_name,task_runs,task_runs_done",
    "deployments delete --flow etl --dry-run",
    "deployments show nope",
    "tasks show nope",
)


EVENTS = (
    "events stats --event prefect.flow-run. --json --fields value,count",
    "events ls --event prefect.flow-run.Failed --json --fields event",
    "events ls --run two --event prefect.flow-run. --json --fields event",
)


def test_events_once_they_are_stored(cli: Any, prefect: str, file: Path) -> None:
    """Prefect's server writes events some seconds later."""
    for line in EVENTS:
        here = told(cli(*line.split(), "--db", str(file)))
        end = time.monotonic() + 30
        while (there := told(cli(*line.split(), "--api", prefect))) != here and time.monotonic() < end:
            time.sleep(0.5)
        assert there == here, line


def test_the_same_commands_print_the_same(cli: Any, prefect: str, file: Path) -> None:
    """In the order of their lines: what changes something between two looks at everything."""
    for commands in (READS, CHANGES[:7], READS, CHANGES[7:], READS):
        for line in commands:
            words = line.split()
            here, there = told(cli(*words, "--db", str(file))), told(cli(*words, "--api", prefect))
            assert there == here, line


def test_deleting_for_good(cli: Any, prefect: str, file: Path) -> None:
    for line in ("deployments delete etl/nightly -y", "flows delete report -y", "flows ls --json --fields name"):
        assert told(cli(*line.split(), "--api", prefect)) == told(cli(*line.split(), "--db", str(file))), line
