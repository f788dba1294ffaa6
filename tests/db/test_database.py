from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import threading
from contextlib import closing
from pathlib import Path

import pytest

from flowctl.db.database import Database, Tx
from flowctl.db.migrate import SCHEMA_VERSION
from flowctl.db.tables import flows as table
from flowctl.domain.errors import Busy, Conflict, Unusable
from flowctl.domain.flows import Flow, FlowCreate
from flowctl.ops import flows as ops
from flowctl.settings import Settings


def flow(tx: Tx, name: str) -> Flow:
    return Flow(id=tx.new_id(), created=tx.now, updated=tx.now, name=name)


def test_a_new_file_is_created_with_its_directories_and_migrated(tmp_path: Path) -> None:
    path = tmp_path / "some" / "where" / "flowctl.db"
    Database(path).close()
    conn = sqlite3.connect(path)
    assert conn.execute("PRAGMA user_version").fetchone() == (SCHEMA_VERSION,)
    assert conn.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    conn.close()


def test_two_processes_that_start_together_create_the_file_once(tmp_path: Path) -> None:
    path = tmp_path / "flowctl.db"
    code = f"from pathlib import Path; from flowctl.db.database import Database; Database(Path({str(path)!r})).close()"
    children = [subprocess.Popen([sys.executable, "-c", code]) for _ in range(4)]
    assert [child.wait(60) for child in children] == [0, 0, 0, 0]
    with Database(path).read() as tx:
        assert tx.scalar("SELECT count(*) FROM _sqlite_migrations") == SCHEMA_VERSION


def test_a_write_that_fails_is_undone(db: Database) -> None:
    def insert_and_fail() -> None:
        with db.write() as tx:
            table.insert(tx, flow(tx, "gone"))
            raise RuntimeError

    with pytest.raises(RuntimeError):
        insert_and_fail()
    with db.read() as tx:
        assert table.by_name(tx, "gone") is None


def test_a_write_that_is_discarded_leaves_nothing(db: Database) -> None:
    with closing(db.connect()) as other:
        before = other.execute("PRAGMA data_version").fetchone()
        with db.write() as tx:
            tx.discard()
            table.insert(tx, flow(tx, "tried"))
        assert other.execute("PRAGMA data_version").fetchone() == before
    with db.read() as tx:
        assert table.by_name(tx, "tried") is None


def test_a_discarded_write_leaves_the_others_of_its_group(db: Database) -> None:
    def attempt(tx: Tx) -> None:
        ops.create(tx, FlowCreate(name=f"tried-{tx.new_id()}"))
        tx.discard()

    writer = db.writer()
    writer.begin()
    told: list[int] = []
    for work in (attempt, lambda tx: ops.create(tx, FlowCreate(name="first")), attempt):
        told.append(len(writer.run(work)[1].emitted))
    writer.run(lambda tx: ops.create(tx, FlowCreate(name="second")))
    writer.commit()
    writer.close()
    with db.read() as tx:
        assert tx.execute("SELECT name FROM flow ORDER BY name").fetchall() == [("first",), ("second",)]
        assert (told[0], told[2]) == (0, 0)
    assert told[1] > 0


def test_a_read_cannot_leave_anything_behind(db: Database) -> None:
    with db.read() as tx:
        table.insert(tx, flow(tx, "gone"))
    with db.read() as tx:
        assert table.by_name(tx, "gone") is None


def test_a_reader_sees_a_snapshot_while_a_writer_commits(db: Database) -> None:
    with db.read() as reader:
        assert table.by_name(reader, "later") is None
        with db.write() as writer:
            table.insert(writer, flow(writer, "later"))
        assert table.by_name(reader, "later") is None
    with db.read() as reader:
        assert table.by_name(reader, "later")


def test_a_taken_name_is_a_conflict_that_names_the_constraint(tx: Tx) -> None:
    table.insert(tx, flow(tx, "etl"))
    with pytest.raises(Conflict) as caught:
        table.insert(tx, flow(tx, "etl"))
    assert "flow.name" in caught.value.__notes__[0]


def test_a_group_commits_its_writes_together_and_undoes_only_the_one_that_failed(db: Database) -> None:
    writer = db.writer()
    writer.begin()
    writer.run(lambda tx: table.insert(tx, flow(tx, "one")))
    with pytest.raises(Conflict):
        writer.run(lambda tx: [table.insert(tx, flow(tx, name)) for name in ("two", "one")])
    writer.run(lambda tx: table.insert(tx, flow(tx, "three")))
    with db.read() as tx:
        assert table.by_name(tx, "one") is None, "nothing is visible before the commit"
    writer.commit()
    writer.close()
    with db.read() as tx:
        assert [bool(table.by_name(tx, name)) for name in ("one", "two", "three")] == [True, False, True]


def test_a_lock_held_by_another_connection_is_busy_and_ends(db_path: Path) -> None:
    db = Database(db_path, Settings(busy_timeout=0.05))
    other = sqlite3.connect(db_path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(Busy, match="Another process is writing"), db.write():
        pass
    other.execute("ROLLBACK")
    other.close()
    with db.write() as tx:
        table.insert(tx, flow(tx, "now"))
    db.close()


def test_writers_in_many_threads_wait_for_each_other(db: Database) -> None:
    def add(number: int) -> None:
        for each in range(10):
            with db.write() as tx:
                table.insert(tx, flow(tx, f"{number}-{each}"))

    threads = [threading.Thread(target=add, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with db.read() as tx:
        assert tx.scalar("SELECT count(*) FROM flow") == 80


def test_ids_made_in_one_transaction_ascend_and_carry_their_time(db: Database) -> None:
    with db.read() as tx:
        ids = [tx.new_time_id() for _ in range(5000)]
        assert ids == sorted(ids)
        assert len(set(ids)) == 5000
        assert {id.version for id in ids} == {7}
        assert ids[0].int >> 80 == int(tx.now.timestamp() * 1000)


class TestFilesThatCannotBeUsed:
    def test_one_that_is_no_database(self, tmp_path: Path) -> None:
        path = tmp_path / "notes.txt"
        path.write_text("Remember the milk. " * 100)
        with pytest.raises(Unusable, match="is not a SQLite database"):
            Database(path)
        assert path.read_text().startswith("Remember the milk.")

    def test_one_of_another_program(self, tmp_path: Path) -> None:
        path = tmp_path / "other.db"
        conn = sqlite3.connect(path)
        conn.execute("CREATE TABLE recipe (name TEXT)")
        conn.close()
        with pytest.raises(Unusable, match="another program's database"):
            Database(path)

    def test_a_prefect_servers(self, tmp_path: Path) -> None:
        path = tmp_path / "prefect.db"
        conn = sqlite3.connect(path)
        conn.execute("CREATE TABLE alembic_version (version_num TEXT)")
        conn.close()
        with pytest.raises(Unusable, match="a Prefect server's database"):
            Database(path)

    def test_one_with_a_newer_schema(self, db_path: Path) -> None:
        conn = sqlite3.connect(db_path)
        conn.execute(f"PRAGMA user_version = {SCHEMA_VERSION + 1}")
        conn.close()
        with pytest.raises(Unusable, match="a newer flowctl made") as caught:
            Database(db_path)
        assert "upgrade flowctl" in (caught.value.remedy or "")

    def test_a_directory(self, tmp_path: Path) -> None:
        with pytest.raises(Unusable, match="cannot be opened"):
            Database(tmp_path)

    def test_a_missing_one_that_must_not_be_made(self, tmp_path: Path) -> None:
        with pytest.raises(Unusable, match="cannot be opened"):
            Database(tmp_path / "none.db", read_only=True)

    def test_a_damaged_one(self, db_path: Path) -> None:
        size = db_path.stat().st_size
        with db_path.open("r+b") as file:
            file.seek(4096)
            file.write(os.urandom(size - 4096))
        with pytest.raises(Unusable, match="is damaged"), Database(db_path).read() as tx:
            tx.execute("SELECT count(*) FROM flow").fetchone()


def test_a_read_only_database_reads_and_refuses_to_write(db_path: Path) -> None:
    with Database(db_path).write() as tx:
        table.insert(tx, flow(tx, "etl"))
    db = Database(db_path, read_only=True)
    with db.read() as tx:
        assert table.by_name(tx, "etl")
    with pytest.raises(Unusable, match="cannot be written"), db.write() as tx:
        table.insert(tx, flow(tx, "more"))
    db.close()


def test_a_group_whose_first_write_fails_keeps_the_others(db: Database) -> None:
    writer = db.writer()
    writer.begin()
    for name, fails in (("one", True), ("two", False), ("three", True), ("four", False)):
        if fails:
            with pytest.raises(ZeroDivisionError):
                writer.run(lambda tx, name=name: (table.insert(tx, flow(tx, name)), 1 / 0))
        else:
            writer.run(lambda tx, name=name: table.insert(tx, flow(tx, name)))
    writer.commit()
    writer.close()
    with db.read() as tx:
        assert [row[0] for row in tx.execute("SELECT name FROM flow ORDER BY rowid")] == ["two", "four"]
