"""`flowctl db path | init | stats | headroom | query | upgrade | shell`, and sizes as people write them."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from flowctl.cli import amounts
from flowctl.db.migrate import SCHEMA_VERSION
from flowctl.domain.flow_runs import FlowRun


def test_init_creates_upgrades_and_leaves_alone(cli, tmp_path: Path) -> None:
    path = tmp_path / "deep" / "new.db"
    assert cli("db", "init", "--db", str(path), "--dry-run").lines == [f"{path} would be created"]
    assert not path.exists()
    assert cli("db", "init", "--db", str(path)).lines == [f"{path} created"]
    again = cli("db", "init", "--db", str(path), "--json").json
    assert again == {"path": str(path), "schema": SCHEMA_VERSION, "before": SCHEMA_VERSION, "result": "exists"}
    with closing(sqlite3.connect(path)) as conn:
        assert conn.execute("PRAGMA auto_vacuum").fetchone() == (2,)


def test_init_of_another_programs_file(cli, tmp_path: Path) -> None:
    path = tmp_path / "other.db"
    with closing(sqlite3.connect(path)) as conn:
        conn.execute("CREATE TABLE t (a)")
    result = cli("db", "init", "--db", str(path))
    assert (result.code, result.out) == (6, "")
    assert "another program's database" in result.err


def test_stats(cli, three: list[FlowRun]) -> None:
    result = cli("db", "stats")
    assert result.code == 0
    assert "1 Completed, 1 Failed, 1 Running" in result.out
    assert any(line.split()[:2] == ["flow_run", "3"] for line in result.lines)
    wire = cli("db", "stats", "--json").json
    assert wire["runs_by_state"] == {"Completed": 1, "Failed": 1, "Running": 1}
    assert {"name", "rows", "size_bytes"} == set(wire["tables"][0])
    assert "flow_run" in cli("db", "stats", "-q").lines
    assert cli("db", "stats", "-o", "csv").lines[0] == "table,rows,size"
    assert cli("db", "stats", "--db", "/dev/null/x").code == 6


def test_headroom(cli, three: list[FlowRun]) -> None:
    result = cli("db", "headroom")
    assert result.code == 0
    assert "One machine is plenty for this file." in result.lines
    wire = cli("db", "headroom", "--json").json
    assert wire["level"] == "plenty"
    assert wire["state_changes_per_second_possible"] > 0
    assert cli("db", "headroom", "--db", "/dev/null/x").code == 6


def test_headroom_says_what_to_do(cli, three: list[FlowRun], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("flowctl.ops.headroom.COMFORTABLE_SIZE", 1000)
    result = cli("db", "headroom")
    assert "This file has outgrown one machine." in result.lines
    for word in ("PostgreSQL", "Dask", "Ray", "Kubernetes"):
        assert word in result.out


def test_query(cli, three: list[FlowRun]) -> None:
    sql = "SELECT name, run_count FROM flow_run WHERE state_name = ? ORDER BY name"
    assert cli("db", "query", sql, "Failed").lines[1:] == ["calm-lynx  1"]
    assert cli("db", "query", sql, "Failed", "--json").json == [{"name": "calm-lynx", "run_count": 1}]
    assert cli("db", "query", sql, "Failed", "-o", "csv").lines == ["name,run_count", "calm-lynx,1"]
    assert cli("db", "query", "SELECT name FROM flow ORDER BY 1", "-q").lines == ["etl", "report"]
    assert cli("db", "query", "-", stdin="SELECT 1 AS a, x'00ff' AS a").lines == ["A  A_2", "1  00ff"]
    assert cli("db", "query", "PRAGMA table_info(flow)").code == 0
    assert cli("db", "query", "SELECT name FROM flow WHERE 0", "--json").json == []


@pytest.mark.parametrize(
    "sql",
    [
        "DELETE FROM flow_run",
        "INSERT INTO flow (id, name) VALUES ('a', 'b')",
        "PRAGMA user_version = 3",
        "PRAGMA journal_mode = DELETE",
        "PRAGMA query_only = 0",
        "VACUUM INTO '{folder}/copy.db'",
        "ATTACH '{folder}/other.db' AS other",
        "CREATE TEMP TABLE t (a)",
        "BEGIN",
    ],
)
def test_a_query_can_only_read(cli, three: list[FlowRun], tmp_path: Path, sql: str) -> None:
    before = {path.name for path in tmp_path.iterdir()}
    result = cli("db", "query", sql.format(folder=tmp_path))
    assert (result.code, result.out) == (2, "")
    assert "Only what reads may be asked here." in result.err
    assert {path.name for path in tmp_path.iterdir()} - before == set()
    assert cli("runs", "ls", "-q").lines != []


def test_a_query_that_cannot_be_answered(cli, three: list[FlowRun]) -> None:
    for sql, message in (
        ("SELECT 1 FROM nowhere", "no such table"),
        ("SELEC", "syntax error"),
        ("SELECT 1; SELECT 2", "one statement"),
        ("SELECT ?", "bindings"),
        ("", "There is no statement"),
    ):
        result = cli("db", "query", sql)
        assert (result.code, result.out) == (2, "")
        assert message in result.err
    assert cli("db", "query", "SELECT 1", "--timeout", "soon").code == 2
    assert cli("db", "query", "SELECT 1", "--db", "/no/such.db").code == 6


def test_a_query_that_takes_too_long(cli, three: list[FlowRun]) -> None:
    endless = "WITH n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"
    result = cli("db", "query", endless, "--timeout", "0.2s")
    assert (result.code, result.out) == (124, "")
    assert "No answer within 0.2s" in result.err


@pytest.mark.parametrize(
    ("count", "text"), [(0, "0 bytes"), (812, "812 bytes"), (1900, "1.9 kB"), (12e6, "12 MB"), (3.2e12, "3.2 TB")]
)
def test_sizes_for_people(count: float, text: str) -> None:
    assert amounts.size(count) == text


@pytest.mark.parametrize(("text", "count"), [("4096", 4096), ("5GB", 5 * 10**9), ("1.5 g", 1.5e9), ("10MiB", 10**7)])
def test_sizes_of_people(text: str, count: float) -> None:
    assert amounts.parse_size(text) == count


@pytest.mark.parametrize("text", ["", "GB", "5 parsecs", "-1GB"])
def test_sizes_that_are_none(text: str) -> None:
    with pytest.raises(ValueError, match="is not a size"):
        amounts.parse_size(text)


@pytest.fixture
def older(cli, db_path: Path, three: list[FlowRun]) -> Path:
    """The test's file as one that an older flowctl left."""
    with closing(sqlite3.connect(db_path)) as conn:
        conn.execute(f"PRAGMA user_version = {SCHEMA_VERSION - 1}")
    return db_path


class TestUpgrade:
    def test_it_backs_up_and_upgrades(self, cli, older: Path) -> None:
        told = cli("db", "upgrade", "--json").json
        backup = Path(told["backup"])
        assert told == {
            "path": str(older),
            "schema": SCHEMA_VERSION,
            "before": SCHEMA_VERSION - 1,
            "backup": str(backup),
        }
        assert backup.parent == older.parent
        for path, version in ((older, SCHEMA_VERSION), (backup, SCHEMA_VERSION - 1)):
            with closing(sqlite3.connect(path)) as conn:
                assert conn.execute("PRAGMA user_version").fetchone() == (version,)
                assert conn.execute("SELECT count(*) FROM flow_run").fetchone() == (3,)

    def test_a_dry_run_changes_nothing(self, cli, older: Path) -> None:
        backup, upgrade = cli("db", "upgrade", "--dry-run").lines
        assert backup.startswith("would back up to ")
        assert upgrade == f"would upgrade {older} from schema {SCHEMA_VERSION - 1} to {SCHEMA_VERSION}"
        assert not list(older.parent.glob("*-schema-*"))
        assert cli("db", "upgrade", "--no-backup", "--dry-run").lines == [upgrade]
        assert cli("db", "upgrade", "--read-only").code == 2

    def test_a_file_of_this_version_stays_as_it_is(self, cli, three: list[FlowRun], db_path: Path) -> None:
        assert cli("db", "upgrade").lines == [f"{db_path} has schema {SCHEMA_VERSION} already"]
        assert not list(db_path.parent.glob("*-schema-*"))

    def test_no_file(self, cli, tmp_path: Path) -> None:
        result = cli("db", "upgrade", "--db", str(tmp_path / "none.db"))
        assert (result.code, result.out) == (6, "")
        assert "try: flowctl db init" in result.err


_COUNT = "SELECT count(*) FROM flow_run;\n"
_DELETE = "DELETE FROM flow_run WHERE name = 'calm-lynx';\n"


def _shell(db_path: Path, *flags: str, sql: str, path: str | None = None) -> subprocess.CompletedProcess[str]:
    """The command in a process of its own; `path` is where it looks for SQLite's shell."""
    environment = os.environ | {"FLOWCTL_DB": str(db_path)} | ({} if path is None else {"PATH": path})
    command = [sys.executable, "-m", "flowctl", "db", "shell", *flags]
    return subprocess.run(command, env=environment, input=sql, capture_output=True, text=True, check=False, timeout=30)


@pytest.mark.parametrize("path", [None, ""], ids=["installed", "python"])
class TestShell:
    def test_statements_read(self, three: list[FlowRun], db_path: Path, path: str | None) -> None:
        done = _shell(
            db_path, sql=_COUNT + "SELECT name,\n run_count FROM flow_run ORDER BY name LIMIT 1;\n", path=path
        )
        assert (done.returncode, done.stdout) == (0, "3\nbrisk-otter|1\n")

    def test_they_write_only_where_that_is_asked_for(
        self, three: list[FlowRun], db_path: Path, path: str | None
    ) -> None:
        refused = _shell(db_path, sql=_DELETE, path=path)
        assert "readonly" in refused.stderr
        assert _shell(db_path, "--write", sql=_DELETE, path=path).returncode == 2  # there is nobody to ask
        assert _shell(db_path, sql=_COUNT, path=path).stdout == "3\n"
        assert _shell(db_path, "--write", "-y", sql=_DELETE, path=path).returncode == 0
        assert _shell(db_path, sql=_COUNT, path=path).stdout == "2\n"

    def test_what_cannot_be_read_fails(self, three: list[FlowRun], db_path: Path, path: str | None) -> None:
        assert _shell(db_path, sql="SELECT nothing FROM nowhere;\n", path=path).returncode == 1
        assert _shell(db_path.with_name("none.db"), sql=_COUNT, path=path).returncode == 6
        assert _shell(db_path, "--dry-run", sql=_COUNT, path=path).stdout == ""


def test_the_shell_has_no_formats(cli, three: list[FlowRun]) -> None:
    result = cli("db", "shell", "--json")
    assert result.code == 2
    assert "flowctl db query" in result.err
