from __future__ import annotations

import csv
from collections.abc import Generator
from pathlib import Path

import pytest
from deployed import deploy_some, reached

from flowctl.cli.statistics import sparkline
from flowctl.domain.flow_runs import FlowRun


@pytest.fixture(params=["file", "server"])
def door(request: pytest.FixtureRequest, db_path: Path, three: list[FlowRun]) -> Generator[list[str]]:
    deploy_some(db_path)
    with reached(request.param, db_path) as flags:
        yield flags


class TestStats:
    def test_of_all(self, cli, door: list[str]) -> None:
        etl, report = csv.DictReader(cli("flows", "stats", "-o", "csv", *door).lines)
        assert (etl["flow"], etl["runs"], etl["ok"], etl["p50"]) == ("etl", "2", "1.0", "240.0")
        assert (report["flow"], report["runs"], report["ok"], report["failed"]) == ("report", "1", "0.0", "1")
        assert "100%" in cli("flows", "stats", *door).lines[1]

    def test_of_some(self, cli, door: list[str]) -> None:
        (report,) = cli("flows", "stats", "report", "--json", *door).json
        assert (report["name"], report["failed"], sum(report["history"])) == ("report", 1, 1)
        assert cli("flows", "stats", "--name", "et*", "--json", *door).json[0]["name"] == "etl"
        assert cli("flows", "stats", "-q", "--since", "1m", *door).lines == []
        assert len(cli("flows", "stats", "--limit", "1", *door).lines) == 2

    def test_what_is_wrong_is_told(self, cli, door: list[str]) -> None:
        assert cli("flows", "stats", "nope", *door).code == 3
        assert cli("flows", "stats", "--since", "soon", *door).code == 2


class TestDelete:
    def test_asks_and_tells_what_goes_along(self, cli, door: list[str]) -> None:
        told = "etl with 2 runs (1 of them active), 1 task run and 2 deployments"
        result = cli("flows", "delete", "etl", *door)
        assert result.code == 2
        assert told in result.err
        result = cli("flows", "delete", "etl", "--dry-run", *door)
        assert (result.code, result.out, result.err) == (0, f"{told}\n", "would delete\n")
        assert cli("flows", "delete", "etl", "--dry-run", "--json", *door).json[0]["deletes"]["deployments"] == 2
        assert cli("flows", "delete", "etl", "-y", *door).err == "deleted 1 flow\n"
        assert cli("flows", "ls", "-q", *door).lines == cli("flows", "show", "report", "-q", *door).lines
        assert [run["name"] for run in cli("runs", "ls", "--json").json] == ["calm-lynx"]

    def test_one_that_is_not_there(self, cli, door: list[str]) -> None:
        assert cli("flows", "delete", "nope", "-y", *door).code == 3
        assert cli("flows", "delete", "etl", "nope", "-y", *door).code == 3
        assert len(cli("flows", "delete", "etl", "report", "-y", "--json", *door).json) == 2


def test_bars() -> None:
    assert sparkline([0, 1, 2, 4, 8]) == " ▂▃▅█"
    assert sparkline([0, 0]) == "  "
    assert sparkline([]) == ""
