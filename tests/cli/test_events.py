from __future__ import annotations

import csv
from collections.abc import Generator
from pathlib import Path

import pytest
from deployed import reached

from flowctl.domain.flow_runs import FlowRun
from flowctl.domain.states import StateType


@pytest.fixture(params=["file", "server"])
def door(request: pytest.FixtureRequest, db_path: Path, three: list[FlowRun]) -> Generator[list[str]]:
    with reached(request.param, db_path) as flags:
        yield flags


class TestLs:
    def test_newest_first_or_oldest(self, cli, door: list[str], three: list[FlowRun]) -> None:
        rows = list(csv.DictReader(cli("events", "ls", "-o", "csv", *door).lines))
        assert rows == sorted(rows, key=lambda row: row["time"], reverse=True)
        runs = [row for row in rows if row["event"].startswith("prefect.flow-run.")]
        assert (runs[0]["event"], runs[0]["resource"]) == (
            "prefect.flow-run.Running",
            f"prefect.flow-run.{three[0].id}",
        )
        last = list(csv.DictReader(cli("events", "ls", "-r", "-o", "csv", *door).lines))
        assert last[0]["time"] == rows[-1]["time"]

    @pytest.mark.parametrize(
        ("filters", "expected"),
        [
            (("--event", "prefect.flow-run.F"), {"Failed"}),
            (("--event", "prefect.flow-run.F*", "--event", "prefect.flow-run.Com"), {"Failed", "Completed"}),
            (("--event", "prefect.flow-run.", "--run", "calm-lynx"), {"Running", "Failed"}),
            (("--event", "prefect.flow-run.", "--since", "15m"), {"Pending", "Running"}),
            (("--event", "prefect.flow-run.", "--until", "58m"), {"Pending", "Running"}),
            (("--resource", "prefect.flow-run.none*"), set()),
        ],
        ids=str,
    )
    def test_filters(self, cli, door: list[str], filters: tuple[str, ...], expected: set[str]) -> None:
        found = cli("events", "ls", "--json", *filters, *door).json
        assert {each["event"].removeprefix("prefect.flow-run.") for each in found} == expected

    def test_by_resource(self, cli, door: list[str], three: list[FlowRun]) -> None:
        about = f"prefect.flow-run.{three[1].id}"
        for flags in (("--resource", about), ("--resource", f"{about[:-4]}*")):
            assert len(cli("events", "ls", "-q", *flags, *door).lines) == 2

    def test_more_than_a_page(self, cli, world, door: list[str]) -> None:
        for number in range(60):
            world.run(f"run-{number}")
        flags = ("--event", "prefect.flow-run.Pending")
        every = cli("events", "ls", "--all", "-q", *flags, *door).lines
        assert len(set(every)) == 62
        assert cli("events", "ls", "--limit", "55", "-q", *flags, *door).lines == every[:55]
        assert cli("events", "ls", "-q", *flags, *door).lines == every[:50]

    def test_what_is_wrong_is_told(self, cli, door: list[str]) -> None:
        assert cli("events", "ls", "--run", "nobody", *door).code == 3
        assert cli("events", "ls", "--since", "soon", *door).code == 2


class TestTail:
    def test_goes_on_until_interrupted(
        self, cli, world, door: list[str], three: list[FlowRun], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        rounds = iter(range(4))

        def sleep(_seconds: float) -> None:
            match next(rounds):
                case 0:
                    world.move(three[0], StateType.CANCELLING)
                case 1:
                    world.move(three[0], StateType.CANCELLED)
                    world.run("another")
                case 2:
                    return
                case _:
                    raise KeyboardInterrupt

        monkeypatch.setattr("flowctl.cli.events.time.sleep", sleep)
        flags = ("--run", "odd-crane", "-n", "1", "-o", "jsonl", "--fields", "event")
        result = cli("events", "tail", *flags, *door)
        assert result.code == 130
        names = [line.split(".")[-1].rstrip('"}') for line in result.lines]
        assert names == ["Running", "Cancelling", "Cancelled"]

    def test_as_lines(self, cli, door: list[str], three: list[FlowRun], monkeypatch: pytest.MonkeyPatch) -> None:
        def interrupt(_seconds: float) -> None:
            raise KeyboardInterrupt

        monkeypatch.setattr("flowctl.cli.events.time.sleep", interrupt)
        (line,) = cli("events", "tail", "-n", "1", "--event", "prefect.flow-run.", *door).lines
        assert line.endswith(f"prefect.flow-run.Running  prefect.flow-run.{three[0].id}")

    def test_what_is_wrong_is_told(self, cli, three: list[FlowRun]) -> None:
        assert cli("events", "tail", "--json").code == 2
        assert cli("events", "tail", "--run", "nobody").code == 3


class TestStats:
    def test_by_name_and_resource_and_time(self, cli, door: list[str], three: list[FlowRun]) -> None:
        flags = ("--event", "prefect.flow-run.", *door)
        rows = csv.DictReader(cli("events", "stats", "-o", "csv", *flags).lines)
        assert {row["event"]: row["count"] for row in rows} == {
            "prefect.flow-run.Running": "3",
            "prefect.flow-run.Pending": "2",
            "prefect.flow-run.Completed": "1",
            "prefect.flow-run.Failed": "1",
        }
        counts = {
            each["value"]: each["count"] for each in cli("events", "stats", "--by", "resource", "--json", *flags).json
        }
        assert counts[f"prefect.flow-run.{three[2].id}"] == 3
        spans = cli("events", "stats", "--by", "hour", "--since", "3h", "--json", *flags).json
        assert sum(span["count"] for span in spans) == 7
        assert len(cli("events", "stats", "--by", "hour", "--since", "3h", *flags).lines) == len(spans) + 1
        assert cli("events", "stats", "--limit", "1", "-q", *flags).lines == ["prefect.flow-run.Running"]

    def test_what_is_wrong_is_told(self, cli, three: list[FlowRun]) -> None:
        assert cli("events", "stats", "--by", "colour").code == 2
        assert cli("events", "stats", "--since", "soon").code == 2
        assert cli("events", "stats", "--run", "nobody").code == 3
