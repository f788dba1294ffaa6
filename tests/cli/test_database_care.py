"""`flowctl db check | prune | retention | vacuum`."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from flowctl.domain.flow_runs import FlowRun
from flowctl.domain.states import StateType
from flowctl.ops import health_check

DAY = 24 * 60


@pytest.fixture
def aged(world) -> list[FlowRun]:
    """Runs that ended 100, 50 and 10 days ago."""
    runs: list[FlowRun] = []
    for days in (100, 50, 10):
        done = ((StateType.RUNNING, days * DAY + 1), (StateType.COMPLETED, days * DAY))
        run = world.run(f"run-{days}", *done)
        world.log(run, "hello", minutes=days * DAY)
        runs.append(run)
    return runs


def names(cli) -> set[str]:
    return {run["name"] for run in cli("runs", "ls", "--all", "--json").json}


def test_check(cli, three: list[FlowRun], db_path: Path) -> None:
    result = cli("db", "check")
    assert (result.code, result.out) == (0, f"{db_path} is sound: {health_check.CHECKS} checks\n")
    assert cli("db", "check", "--quick", "--json").json == {"path": str(db_path), "ok": True, "problems": []}
    with closing(sqlite3.connect(db_path)) as conn:
        conn.execute("UPDATE flow_run SET state_type = 'CRASHED' WHERE name = 'calm-lynx'")
        conn.commit()
    broken = cli("db", "check")
    assert broken.code == 6
    assert broken.lines[1].startswith("state  1     flow_run says another state than the state that it names")
    assert cli("db", "check", "-q").lines == [str(three[1].id)]
    wire = cli("db", "check", "--json")
    assert (wire.code, wire.json["ok"]) == (6, False)
    assert wire.json["problems"][0]["ids"] == [str(three[1].id)]


def test_check_of_a_damaged_file(cli, tmp_path: Path) -> None:
    path = tmp_path / "damaged.db"
    path.write_bytes(b"SQLite format 3\x00" + b"\xff" * 8000)
    result = cli("db", "check", "--db", str(path))
    assert (result.code, result.out) == (6, "")


def test_prune_tells_asks_and_deletes(cli, aged: list[FlowRun]) -> None:
    result = cli("db", "prune", "--older-than", "30d", "--dry-run")
    assert result.code == 0
    assert result.out.startswith("would delete 2 runs (0 task runs, 2 log lines, about ")
    assert result.out.endswith(") of 1 flow\n")
    refused = cli("db", "prune", "--older-than", "30d")
    assert (refused.code, refused.out) == (2, "")
    assert "-y" in refused.err
    assert names(cli) == {"run-100", "run-50", "run-10"}
    assert cli("db", "prune", "--older-than", "30d", "--keep-last", "2", "-y").out == "deleted 1 run\n"
    assert names(cli) == {"run-50", "run-10"}
    wire = cli("db", "prune", "--older-than", "30d", "-y", "--json").json
    assert (wire["runs"], wire["log_lines"], wire["dry_run"]) == (1, 1, False)
    assert cli("db", "prune", "--older-than", "30d", "-y").out == "nothing to delete\n"


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ((), "the file has none"),
        (("--states", "completed"), "Neither an age"),
        (("--states", "complete", "--older-than", "1d"), "did you mean"),
        (("--states", "running", "--older-than", "1d"), "have not ended"),
        (("--older-than", "long"), "is not a duration"),
        (("--max-size", "big"), "is not a size"),
    ],
)
def test_prune_without_rules_that_can_be_read(cli, aged: list[FlowRun], flags: tuple[str, ...], message: str) -> None:
    result = cli("db", "prune", "-y", *flags)
    assert (result.code, result.out) == (2, "")
    assert message in result.err
    assert len(names(cli)) == 3


def test_retention_is_shown_chosen_and_applied_by_prune(cli, aged: list[FlowRun]) -> None:
    assert cli("db", "retention").out.startswith("not decided yet")
    assert cli("db", "retention", "--older-than", "30d", "--dry-run").out == "runs are deleted 30d after their end\n"
    assert cli("db", "retention", "--json").json == {"rules": None, "chosen": False}
    told = cli("db", "retention", "--older-than", "60d", "--keep-last", "1", "--max-size", "5GB", "--states", "failed")
    assert told.out == (
        "Failed runs are deleted 60d after their end or while the data is larger than 5.0 GB (the oldest first); "
        "the last 1 of each flow stay\n"
    )
    cli("db", "retention", "--older-than", "60d")
    assert cli("db", "retention", "--json").json["rules"]["older_than_seconds"] == 60 * 86400
    assert cli("db", "prune", "-y").out == "deleted 1 run\n"
    assert cli("db", "retention", "--off").out == "off: runs stay until somebody deletes them\n"
    assert cli("db", "retention", "--off", "--older-than", "1d").code == 2
    assert cli("db", "prune", "-y").code == 2


def test_vacuum_gives_room_back(cli, aged: list[FlowRun], world, db_path: Path) -> None:
    for _ in range(50):
        world.log(aged[0], "x" * 10_000)
    assert cli("db", "prune", "--older-than", "30d", "-y").code == 0
    assert cli("db", "vacuum", "--dry-run").out.endswith(" in small steps\n")
    wire = cli("db", "vacuum", "--json").json
    assert wire["size_bytes"] < wire["size_bytes_before"]
    assert wire["free_bytes"] == 0
    world.database.close()
    assert db_path.stat().st_size == wire["size_bytes"]


def test_a_file_from_elsewhere_is_written_anew_after_a_question(cli, aged: list[FlowRun], world, db_path: Path) -> None:
    world.database.close()
    with closing(sqlite3.connect(db_path, isolation_level=None)) as conn:
        conn.execute("PRAGMA auto_vacuum = NONE")
        conn.execute("VACUUM")
        assert conn.execute("PRAGMA auto_vacuum").fetchone() == (0,)
    assert "by writing it anew, which needs" in cli("db", "vacuum", "--dry-run").out
    refused = cli("db", "vacuum")
    assert (refused.code, refused.out) == (2, "")
    assert cli("db", "vacuum", "-y").code == 0
    assert cli("db", "vacuum", "--dry-run").out.endswith(" in small steps\n")
    assert cli("db", "vacuum", "--full", "-y").code == 0
    assert cli("db", "check").code == 0
    assert len(names(cli)) == 3
