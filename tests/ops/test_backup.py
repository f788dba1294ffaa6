"""Backups of a file in use, how many are kept, and putting one back."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
from support import NOON

from flowctl.db import copies
from flowctl.db.database import Database, Tx
from flowctl.domain.errors import Busy, Unusable
from flowctl.domain.flows import FlowCreate
from flowctl.ops import backup, flows


def add(tx: Tx, name: str) -> None:
    flows.create(tx, FlowCreate(name=name))


def names(path: Path) -> set[str]:
    with closing(sqlite3.connect(path)) as conn:
        return {name for (name,) in conn.execute("SELECT name FROM flow")}


def ignore(_pages: int) -> None:
    """Show no progress."""


def test_a_backup_is_one_file_with_what_was_committed(db: Database, tmp_path: Path) -> None:
    with db.write() as tx:
        add(tx, "etl")
    with db.write() as tx:
        add(tx, "not yet")
        made = backup.create(db.path, tmp_path / "copies" / "a.db", verify=True, progress=ignore)
    assert made.verified
    assert [path.name for path in (tmp_path / "copies").iterdir()] == ["a.db"]
    assert names(made.path) == {"etl"}
    assert copies.problems(made.path) == []
    assert [path.name for path in (tmp_path / "copies").iterdir()] == ["a.db"]


def test_commits_while_it_is_made_neither_wait_nor_disturb(db: Database, tmp_path: Path) -> None:
    with db.write() as tx:
        tx.execute("CREATE TABLE filler (bytes BLOB)")
        tx.execute(
            "WITH n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000) "
            "INSERT INTO filler SELECT zeroblob(4000) FROM n"
        )
    steps: list[int] = []

    def write(pages: int) -> None:
        steps.append(pages)
        with db.write() as tx:
            add(tx, f"flow-{len(steps)}")

    made = backup.create(db.path, tmp_path / "a.bak", verify=True, progress=write)
    assert len(steps) > 3
    assert min(steps) >= 0
    assert names(made.path) == set()  # the moment at which it began
    assert len(names(db.path)) == len(steps)


def test_what_is_no_database_of_flowctl_is_refused(tmp_path: Path) -> None:
    text = tmp_path / "text.db"
    text.write_text("this is not a database, whatever its name says" * 100)
    other = tmp_path / "other.db"
    with closing(sqlite3.connect(other)) as conn:
        conn.execute("CREATE TABLE t (a)")
    for path, message in (
        (text, "not a SQLite database"),
        (other, "another program's"),
        (tmp_path / "no", "not there"),
    ):
        with pytest.raises(Unusable, match=message):
            backup.create(path, tmp_path / "copy.db", verify=True, progress=ignore)
    assert not (tmp_path / "copy.db").exists()


def test_a_damaged_copy_is_not_kept(db: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(copies, "problems", lambda path: ["row 1 missing from index x"])
    target = tmp_path / "folder" / "a.db"
    with pytest.raises(Unusable, match="row 1 missing"):
        backup.create(db.path, target, verify=True, progress=ignore)
    assert list(target.parent.iterdir()) == []
    assert backup.create(db.path, target, verify=False, progress=ignore).path == target


def test_a_full_disk_is_noticed_before(db: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backup, "_ROOM_TO_SPARE", 10**18)
    with pytest.raises(Unusable, match="GB are needed"):
        backup.create(db.path, tmp_path / "a.bak", verify=True, progress=ignore)


def test_only_backups_of_this_database_are_removed(db: Database, tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    for day in range(5):
        backup.named(folder, db.path, NOON + timedelta(days=day)).touch()
    for name in ("flowctl-mine.db", "other-20260301-120000.db", "notes.txt"):
        (folder / name).touch()
    removed = backup.remove_old(folder, db.path, 2)
    assert [path.name[-18:-3] for path in removed] == ["20260301-120000", "20260302-120000", "20260303-120000"]
    assert len(list(folder.iterdir())) == 5


def test_restore_keeps_what_it_replaces(db: Database, tmp_path: Path) -> None:
    with db.write() as tx:
        add(tx, "before")
    made = backup.create(db.path, tmp_path / "a.bak", verify=True, progress=ignore)
    with db.write() as tx:
        add(tx, "after")
    db.close()
    kept = backup.restore(made.path, db.path, NOON, progress=ignore)
    assert kept
    assert names(kept) == {"before", "after"}
    with Database(db.path).read() as tx:
        assert tx.scalar("SELECT group_concat(name) FROM flow") == "before"
        assert tx.scalar("PRAGMA journal_mode") == "wal"


def test_restore_into_a_new_place(db: Database, tmp_path: Path) -> None:
    made = backup.create(db.path, tmp_path / "a.bak", verify=True, progress=ignore)
    assert backup.restore(made.path, tmp_path / "deep" / "b.db", NOON, progress=ignore) is None
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["b.db"]


def test_restore_refuses_while_somebody_has_the_file_open(db: Database, tmp_path: Path) -> None:
    made = backup.create(db.path, tmp_path / "a.bak", verify=True, progress=ignore)
    with db.write() as tx:
        add(tx, "here")
    before = {path.name for path in db.path.parent.iterdir()}
    with pytest.raises(Busy, match="Another process has"):
        backup.restore(made.path, db.path, NOON, progress=ignore)
    assert {path.name for path in db.path.parent.iterdir()} == before
    assert names(db.path) == {"here"}


def test_restore_refuses_a_backup_of_a_newer_flowctl(db: Database, tmp_path: Path) -> None:
    made = backup.create(db.path, tmp_path / "a.bak", verify=True, progress=ignore)
    with closing(sqlite3.connect(made.path)) as conn:
        conn.execute("PRAGMA user_version = 9999")
    with pytest.raises(Unusable, match="newer flowctl"):
        backup.restore(made.path, db.path, NOON, progress=ignore)
