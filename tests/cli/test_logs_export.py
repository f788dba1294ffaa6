"""`flowctl logs export | stats`, on the file, through a server, and with Prefect's API alone."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from live_server import served
from prefects_api import PrefectsApi

from flowctl.cli import logs_found
from flowctl.cli.api.file import FileDoor
from flowctl.domain.flow_runs import FlowRun
from flowctl.ops import log_export
from flowctl.settings import Settings

MESSAGES = ["hello", "careful", "broken\nin two lines"]


def messages(lines: list[str]) -> list[str]:
    return [json.loads(line)["message"] for line in lines]


def test_json_lines_are_the_apis_own_objects(cli, three: list[FlowRun]) -> None:
    lines = cli("logs", "export", "-o", "jsonl").lines
    assert messages(lines) == MESSAGES
    assert [json.loads(line) for line in lines] == cli("runs", "logs", "brisk-otter", "--json").json + cli(
        "runs", "logs", "calm-lynx", "--json"
    ).json
    fields = cli("logs", "export", "-o", "jsonl", "--fields", "level").lines
    assert fields == ['{"level":20}', '{"level":30}', '{"level":40}']


def test_text_and_csv(cli, three: list[FlowRun]) -> None:
    assert cli("logs", "export").lines[0].endswith("INFO      prefect.flow_runs  hello")
    rows = list(csv.DictReader(cli("logs", "export", "-o", "csv").out.splitlines(keepends=True)))
    assert [row["message"] for row in rows] == MESSAGES
    assert [row["level"] for row in rows] == ["20", "30", "40"]


def test_a_file_is_written_whole_or_not_at_all(cli, three: list[FlowRun], tmp_path: Path) -> None:
    file = tmp_path / "out.jsonl"
    assert cli("logs", "export", "--dry-run", str(file)).lines == [f"would write 3 lines to {file}"]
    assert not file.exists()
    result = cli("logs", "export", str(file))
    assert (result.code, result.out, result.err) == (0, "", f"3 lines written to {file}\n")
    assert messages(file.read_text().splitlines()) == MESSAGES
    assert cli("logs", "export", str(file)).code == 2  # it asks, and nobody is there
    assert cli("logs", "export", "-y", "--level", "error", str(file)).code == 0
    assert messages(file.read_text().splitlines()) == MESSAGES[2:]
    assert cli("logs", "export", str(tmp_path / "none" / "out.csv")).code == 2
    assert not list(tmp_path.glob("*.part"))


@pytest.mark.parametrize(
    ("arguments", "found"),
    [
        (("--flow", "etl"), [0, 1]),
        (("--run", "calm-lynx"), [2]),
        (("--level", "warning"), [1, 2]),
        (("--since", "40m"), [2]),
        (("--until", "40m"), [0, 1]),
        (("--logger", "prefect.task_runs"), []),
    ],
    ids=str,
)
def test_filters(cli, three: list[FlowRun], arguments: tuple[str, ...], found: list[int]) -> None:
    wanted = [MESSAGES[number] for number in found]
    assert messages(cli("logs", "export", "-o", "jsonl", *arguments).lines) == wanted
    assert cli("logs", "stats", "--json", *arguments).json["lines"] == len(found)


def test_what_cannot_be_exported(cli, three: list[FlowRun]) -> None:
    assert cli("logs", "export", "-o", "yaml").code == 2
    assert cli("logs", "export", "--json").code == 2
    assert cli("logs", "export", "--run", "none").code == 3
    assert cli("logs", "stats", "--level", "loud").code == 2


def test_one_request_reads_a_bounded_part(cli, three, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_export, "LINES_A_REQUEST", 1)
    assert messages(cli("logs", "export", "-o", "jsonl").lines) == MESSAGES


def test_counts(cli, three: list[FlowRun]) -> None:
    counted = cli("logs", "stats", "--json").json
    assert (counted["lines"], counted["size_bytes"]) == (3, sum(map(len, MESSAGES)))
    assert [(row["value"], row["lines"]) for row in counted["by_level"]] == [("INFO", 1), ("WARNING", 1), ("ERROR", 1)]
    assert [(row["value"], row["lines"]) for row in counted["by_flow"]] == [("etl", 2), ("report", 1)]
    assert [(row["value"], row["lines"]) for row in counted["by_run"]] == [("brisk-otter", 2), ("calm-lynx", 1)]
    assert sum(row["lines"] for row in counted["by_day"]) == 3
    table = cli("logs", "stats").lines
    assert table[0].split() == ["LEVEL", "LINES", "SIZE"]
    assert table[1].split() == ["INFO", "1", "5", "bytes"]
    assert cli("logs", "stats", "-o", "csv").lines[0] == "by,value,lines,size"
    assert cli("logs", "stats", "-q").lines == [str(three[2].id), str(three[1].id)]


def test_the_same_through_a_server(cli, db_path: Path, three: list[FlowRun]) -> None:
    commands = (("logs", "export", "-o", "jsonl", "--flow", "etl"), ("logs", "stats", "--json"))
    here = [cli(*command).out for command in commands]
    with served(Settings(db=db_path)) as url:
        assert [cli(*command, "--api", url).out for command in commands] == here


def test_the_same_with_prefects_api_alone(world, three: list[FlowRun]) -> None:
    for number in range(450):
        world.log(three[0], f"line {number}", minutes=9 - number // 230)
    own = FileDoor(world.database, world.database.settings)
    door = PrefectsApi(world.database, world.database.settings)
    for flow_ids in ([], [str(three[1].flow_id)]):
        body = {"logs": {}, "logger": None}
        read = [
            sorted(
                line["message"] for page in logs_found.lines(each, body, flow_ids=flow_ids) for line in page["lines"]
            )
            for each in (own, door)
        ]
        assert read[0] == read[1]
        assert len(read[0]) == (1 if flow_ids else 453)
        counts = [logs_found.counts(each, body, flow_ids=flow_ids) for each in (own, door)]
        assert sorted(map(str, counts[0])) == sorted(map(str, counts[1]))
