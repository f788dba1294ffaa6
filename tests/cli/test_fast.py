"""The quick door serves the same as the other one, or nothing."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from flowctl.cli import fast, flags
from flowctl.cli.flags import Globals
from flowctl.db.database import Database
from flowctl.domain.flow_runs import FlowRun
from flowctl.domain.states import StateType
from flowctl.settings import Settings, database_path

SAME = [
    ("runs", "ls"),
    ("--utc", "runs", "ls", "--limit", "1"),
    ("flow-run", "ls", "--flow-name", "etl"),
    ("runs", "ls", "--state", "failed,completed", "--sort=-name"),
    ("runs", "ls", "--tag", "prod", "--tag", "db", "-o", "csv"),
    ("runs", "ls", "-q", "--all"),
    ("runs", "ls", "-o", "wide", "--no-headers", "--color", "always"),
    ("runs", "ls", "--since", "2h", "--name", "*otter"),
    ("runs", "ls", "--state", "faild"),
]

OTHERS = [
    ("runs",),
    ("runs", "ls", "--help"),
    ("runs", "ls", "--json"),
    ("runs", "ls", "-o", "yaml"),
    ("runs", "ls", "--fields", "id"),
    ("runs", "ls", "-ojson"),
    ("runs", "ls", "--lim", "1"),
    ("runs", "ls", "--limit", "0"),
    ("runs", "ls", "--limit", "x"),
    ("runs", "ls", "--limit"),
    ("runs", "ls", "--sort", "size"),
    ("runs", "ls", "--late=yes"),
    ("runs", "ls", "extra"),
    ("runs", "ls", "--since", "whenever"),
    ("runs", "ls", "--flow", "no-such-flow"),
    ("runs", "show", "x"),
    ("flows", "ls"),
]


@pytest.mark.parametrize("arguments", SAME, ids=" ".join)
def test_both_doors_print_the_same(cli, world, arguments: tuple[str, ...]) -> None:
    world.run("brisk-otter", (StateType.RUNNING, 60), (StateType.COMPLETED, 55), tags=("prod", "db"))
    world.run("calm-lynx", (StateType.RUNNING, 30), (StateType.FAILED, 29), flow="report")
    quick, slow = cli(*arguments, quick=True), cli(*arguments)
    assert quick == slow
    assert quick.code == 0


@pytest.mark.parametrize("arguments", OTHERS, ids=" ".join)
def test_what_is_unusual_is_left_to_the_other_door(
    cli, three: list[FlowRun], capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...]
) -> None:
    assert fast.serve(arguments) is None
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("content", [None, b"", b"no database at all", "old"])
def test_a_database_that_is_not_ready_is_left_to_the_other_door(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: bytes | str | None
) -> None:
    path = tmp_path / "x.db"
    if content == "old":
        database = Database(path)
        with database.write() as tx:
            tx.execute("PRAGMA user_version = 1")
        database.close()
    elif isinstance(content, bytes):
        path.write_bytes(content)
    before = path.read_bytes() if path.exists() else None
    assert fast.serve(["runs", "ls", "--db", str(path)]) is None
    assert capsys.readouterr() == ("", "")
    assert (path.read_bytes() if path.exists() else None) == before


def test_odd_characters_in_the_path(tmp_path: Path, migrated_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "50% of#it? .db"
    path.write_bytes(migrated_file.read_bytes())
    assert fast.serve(["runs", "ls", "--db", str(path)]) == 0
    assert capsys.readouterr().out.startswith("ID")


@pytest.mark.parametrize("data_home", ["", "/data/home"])
def test_the_database_is_where_the_settings_say(monkeypatch: pytest.MonkeyPatch, data_home: str) -> None:
    monkeypatch.delenv("FLOWCTL_DB", raising=False)
    monkeypatch.setenv("XDG_DATA_HOME", data_home)
    found = fast.database_path(flags.Globals({}))
    if sys.platform == "linux":
        assert found == str(database_path(Settings()))
    else:
        assert found is None


def test_version(cli) -> None:
    quick, slow = cli("--version", quick=True), cli("--version")
    assert quick == slow
    assert quick.out.startswith("flowctl ")
    assert "3.8.1" in quick.out


def test_a_reader_that_goes_away_is_no_error(db_path: Path, world) -> None:
    for number in range(30):
        world.run(f"run-{number}")
    code = "import sys; from flowctl.__main__ import main; sys.exit(main())"
    for extra in ([], ["--json"]):
        command = [sys.executable, "-c", code, "runs", "ls", "--all", "--db", str(db_path), *extra]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
            assert process.stdout
            assert process.stderr
            process.stdout.close()
            assert process.stderr.read() == b""
            assert process.wait(30) == 141


def test_the_quick_door_leaves_configured_places_to_the_other(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("FLOWCTL_DB", "FLOWCTL_API", "FLOWCTL_CONTEXT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(sys, "platform", "linux")
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)
    monkeypatch.chdir(inner)
    (tmp_path / "a" / "pyproject.toml").write_text('[project]\nname = "flowctl-fan"\n')
    user = tmp_path / "config.toml"
    monkeypatch.setenv("FLOWCTL_CONFIG", str(user))

    def path(**given: object) -> str | None:
        return fast.database_path(Globals(given))

    assert path() is not None, "a pyproject.toml without the table is nothing"
    user.write_text("")
    assert path() is None
    assert path(db="x.db") == "x.db", "a flag is stronger than any file"
    assert path(context="prod") is None
    monkeypatch.setenv("FLOWCTL_DB", "y.db")
    assert path() == "y.db", "so is a variable"
    monkeypatch.setenv("FLOWCTL_CONTEXT", "prod")
    assert path() is None
    monkeypatch.delenv("FLOWCTL_CONTEXT")
    monkeypatch.delenv("FLOWCTL_DB")
    user.unlink()
    (tmp_path / "a" / "pyproject.toml").write_text("[tool.flowctl]\n")
    assert path() is None
    (tmp_path / "a" / "pyproject.toml").unlink()
    (tmp_path / "flowctl.toml").write_text("")
    assert path() is None
