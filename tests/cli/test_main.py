"""The tree: every command has help, an example and a test; the ways in which the program is called."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import typer

from flowctl import __version__
from flowctl.cli import flags, main, tree
from flowctl.domain.flow_runs import FlowRun

TESTS = "\n".join(path.read_text() for path in Path(__file__).parent.glob("test_*.py"))
ELSEWHERE = {}


def commands(command: Any = None, path: tuple[str, ...] = ("flowctl",)) -> Iterator[tuple[str, Any]]:
    command = command or main.command()
    yield " ".join(path), command
    for name, inner in getattr(command, "commands", {}).items():
        yield from commands(inner, (*path, name))


TREE = dict(commands())


def is_mere_group(command: Any) -> bool:
    """Whether a command does nothing without a further word; `flowctl serve` does."""
    return hasattr(command, "commands") and not command.invoke_without_command


def test_the_table_names_what_the_modules_have() -> None:
    for name, entry in tree.TREE.items():
        assert TREE[f"flowctl {name}"].help.partition("\n")[0] == entry.sentence
        for module, words in getattr(entry, "modules", {}).items():
            there = typer.main.get_group(import_module(f"flowctl.cli.{module}").app).commands
            elsewhere = {"serve_process": {"restart", "status"}}.get(module, set())
            assert set(words) == {*there} - (elsewhere if name == "server" else set()), (name, module)


@pytest.mark.parametrize("width", [40, 80, 200])
def test_both_doors_print_the_same_help(cli, monkeypatch: pytest.MonkeyPatch, width: int) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    page = cli("--help", quick=True)
    assert page == cli("--help") == cli(quick=True) == cli()
    table = page.lines[page.lines.index("Commands:") :]
    assert max(map(len, table)) <= max(min(width, 110), 52)
    assert all(f"  {name} " in page.out for name, entry in tree.TREE.items() if not entry.hidden)
    assert all(spelling in page.out for flag in flags.GLOBAL for spelling in flag.spellings)


@pytest.mark.parametrize("path", TREE)
class TestEach:
    def test_has_a_sentence_and_an_example(self, path: str) -> None:
        command = TREE[path]
        sentence = command.help.partition("\n")[0]
        assert sentence.endswith(".") or sentence.rstrip().endswith("pwsh.")
        assert len(sentence) > 15
        assert "flowctl" in command.epilog
        for line in command.epilog.strip().splitlines():
            assert path.removeprefix("flowctl").split()[:1] != ["lines"]
            assert "flowctl" in line, line

    def test_its_help_leads_with_the_example(self, cli, path: str) -> None:
        result = cli(*path.split()[1:], "--help")
        assert (result.code, result.err) == (0, "")
        assert result.lines[0] == TREE[path].help.partition("\n")[0]
        assert result.out.index("Examples:") < result.out.index("Usage:")

    def test_every_option_has_help(self, path: str) -> None:
        for option in TREE[path].params:
            if option.param_type_name == "option":
                assert option.help, (path, option.opts)

    def test_has_a_test(self, path: str) -> None:
        words = path.split()[1:]
        if hasattr(TREE[path], "commands") or path in ELSEWHERE:
            return
        assert ", ".join(f'"{word}"' for word in words) in TESTS, path


@pytest.mark.parametrize("path", [path for path, command in TREE.items() if is_mere_group(command)])
def test_a_group_alone_prints_its_help(cli, path: str) -> None:
    assert cli(*path.split()[1:]) == cli(*path.split()[1:], "--help")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("rnus",), "Did you mean 'runs'?"),
        (("runs", "lss"), "Did you mean 'ls'?"),
        (("runs", "ls", "--stat", "x"), "--state"),
        (("runs", "ls", "-o", "xml"), "'xml' is not one of table, wide, json"),
        (("runs", "ls", "extra"), "extra"),
    ],
)
def test_what_is_misspelt_ends_with_2_and_a_suggestion(cli, arguments: tuple[str, ...], message: str) -> None:
    result = cli(*arguments)
    assert (result.code, result.out) == (2, "")
    assert message in result.err


def test_flags_of_every_command_may_stand_anywhere(cli, three: list[FlowRun], tmp_path: Path) -> None:
    expected = cli("runs", "ls", "--json", "--fields", "name").out
    assert cli("--json", "runs", "--fields", "name", "ls").out == expected
    other = str(tmp_path / "other.db")
    assert cli("db", "init", "--db", other).code == 0
    assert cli("--db", other, "runs", "ls", "--json").json == []
    assert cli("runs", "--db", str(cli.db_path), "ls", "--db", other, "--json").json == []


def test_prefects_spellings(cli, three: list[FlowRun]) -> None:
    assert cli("flow-run", "ls", "--state-type", "FAILED", "-q").lines == [str(three[1].id)]
    assert cli("flow-run", "inspect", str(three[1].id), "-q").lines == [str(three[1].id)]
    assert cli("flow-run", "logs", "brisk-otter", "--head", "1").code == 0
    assert cli("flow-run", "cancel", "odd-crane", "--dry-run").code == 0
    assert cli("flow-run", "delete", "odd-crane", "-y").code == 0
    assert cli("flow", "ls").code == 0
    assert "--port" in cli("server", "start", "--help").out
    assert "flow-run" not in cli("--help").out


def test_an_unexpected_error_is_one_line_and_verbose_shows_more(cli, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("something odd")

    monkeypatch.setattr("flowctl.cli.run_table.find", broken)
    result = cli("runs", "ls")
    assert (result.code, result.out) == (1, "")
    assert result.err == "error: Unexpected: RuntimeError: something odd\ntry: the same command with -v, to see where\n"
    with pytest.raises(RuntimeError, match="something odd"):
        cli("runs", "ls", "-v")


def test_colours_follow_the_environment(cli, three: list[FlowRun], monkeypatch: pytest.MonkeyPatch) -> None:
    def colored(*flags: str) -> bool:
        return "\x1b[" in cli("runs", "ls", *flags).out

    assert not colored()
    assert colored("--color", "always")
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert colored()
    assert not colored("--color", "never")
    monkeypatch.setenv("NO_COLOR", "1")
    assert not colored()


def test_a_setting_that_cannot_be_read(cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLOWCTL_WAIT_LOCK", "soon")
    result = cli("runs", "ls", "--json")
    assert (result.code, result.out) == (2, "")
    assert "FLOWCTL_WAIT_LOCK" in result.err


def test_version(cli) -> None:
    assert cli("version").lines[0] == f"flowctl  {__version__}"
    assert cli("version", "--json").json["prefect"] == "3.8.1"


def test_db_path(cli, db_path: Path, tmp_path: Path) -> None:
    assert cli("db", "path").lines == [str(db_path)]
    assert cli("db", "path", "--json").json == {"path": str(db_path)}
    missing = tmp_path / "missing.db"
    assert cli("db", "path", "--db", str(missing)).lines == [str(missing)]
    assert not missing.exists()


def test_as_a_module(db_path: Path, three: list[FlowRun]) -> None:
    command = [sys.executable, "-m", "flowctl", "runs", "ls", "--db", str(db_path), "--json"]
    result = subprocess.run(command, capture_output=True, text=True, check=True)
    assert len(json.loads(result.stdout)) == 3
