"""`flowctl doctor`, on what is well and on what is not."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from processes import serving

from flowctl.cli import doctor_checks
from flowctl.db.migrate import SCHEMA_VERSION
from flowctl.domain.flow_runs import FlowRun


@pytest.fixture(autouse=True)
def alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No server, no client."""
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    monkeypatch.setenv("FLOWCTL_PORT", "4991")
    monkeypatch.setenv("PREFECT_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))


def verdicts(result: Any) -> dict[str, str]:
    return {finding["check"]: finding["verdict"] for finding in result.json}


def client(tmp_path: Path, text: str) -> None:
    """A program called prefect that says a version."""
    path = tmp_path / "bin" / "prefect"
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"#!/bin/sh\necho {text}\n")
    path.chmod(0o755)


def test_a_file_that_is_well(cli, three: list[FlowRun]) -> None:
    result = cli("doctor")
    assert result.code == 0
    assert any(line.startswith("✓ schema") and line.endswith(f"version {SCHEMA_VERSION}") for line in result.lines)
    assert verdicts(cli("doctor", "--json")) == {
        "file": "ok",
        "schema": "ok",
        "permissions": "ok",
        "disk": "ok",
        "port": "ok",
        "PREFECT_API_URL": "note",
        "client": "ok",
    }
    assert cli("doctor", "-q").lines == []


def test_a_missing_file_is_made_by_fix(cli, tmp_path: Path) -> None:
    path = tmp_path / "deep" / "new.db"
    assert verdicts(cli("doctor", "--json", "--db", str(path)))["file"] == "note"
    assert "would mend file" in cli("doctor", "--fix", "--dry-run", "--db", str(path)).err
    assert not path.exists()
    result = cli("doctor", "--fix", "--json", "--db", str(path))
    assert (result.code, verdicts(result)["file"]) == (0, "ok")
    assert "mended file" in result.err


def test_a_file_of_somebody_else(cli, tmp_path: Path) -> None:
    path = tmp_path / "other.db"
    with closing(sqlite3.connect(path)) as conn:
        conn.execute("CREATE TABLE t (a)")
    result = cli("doctor", "--fix", "--db", str(path))
    assert result.code == 1
    assert "another program's database" in result.out


@pytest.mark.skipif(os.name == "nt", reason="modes are POSIX's")
def test_a_mode_is_mended(cli, three: list[FlowRun], db_path: Path) -> None:
    db_path.chmod(0o666)
    assert verdicts(cli("doctor", "--json"))["permissions"] == "note"
    assert verdicts(cli("doctor", "--fix", "--json"))["permissions"] == "ok"
    assert db_path.stat().st_mode & 0o777 == 0o664


def test_a_full_disk(cli, three: list[FlowRun], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor_checks, "LEAST_DISK", 10**18)
    result = cli("doctor", "--json")
    assert (result.code, verdicts(result)["disk"]) == (1, "bad")


@pytest.mark.parametrize(("version", "verdict"), [("3.8.1", "ok"), ("2.20.1", "bad"), ("", "note")])
def test_the_version_of_the_client(cli, three: list[FlowRun], tmp_path: Path, version: str, verdict: str) -> None:
    client(tmp_path, version)
    assert verdicts(cli("doctor", "--json"))["client"] == verdict


def test_a_url_that_leads_nowhere(cli, three: list[FlowRun], monkeypatch: pytest.MonkeyPatch) -> None:
    for url, message in (
        ("http://127.0.0.1:4992", "does not end in /api"),
        ("http://127.0.0.1:4992/api", "nothing answers"),
    ):
        monkeypatch.setenv("PREFECT_API_URL", url)
        result = cli("doctor")
        assert result.code == 1
        assert message in result.out


@pytest.mark.e2e
def test_beside_a_server(cli, db_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(db_path, port=4993) as server:
        monkeypatch.setenv("FLOWCTL_PORT", "4993")
        result = cli("doctor", "--json")
        assert verdicts(result)["server"] == "ok"
        assert f"export PREFECT_API_URL={server.api}" in result.out
        monkeypatch.setenv("PREFECT_API_URL", server.api)
        assert verdicts(cli("doctor", "--json"))["PREFECT_API_URL"] == "ok"
        other = cli("doctor", "--json", "--db", str(tmp_path / "other.db"))
        assert verdicts(other)["port"] == "note"
        assert "process" in other.out
