from __future__ import annotations

import csv
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
from deployed import deploy_some, reached

from flowctl.cli.schedule_text import words
from flowctl.domain.deployments import Deployment


@pytest.fixture
def deployed(db_path: Path) -> dict[str, Deployment]:
    return deploy_some(db_path)


@pytest.fixture(params=["file", "server"])
def door(request: pytest.FixtureRequest, db_path: Path, deployed: dict[str, Deployment]) -> Generator[list[str]]:
    with reached(request.param, db_path) as flags:
        yield flags


def schedules(cli, name: str) -> list[dict[str, Any]]:
    return cli("deployments", "schedule", "ls", name, "--json").json


class TestLs:
    def test_of_all_and_of_one(self, cli, door: list[str]) -> None:
        rows = list(csv.DictReader(cli("deployments", "schedule", "ls", "-o", "csv", *door).lines))
        assert [(row["deployment"], row["schedule"]) for row in rows if "etl" in row["deployment"]] == [
            ("etl/nightly", "0 3 * * *")
        ]
        assert {row["slug"] for row in rows} == {"", "mondays"}
        assert all(row["next"].endswith("Z") for row in rows)
        assert len(cli("deployments", "schedule", "ls", "weekly", *door).lines) == 3

    def test_of_a_paused_deployment(self, cli, deployed: dict[str, Deployment]) -> None:
        cli("deployments", "pause", "etl/nightly")
        (row,) = csv.DictReader(cli("deployments", "schedule", "ls", "etl/nightly", "-o", "csv").lines)
        assert (row["status"], row["next"]) == ("deployment paused", "")

    def test_of_one_that_is_not_there(self, cli, deployed: dict[str, Deployment]) -> None:
        assert cli("deployments", "schedule", "ls", "etl/none").code == 3


class TestAdd:
    @pytest.mark.parametrize(
        ("flags", "expected"),
        [
            (
                ("--cron", "0 5 * * *", "--timezone", "Europe/Berlin"),
                {"cron": "0 5 * * *", "timezone": "Europe/Berlin", "day_or": True},
            ),
            (
                ("--interval", "6h", "--anchor", "2026-01-31T03:00", "--timezone", "Europe/Berlin"),
                {"interval": 21600.0, "anchor_date": "2026-01-31T03:00:00+01:00", "timezone": "Europe/Berlin"},
            ),
            (("--cron", "0 0 13 * 5", "--day-and"), {"cron": "0 0 13 * 5", "timezone": "UTC", "day_or": False}),
        ],
        ids=str,
    )
    def test_each_kind(self, cli, door: list[str], flags: tuple[str, ...], expected: dict[str, Any]) -> None:
        made = cli("deployments", "schedule", "add", "etl/manual", *flags, "--json", *door).json
        assert made["schedule"] == expected
        assert [each["id"] for each in schedules(cli, "etl/manual")] == [made["id"]]

    def test_a_rule_with_parameters_and_a_slug(self, cli, door: list[str]) -> None:
        flags = ("--rrule", "FREQ=DAILY;BYHOUR=3", "--param", "rows=5", "--slug", "rule", "--paused")
        result = cli("deployments", "schedule", "add", "etl/nightly", *flags, *door)
        assert 'slug rule · paused · with {"rows": 5}' in result.out
        made = next(each for each in schedules(cli, "etl/nightly") if each["slug"] == "rule")
        assert (made["parameters"], made["active"]) == ({"rows": 5}, False)

    def test_a_dry_run_shows_the_first_dates(self, cli, door: list[str]) -> None:
        result = cli("deployments", "schedule", "add", "etl/manual", "--cron", "0 5 * * *", "--dry-run", *door)
        assert result.err == "would add 0 5 * * * UTC to etl/manual\n"
        assert len(result.lines) == 4
        assert schedules(cli, "etl/manual") == []

    @pytest.mark.parametrize(
        ("flags", "message"),
        [
            ((), "Which schedule?"),
            (("--cron", "99 * * * *"), 'Invalid cron string: "99 * * * *"'),
            (("--cron", "9 * * * *", "--timezone", "Nowhere/X"), 'Invalid timezone: "Nowhere/X"'),
            (("--rrule", "FREQ=X"), "Invalid RRule string"),
            (("--interval", "often"), "'often' is not a duration"),
            (("--interval", "0s"), "no schedule"),
            (("--interval", "1h", "--anchor", "soon"), "'soon' is not a time"),
            (("--interval", "1h", "--cron", "0 1 * * *"), "--cron, --interval"),
            (("--cron", "0 1 * * *", "--anchor", "2026-01-01"), "Only an interval"),
            (("--interval", "1h", "--day-and"), "Only a cron line"),
            (("--timezone", "UTC"), "alone is no schedule"),
            (("--interval", "1h", "--param", "rows=x"), "'x' is not of type 'integer'"),
        ],
        ids=str,
    )
    def test_what_is_no_schedule(
        self, cli, deployed: dict[str, Deployment], flags: tuple[str, ...], message: str
    ) -> None:
        result = cli("deployments", "schedule", "add", "etl/nightly", *flags)
        assert (result.code, result.out) == (2, "")
        assert message in result.err
        assert len(schedules(cli, "etl/nightly")) == 1

    def test_a_slug_that_is_taken(self, cli, deployed: dict[str, Deployment]) -> None:
        result = cli("deployments", "schedule", "add", "report/weekly", "--cron", "0 1 * * *", "--slug", "mondays")
        assert result.code == 2


class TestUpdate:
    def test_only_what_is_given_changes(self, cli, door: list[str]) -> None:
        cli("deployments", "schedule", "update", "etl/nightly", "--param", "rows=7", *door)
        cli("deployments", "schedule", "update", "etl/nightly", "--timezone", "Europe/Berlin", *door)
        (entry,) = schedules(cli, "etl/nightly")
        assert entry["schedule"] == {"cron": "0 3 * * *", "timezone": "Europe/Berlin", "day_or": True}
        assert entry["parameters"] == {"rows": 7}
        cli("deployments", "schedule", "update", "etl/nightly", "--interval", "1h", "--slug", "hourly", *door)
        (entry,) = schedules(cli, "etl/nightly")
        assert (entry["schedule"]["interval"], entry["schedule"]["timezone"]) == (3600.0, "Europe/Berlin")
        assert (entry["slug"], entry["parameters"]) == ("hourly", {"rows": 7})

    def test_of_several_one_is_named(self, cli, door: list[str]) -> None:
        change = ("--cron", "0 6 * * 1")
        assert cli("deployments", "schedule", "update", "weekly", "mondays", *change, *door).code == 0
        result = cli("deployments", "schedule", "update", "weekly", *change, *door)
        assert result.code == 3
        assert "0 6 * * 1  mondays" in result.err
        assert cli("deployments", "schedule", "update", "weekly", "nope", *change, *door).code == 3

    def test_a_dry_run_and_nothing_to_change(self, cli, deployed: dict[str, Deployment]) -> None:
        result = cli("deployments", "schedule", "update", "etl/nightly", "--cron", "0 6 * * *", "--dry-run")
        assert "would make it: 0 6 * * * · UTC" in result.err
        assert schedules(cli, "etl/nightly")[0]["schedule"]["cron"] == "0 3 * * *"
        assert cli("deployments", "schedule", "update", "etl/nightly").code == 2


class TestPause:
    def test_one_of_two(self, cli, door: list[str]) -> None:
        def active() -> dict[str, bool]:
            return {each["schedule"]["cron"]: each["active"] for each in schedules(cli, "weekly")}

        assert cli("deployments", "schedule", "pause", "weekly", "mondays", "--dry-run", *door).code == 0
        assert active() == {"0 4 * * 1": True, "0 5 * * 5": True}
        assert cli("deployments", "schedule", "pause", "weekly", "mondays", *door).code == 0
        assert active() == {"0 4 * * 1": False, "0 5 * * 5": True}
        assert cli("deployments", "schedule", "resume", "weekly", "mondays", *door).code == 0
        assert active() == {"0 4 * * 1": True, "0 5 * * 5": True}

    def test_of_a_deployment_without_any(self, cli, deployed: dict[str, Deployment]) -> None:
        for verb in ("pause", "resume"):
            assert cli("deployments", "schedule", verb, "etl/manual").code == 3


class TestDelete:
    def test_asks(self, cli, door: list[str]) -> None:
        assert cli("deployments", "schedule", "delete", "weekly", "mondays", *door).code == 2
        result = cli("deployments", "schedule", "delete", "weekly", "mondays", "--dry-run", *door)
        assert result.err == "would delete of report/weekly: 0 4 * * 1\n"
        assert len(schedules(cli, "weekly")) == 2
        assert cli("deployments", "schedule", "delete", "weekly", "mondays", "-y", *door).code == 0
        assert [each["schedule"]["cron"] for each in schedules(cli, "weekly")] == ["0 5 * * 5"]

    def test_all(self, cli, door: list[str]) -> None:
        assert cli("deployments", "schedule", "delete", "weekly", "--all", "-y", *door).err == "deleted 2 schedules\n"
        assert schedules(cli, "weekly") == []
        assert cli("deployments", "schedule", "delete", "weekly", "mondays", "--all", "-y", *door).code == 2

    def test_in_prefects_words(self, cli, door: list[str]) -> None:
        told = cli("deployment", "schedule", "clear", "weekly", "--dry-run", *door).err
        assert told == cli("deployments", "schedule", "delete", "weekly", "--all", "--dry-run", *door).err
        assert cli("deployments", "schedule", "clear", "weekly", *door).code == 2
        assert cli("deployments", "schedule", "clear", "weekly", "-y", *door).code == 0
        assert schedules(cli, "weekly") == []
        assert cli("deployments", "schedule", "delete", "etl/none", "-y", *door).code == 3


class TestPreview:
    def test_across_the_change_of_the_clock(self, cli) -> None:
        flags = ("--cron", "30 3 * * *", "--timezone", "Europe/Berlin", "--from", "2026-03-28T00:00:00+00:00")
        lines = cli("deployments", "schedule", "preview", *flags, "-n", "3", "--json").json
        assert [(line["date"], line["utc"]) for line in lines] == [
            ("2026-03-28T03:30:00+01:00", "2026-03-28T02:30:00Z"),
            ("2026-03-29T03:30:00+02:00", "2026-03-29T01:30:00Z"),
            ("2026-03-30T03:30:00+02:00", "2026-03-30T01:30:00Z"),
        ]
        assert [line["note"] for line in lines] == [None, "clock forward 1h00m", None]
        rows = cli("deployments", "schedule", "preview", *flags, "-n", "3", "-o", "csv").lines
        assert rows[0] == "date,utc,note"
        assert rows[2].endswith(",clock forward 1h00m")

    def test_of_a_deployment(self, cli, door: list[str]) -> None:
        lines = cli("deployments", "schedule", "preview", "weekly", "-n", "4", "--json", *door).json
        assert {line["schedule"] for line in lines} == {"0 4 * * 1", "0 5 * * 5"}
        lines = cli("deployments", "schedule", "preview", "weekly", "mondays", "-n", "2", "--json", *door).json
        assert {line["date"][11:16] for line in lines} == {"04:00"}
        assert len(cli("deployments", "schedule", "preview", "etl/nightly", *door).lines) == 11

    def test_of_what_it_might_be(self, cli, door: list[str]) -> None:
        flags = ("--interval", "8h", "--anchor", "2026-01-01T01:00", "--json")
        lines = cli("deployments", "schedule", "preview", "etl/nightly", *flags, *door).json
        assert {line["date"][11:16] for line in lines} == {"01:00", "09:00", "17:00"}
        assert schedules(cli, "etl/nightly")[0]["schedule"]["cron"] == "0 3 * * *"

    def test_what_cannot_be_previewed(self, cli, deployed: dict[str, Deployment]) -> None:
        assert cli("deployments", "schedule", "preview").code == 2
        assert cli("deployments", "schedule", "preview", "etl/manual").code == 2
        assert cli("deployments", "schedule", "preview", "etl/none").code == 3
        assert cli("deployments", "schedule", "preview", "--cron", "0 1 * * *", "--from", "soon").code == 2
        never = cli("deployments", "schedule", "preview", "--cron", "0 0 30 2 *")
        assert (never.code, never.err) == (0, "no dates to come\n")


@pytest.mark.parametrize(
    ("seconds", "told"), [(900.0, "15m"), (5400, "90m"), (21600, "6h"), (604800, "7d"), (61.5, "61.5s")]
)
def test_an_interval_is_told_as_it_is_given(seconds: float, told: str) -> None:
    assert words({"interval": seconds}) == f"every {told}"
