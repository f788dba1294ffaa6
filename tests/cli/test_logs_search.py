"""`flowctl logs search | index`."""

from __future__ import annotations

from pathlib import Path

import pytest
from live_server import served

from flowctl.domain.flow_runs import FlowRun
from flowctl.settings import Settings


@pytest.fixture
def logged(world, three: list[FlowRun]) -> list[FlowRun]:
    """Three runs; the two that ended have lines with `needle`."""
    _, failed, done = three
    for number in range(5):
        world.log(done, f"line {number}", minutes=56 - number / 10)
    world.log(done, "a needle in 'the' hay", minutes=55.55)
    world.log(failed, "KeyError: 'needle*'\nand more", level=40, minutes=28)
    world.log(failed, "the end", minutes=27)
    return three


def test_matches_of_all_runs_oldest_first(cli, logged: list[FlowRun]) -> None:
    result = cli("logs", "search", "NEEDLE")
    assert result.code == 0
    assert [line.split("  ")[0] for line in result.lines] == ["brisk-otter", "calm-lynx", "and more"]
    assert result.lines[0].endswith("INFO      prefect.flow_runs  a needle in 'the' hay")
    assert cli("logs", "search", "needle", "-q").lines == [str(logged[2].id), str(logged[1].id)]
    assert cli("logs", "search", "needle", "--limit", "1", "-q").lines == [str(logged[1].id)]
    assert cli("logs", "search", "no such text").out == ""


def test_as_data(cli, logged: list[FlowRun]) -> None:
    first, second = cli("logs", "search", "needle", "-C", "1", "--json").json
    assert first["message"] == "a needle in 'the' hay"
    assert first["spans"] == [[2, 8]]
    assert (first["flow_run_id"], first["flow_run_name"]) == (str(logged[2].id), "brisk-otter")
    assert first["flow_name"] == "etl"
    assert [line["message"] for line in first["earlier"] + first["later"]] == ["line 4"]
    assert [line["message"] for line in second["later"]] == ["the end"]
    fields = cli("logs", "search", "needle", "--fields", "flow_name,level", "-o", "jsonl").lines
    assert fields == ['{"flow_name":"etl","level":20}', '{"flow_name":"report","level":40}']
    table = cli("logs", "search", "needle", "-o", "csv").lines
    assert table[0] == "timestamp,level,flow_run_id,flow_run_name,flow_name,name,message"


@pytest.mark.parametrize(
    ("arguments", "found"),
    [
        (("KeyError: 'needle*'",), 1),
        (("needle*",), 2),
        (("eedle", "--flow", "report"), 1),
        (("needle", "--level", "error"), 1),
        (("needle", "--since", "40m"), 1),
        (("needle", "--until", "40m"), 1),
        (("needle", "--logger", "prefect"), 2),
        (("needle", "--logger", "prefect.task_runs"), 0),
        (("--regex", r"line \d$", "--all"), 5),
        (("--regex", "(?-i:NEEDLE)"), 0),
        (("-F", "in 'the' hay"), 1),
        (("-F", "hay needle"), 0),
    ],
    ids=str,
)
def test_patterns_and_filters(cli, logged: list[FlowRun], arguments: tuple[str, ...], found: int) -> None:
    assert len(cli("logs", "search", *arguments, "--json").json) == found


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("(", "--regex"), 2, "not a regular expression"),
        (("(a*)*", "--regex"), 2, "repeats"),
        ((" ",), 2, "empty"),
        (("a", "--regex", "-F"), 2, "not both"),
        (("a", "--flow", "none"), 3, "Flow 'none' not found"),
        (("a", "--level", "loud"), 2, "loud"),
        (("a", "--since", "soon"), 2, "soon"),
    ],
    ids=str,
)
def test_what_cannot_be_searched_for(cli, logged: list[FlowRun], arguments, code: int, message: str) -> None:
    result = cli("logs", "search", *arguments)
    assert (result.code, result.out) == (code, "")
    assert message in result.err


def test_what_was_found_is_in_colour_and_context_is_faint(cli, logged: list[FlowRun]) -> None:
    lines = cli("logs", "search", "needle", "-C", "1", "--color", "always").lines
    assert "a \x1b[1;31mneedle\x1b[0m in" in lines[1]
    assert lines[0].endswith("line 4\x1b[0m")


def test_the_same_through_a_server(cli, db_path: Path, logged: list[FlowRun]) -> None:
    here = cli("logs", "search", "needle", "--flow", "etl", "-C", "1", "--json").json
    with served(Settings(db=db_path)) as url:
        assert cli("logs", "search", "needle", "--flow", "etl", "-C", "1", "--json", "--api", url).json == here
        assert cli("logs", "index", "--api", url).code == 2


def test_the_index_is_brought_up_to_date(cli, world, logged: list[FlowRun]) -> None:
    for number in range(200):
        world.log(logged[0], f"more {number}")
    assert cli("logs", "index", "--dry-run", "--json").json["indexed"] == 0
    told = cli("logs", "index", "--json").json
    assert (told["indexed"], told["blocks"]) == (191, 3)
    assert cli("logs", "index").lines == ["indexed 0 lines; the 20 newest are searched without it"]
    assert cli("logs", "index", "--rebuild", "--json").json["indexed"] == 191
    assert len(cli("logs", "search", "more 19", "--json").json) == 12
    assert cli("db", "check").code == 0


def test_without_an_index_there_is_none_to_bring_up_to_date(cli, monkeypatch: pytest.MonkeyPatch, logged) -> None:
    monkeypatch.setenv("FLOWCTL_LOG_SEARCH", "off")
    assert cli("logs", "index").code == 4
    assert len(cli("logs", "search", "needle", "--json").json) == 2
