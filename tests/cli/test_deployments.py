from __future__ import annotations

import csv
from collections.abc import Generator
from pathlib import Path

import pytest
from deployed import deploy_some, reached

from flowctl.domain.deployments import Deployment


@pytest.fixture
def deployed(db_path: Path) -> dict[str, Deployment]:
    return deploy_some(db_path)


@pytest.fixture(params=["file", "server"])
def door(request: pytest.FixtureRequest, db_path: Path, deployed: dict[str, Deployment]) -> Generator[list[str]]:
    with reached(request.param, db_path) as flags:
        yield flags


def names(result) -> list[str]:
    return [each["name"] for each in result.json]


class TestLs:
    def test_shows_schedules_and_the_next_run(self, cli, door: list[str]) -> None:
        cli("deployments", "run", "etl/manual", "--at", "2099-01-01T03:00:00Z", *door)
        rows = list(csv.DictReader(cli("deployments", "ls", "-o", "csv", *door).lines))
        assert [(row["name"], row["schedules"]) for row in rows] == [
            ("etl/manual", "0"),
            ("etl/nightly", "1"),
            ("report/weekly", "2"),
        ]
        shown = cli("deployments", "ls", "--json", *door).json[0]
        assert shown["next_run"] == "2099-01-01T03:00:00Z"
        assert (shown["paused"], shown["tags"], shown["work_pool_name"]) == (False, ["prod", "db"], "gpu")
        assert cli("deployments", "ls", *door).lines[1].split()[1:4] == ["etl/manual", "not", "ready"]

    @pytest.mark.parametrize(
        ("filters", "expected"),
        [
            (("--flow", "etl"), ["etl/manual", "etl/nightly"]),
            (("--tag", "prod", "--tag", "db"), ["etl/manual"]),
            (("--name", "*ly"), ["etl/nightly", "report/weekly"]),
            (("--pool", "gpu"), ["etl/manual"]),
            (("--paused",), []),
            (("--active", "--limit", "2"), ["etl/manual", "etl/nightly"]),
            (("--limit", "1", "--all"), ["etl/manual", "etl/nightly", "report/weekly"]),
        ],
        ids=str,
    )
    def test_filters(self, cli, door: list[str], filters: tuple[str, ...], expected: list[str]) -> None:
        assert names(cli("deployments", "ls", "--json", *filters, *door)) == expected

    def test_a_flow_that_is_not_there(self, cli, door: list[str]) -> None:
        assert cli("deployments", "ls", "--flow", "nope", *door).code == 3

    def test_more_deployments_than_a_page_of_runs_shows(self, cli, deployed: dict[str, Deployment]) -> None:
        for _ in range(3):
            cli("deployments", "run", "etl/manual", "--in", "1h")
        cli("deployments", "run", "report/weekly", "--in", "2d")
        assert all(
            each["next_run"] for each in cli("deployments", "ls", "--json").json if "nightly" not in each["name"]
        )


def test_without_deployments_there_is_an_empty_table(cli) -> None:
    result = cli("deployments", "ls")
    assert (result.code, len(result.lines)) == (0, 1)
    assert cli("deployments", "ls", "--json").json == []
    assert cli("deployments", "next", "--json").json == []


class TestShow:
    def test_tells_everything(self, cli, door: list[str]) -> None:
        shown = dict(line.split(maxsplit=1) for line in cli("deployments", "show", "etl/nightly", *door).lines)
        assert shown["name"] == "etl/nightly"
        assert shown["schedules"] == "0 3 * * * · UTC"
        assert shown["takes"] == "day: string (required)"
        assert shown["parameters"] == "rows: 20"
        assert shown["description"] == "Loads the day"

    def test_shows_runs_past_and_to_come(self, cli, door: list[str]) -> None:
        cli("deployments", "run", "etl/manual", "--name", "past", *door)
        cli("deployments", "run", "etl/manual", "--name", "coming", "--at", "2099-01-01T00:00Z", *door)
        cli("runs", "set-state", "past", "completed", "--force")
        lines = cli("deployments", "show", "etl/manual", *door).lines
        assert next(line for line in lines if line.startswith("next")).split()[1:] == ["2099-01-01T00:00:00Z", "coming"]
        assert "past" in lines[-1]

    def test_json_is_the_apis(self, cli, door: list[str], deployed: dict[str, Deployment]) -> None:
        shown = cli("deployments", "show", "nightly", "--json", *door).json
        assert shown["id"] == str(deployed["nightly"].id)
        assert shown["parameters"] == {"rows": 20}
        assert cli("deployments", "show", "nightly", "-q", *door).lines == [shown["id"]]

    def test_one_that_is_not_there(self, cli, door: list[str]) -> None:
        result = cli("deployments", "show", "etl/none", *door)
        assert (result.code, result.out) == (3, "")


class TestPause:
    def test_pause_and_resume(self, cli, door: list[str], deployed: dict[str, Deployment]) -> None:
        assert cli("deployments", "pause", "etl/nightly", *door).code == 0
        assert names(cli("deployments", "ls", "--json", "--paused", *door)) == ["etl/nightly"]
        assert cli("deployments", "resume", str(deployed["nightly"].id)[:8], *door).code == 0
        assert cli("deployments", "ls", "--json", "--paused", *door).json == []

    def test_by_filter_or_only_to_see(self, cli, door: list[str]) -> None:
        result = cli("deployments", "pause", "--tag", "prod", "--dry-run", *door)
        assert result.err == "would pause etl/manual\nwould pause etl/nightly\n"
        assert cli("deployments", "ls", "--json", "--paused", *door).json == []
        assert cli("deployments", "pause", "--tag", "prod", *door).code == 0
        assert len(cli("deployments", "ls", "--json", "--paused", *door).json) == 2

    @pytest.mark.parametrize("verb", ["pause", "resume"])
    def test_what_is_not_there_is_named(self, cli, deployed: dict[str, Deployment], verb: str) -> None:
        result = cli("deployments", verb, "etl/weekly")
        assert result.code == 3
        assert "etl/weekly" in result.err
        assert cli("deployments", verb).code == 2
        assert cli("deployments", verb, "etl/nightly", "--tag", "x").code == 2
        assert cli("deployments", verb, "--tag", "none").err == "no deployments\n"


def test_references_come_from_a_pipe(cli, deployed: dict[str, Deployment]) -> None:
    ids = cli("deployments", "ls", "-q", "--flow", "etl").out
    assert cli("deployments", "pause", "-", stdin=ids).code == 0
    assert len(cli("deployments", "ls", "--json", "--paused").json) == 2
