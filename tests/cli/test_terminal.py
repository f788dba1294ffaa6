"""What a person sees: the same commands in a terminal of a certain size."""

from __future__ import annotations

from pathlib import Path

import pytest
from terminals import Terminal

from flowctl.cli.tables import width
from flowctl.domain.flow_runs import FlowRun
from flowctl.domain.states import StateType


@pytest.mark.parametrize("columns", [50, 66, 80, 132])
@pytest.mark.parametrize(
    "arguments", [("runs", "ls"), ("flows", "ls"), ("runs", "history", "brisk-otter")], ids=" ".join
)
def test_tables_fit_the_terminal(db_path: Path, three: list[FlowRun], arguments: tuple[str, ...], columns: int) -> None:
    code, text = Terminal(db_path, arguments, columns=columns, NO_COLOR="1").end()
    assert code == 0
    assert max(map(width, text.splitlines())) <= columns


def test_states_have_icon_word_and_colour(db_path: Path, three: list[FlowRun]) -> None:
    _, text = Terminal(db_path, ["runs", "ls"]).end()
    assert "\x1b[31m✗ Failed" in text
    assert "\x1b[32m✓ Completed" in text
    assert str(three[0].id)[:8] in text
    assert str(three[0].id) not in text
    assert "3 runs" in text
    _, plain = Terminal(db_path, ["runs", "ls"], TERM="dumb").end()
    assert "\x1b[" not in plain
    _, ascii_only = Terminal(db_path, ["runs", "ls"], PYTHONIOENCODING="ascii", NO_COLOR="1").end()
    assert ascii_only.isascii()
    assert "Failed" in ascii_only


def test_an_empty_list_says_so(db_path: Path) -> None:
    assert Terminal(db_path, ["runs", "ls"], NO_COLOR="1").end() == (0, "no runs\n")


def test_times_are_local_or_utc(db_path: Path, world, three: list[FlowRun]) -> None:
    _, local = Terminal(db_path, ["runs", "show", "odd-crane"], TZ="XYZ-05:00", NO_COLOR="1").end()
    _, utc = Terminal(db_path, ["runs", "show", "odd-crane", "--utc"], TZ="XYZ-05:00", NO_COLOR="1").end()
    assert " XYZ (10m ago)" in local
    assert " UTC (10m ago)" in utc


def test_what_is_longer_than_the_terminal_is_paged(db_path: Path, world) -> None:
    for number in range(12):
        world.run(f"run-{number}")
    pager = "sed 's/^/paged: /'"
    _, text = Terminal(db_path, ["runs", "ls"], rows=10, PAGER=pager).end()
    assert text.startswith("paged: ")
    for flags, env in ((["--no-pager"], {}), ([], {"PAGER": "no-such-pager-anywhere"}), (["--limit", "3"], {})):
        _, text = Terminal(db_path, ["runs", "ls", *flags], rows=10, **{"PAGER": pager, **env}).end()
        assert "paged: " not in text
        assert "run-11" in text


def test_a_question_and_its_answers(db_path: Path, three: list[FlowRun]) -> None:
    terminal = Terminal(db_path, ["runs", "delete", "odd-crane"], NO_COLOR="1")
    terminal.until("[y/N] ")
    terminal.write("n\n")
    code, text = terminal.end()
    assert code == 1
    assert text.endswith("Nothing was deleted.\n")
    terminal = Terminal(db_path, ["runs", "delete", "odd-crane"], NO_COLOR="1")
    terminal.until("brings that back, for 7 days. [y/N] ")
    terminal.write("y\n")
    code, text = terminal.end()
    assert code == 0
    assert "deleted 1 run\n" in text


def test_the_live_list_follows_and_ends(db_path: Path, world, three: list[FlowRun]) -> None:
    terminal = Terminal(db_path, ["runs", "watch", "--timeout", "4s"], NO_COLOR="1", columns=120)
    terminal.until("● Running")
    world.run("a-newcomer")
    terminal.until("a-newcomer")
    code, text = terminal.end()
    assert code == 124
    assert text.endswith("\x1b[?25h\x1b[?1049l")


def test_watching_a_run_keeps_a_line_of_what_goes_on(db_path: Path, world, three: list[FlowRun]) -> None:
    terminal = Terminal(db_path, ["runs", "watch", "odd-crane"], NO_COLOR="1", columns=120)
    terminal.until("1 run going · 1 Completed · ")
    world.move(three[0], StateType.FAILED)
    code, text = terminal.end()
    assert code == 10
    assert "odd-crane" in text.rpartition("✗ Failed")[0].splitlines()[-1]
