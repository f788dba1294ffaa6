"""Prefect's spellings: each leads to a command that exists, and does what that command does."""

from __future__ import annotations

from typing import Any

import pytest

from flowctl.cli import main
from flowctl.cli.aliases import PREFECT
from flowctl.domain.flow_runs import FlowRun


def found(words: str) -> Any:
    """The command to which words lead as they are typed."""
    command: Any = main.command()
    ctx = command.make_context("flowctl", [], resilient_parsing=True)
    for word in words.split():
        command = command.get_command(ctx, word)
        assert command is not None, words
        ctx = type(ctx)(command, info_name=word, parent=ctx)
    return command


@pytest.mark.parametrize("spelling", PREFECT)
def test_each_leads_where_the_table_says(cli, spelling: str) -> None:
    meant = PREFECT[spelling]
    assert not {spelling, meant} & set(PREFECT) - {spelling}, "the target is flowctl's own spelling"
    command = found(spelling)
    assert command.name == meant.split()[-1]
    own = cli(*meant.split(), "--help")
    prefects = cli(*spelling.split(), "--help")
    assert (prefects.code, prefects.err) == (0, "")
    assert prefects.lines[0] == own.lines[0] == command.help.partition("\n")[0]
    assert f"Usage: flowctl {spelling} " in prefects.out, "the help keeps the words that were typed"


def test_the_help_does_not_show_them(cli) -> None:
    listed = {line.split()[0] for line in cli("--help").lines if line.startswith("  ") and line.strip()}
    assert not listed & set(PREFECT)


def test_below_a_group_the_own_names_serve(cli, three: list[FlowRun]) -> None:
    assert cli("flow-run", "ls", "-q").out == cli("runs", "ls", "-q").out
    assert cli("flow-run", "inspect", "calm-lynx", "-q").lines == [str(three[1].id)]
    assert (
        cli("--utc", "flow-run", "--json", "logs", "brisk-otter").out
        == cli("runs", "logs", "brisk-otter", "--json").out
    )
    assert cli("config", "view", "--changed", "-q").lines == ["db"]
    assert cli("profile", "ls", "-q").lines == ["local"]
    assert cli("profiles", "inspect", "local").lines[0].split() == ["name", "local"]


def test_a_prefect_spelling_elsewhere_is_none(cli) -> None:
    assert cli("runs", "stream").code == 2
    assert cli("server", "ls").code == 2
