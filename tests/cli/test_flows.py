from __future__ import annotations

import csv
from pathlib import Path

from api_client import TestClient

from flowctl.domain.flow_runs import FlowRun
from flowctl.domain.states import StateType
from flowctl.server.app import create_app
from flowctl.settings import Settings


def names(cli, *flags: str) -> list[str]:
    return [flow["name"] for flow in cli("flows", "ls", "--json", *flags).json]


def test_ls_shows_the_last_run(cli, three: list[FlowRun]) -> None:
    result = cli("flows", "ls")
    assert result.code == 0
    assert [line.split()[1:4] for line in result.lines[1:]] == [["etl", "2", "Running"], ["report", "1", "Failed"]]
    rows = list(csv.DictReader(cli("flows", "ls", "-o", "csv").lines))
    assert [(row["name"], row["runs"], row["last state"]) for row in rows] == [
        ("etl", "2", "Running"),
        ("report", "1", "Failed"),
    ]


def test_a_run_that_is_due_later_is_not_the_last(cli, world, three: list[FlowRun]) -> None:
    world.run("later", (StateType.SCHEDULED, -120))
    assert [line.split()[1:4] for line in cli("flows", "ls").lines[1:]] == [
        ["etl", "3", "Running"],
        ["report", "1", "Failed"],
    ]
    (etl, _) = cli("runs", "stats", "--json").json
    assert (etl["name"], etl["runs"]) == ("etl", 2)


def test_json_is_the_servers_answer(cli, three: list[FlowRun], db_path: Path) -> None:
    ids = [str(three[0].flow_id), str(three[1].flow_id)]
    assert cli("flows", "ls", "-q").lines == ids
    with TestClient(create_app(Settings(db=db_path), webserver_only=True, ignore_cache=True)) as api:
        answers = [api.get(f"/api/flows/{id}").json() for id in ids]
    assert cli("flows", "ls", "--json").json == answers
    assert cli("flows", "show", "etl", "--json").json == answers[0]


def test_filters_and_order(cli, three: list[FlowRun]) -> None:
    assert names(cli, "--name", "r*") == ["report"]
    assert names(cli, "--tag", "nope") == []
    assert names(cli, "--sort", "-name") == ["report", "etl"]
    assert names(cli, "--sort", "start") == ["report", "etl"]
    assert names(cli, "--sort", "-created", "--limit", "1") == ["report"]
    assert names(cli, "--all") == ["etl", "report"]


def test_nothing(cli) -> None:
    assert cli("flows", "ls", "--json").json == []
    assert cli("flows", "ls").lines == ["ID  NAME  RUNS  LAST STATE  LAST START  DEPLOYMENTS  TAGS"]


def test_show(cli, three: list[FlowRun]) -> None:
    result = cli("flows", "show", str(three[0].flow_id)[:8])
    assert result.code == 0
    assert "name     etl" in result.lines
    assert "states   1 Running, 1 Completed" in result.lines or "states   1 Completed, 1 Running" in result.lines
    assert sum("odd-crane" in line or "brisk-otter" in line for line in result.lines) == 2


def test_one_that_is_not_there(cli) -> None:
    result = cli("flows", "show", "nope")
    assert (result.code, result.out) == (3, "")
    assert result.err == "error: Flow 'nope' not found.\ntry: flowctl flows ls\n"
