"""Creating, retrying, comparing, tagging and deleting runs on a real Prefect server."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest
from prefect_history import prefect_server

from flowctl.cli.api.server import ServerDoor
from flowctl.settings import Settings

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server with a flow, a deployment, and three runs with a task run each."""
    with prefect_server("3.8.1", tmp_path_factory.mktemp("prefect")) as url:
        with closing(ServerDoor(url, Settings())) as door:
            flow = door.post("/flows/", {"name": "etl"})["id"]
            door.post("/deployments/", {"name": "manual", "flow_id": flow, "enforce_parameter_schema": False})
            for name, state in (("one", "FAILED"), ("two", "COMPLETED"), ("three", "RUNNING")):
                body = {"flow_id": flow, "name": name, "parameters": {"n": name}, "state": {"type": state}}
                run = door.post("/flow_runs/", body)["id"]
                task = {"flow_run_id": run, "task_key": "t", "dynamic_key": "0", "name": "t-0"}
                door.post("/task_runs/", {**task, "state": {"type": state}})
        yield url


@pytest.fixture
def ask(cli, server: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("FLOWCTL_API", server)
    return cli


def test_a_run_is_created_retried_and_rescheduled(ask: Any) -> None:
    run = ask("runs", "create", "etl/manual", "--tag", "x", "--json").json
    assert (run["state_type"], run["tags"]) == ("SCHEDULED", ["x"])
    assert ask("runs", "reschedule", run["id"], "+10m").code == 0
    assert ask("runs", "set-state", run["id"], "failed", "--force").code == 0
    assert ask("runs", "retry", run["id"]).code == 0
    assert ask("runs", "show", run["id"], "--json").json["state_name"] == "AwaitingRetry"
    refused = ask("runs", "retry", "one")
    assert (refused.code, "has no deployment" in refused.err) == (4, True)


def test_a_dry_run_says_that_the_rules_were_not_asked(ask: Any) -> None:
    (task,) = ask("tasks", "ls", "--run", "three", "-q").lines
    for line in ("runs set-state three failed --expect running", f"tasks set-state {task} failed"):
        told = ask(*line.split(), "--dry-run")
        assert (told.code, told.out.split(": ", 1)[1], told.err) == (
            0,
            "Running → would be Failed\n",
            "The server's own rules were not asked: they may refuse it.\n",
        )
    assert ask("runs", "set-state", "three", "failed", "--expect", "late", "--dry-run").code == 4
    assert ask("runs", "show", "three", "--json").json["state_name"] == "Running"


def test_runs_are_looked_into(ask: Any) -> None:
    tree = ask("runs", "tree", "three", "--json").json
    assert (tree["flow_name"], [child["name"] for child in tree["children"]]) == ("etl", ["t-0"])
    told = ask("runs", "diff", "one", "two", "--json").json
    assert told["first_difference"] == "t-0"
    (etl,) = ask("runs", "stats", "--state", "failed,completed", "--name", "t*", "--json").json
    assert (etl["name"], etl["runs"], etl["success_rate"]) == ("etl", 1, 1.0)
    assert ask("runs", "params", "one", "--json").json == {"n": "one"}


def test_a_run_is_sent_something_and_tagged(ask: Any) -> None:
    assert ask("runs", "input", "put", "three", "--to", "str", "hi").code == 0
    (sent,) = ask("runs", "input", "ls", "three", "--json").json
    assert json.loads(sent["value"]) == {"value": "hi"}
    assert ask("runs", "tag", "add", "three", "a,b", "--json").json["tags"] == ["a", "b"]
    assert ask("runs", "pause", "three").code == 0


def test_there_is_no_trash(ask: Any) -> None:
    asked = ask("runs", "delete", "one")
    assert (asked.code, "A Prefect server has no trash" in asked.err) == (2, True)
    assert "(1 task runs)" in asked.err
    assert ask("runs", "delete", "one", "--dry-run").out == "would delete 1 run (1 task runs) for good\n"
    assert ask("runs", "delete", "one", "--keep-logs").code == 1
    assert ask("runs", "delete", "one", "-y").out == "deleted 1 run for good\n"
    assert ask("runs", "show", "one").code == 3
    for command in (("undo",), ("trash", "ls"), ("trash", "empty")):
        refused = ask("runs", *command)
        assert (refused.code, "has no trash" in refused.err) == (1, True)
