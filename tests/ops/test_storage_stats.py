"""Figures of a file: tables, states, days and growth; and headroom, which is made of them."""

from __future__ import annotations

import sqlite3
from dataclasses import replace

import pytest
from aged_runs import Past
from support import Clock

from flowctl.db.database import Database, Tx
from flowctl.db.queries import storage
from flowctl.domain.states import StateType
from flowctl.ops import headroom, storage_stats
from flowctl.ops.headroom import Headroom, Speed
from flowctl.ops.storage_stats import Stats


@pytest.fixture
def past(db: Database, clock: Clock) -> Past:
    past = Past(db, clock)
    for days in (0.0, 1.0, 1.0, 3.0, 40.0):
        past.run(days, lines=50)
    past.run(2.0, end=StateType.FAILED, lines=50)
    return past


def stats(db: Database) -> Stats:
    with db.read() as tx:
        return storage_stats.read(tx)


def test_tables_states_and_days(db: Database, past: Past) -> None:
    found = stats(db)
    rows = {table.name: table.rows for table in found.tables}
    assert (rows["flow_run"], rows["task_run"], rows["log"], rows["flow"]) == (6, 6, 300, 1)
    assert all(table.size > 0 for table in found.tables)
    assert sum(table.size for table in found.tables) <= found.room.size
    assert found.states == {"Completed": 5, "Failed": 1}
    assert rows["log_search"] > 0
    assert not [name for name in rows if name.startswith("log_search_")]
    assert [(day.day, day.flow_runs, day.task_runs, day.log_lines) for day in found.days] == [
        ("2026-02-26", 1, 1, 50),
        ("2026-02-27", 1, 1, 50),
        ("2026-02-28", 2, 2, 100),
    ]
    assert 0 < found.growth < found.room.size


def test_without_dbstat_sizes_are_estimated(db: Database, past: Past, monkeypatch: pytest.MonkeyPatch) -> None:
    known = {table.name: table.size for table in stats(db).tables}

    execute = Tx.execute

    def without_dbstat(tx: Tx, sql: str, *rest: object) -> sqlite3.Cursor:
        if "dbstat" in sql:
            raise sqlite3.OperationalError("no such table: dbstat")
        return execute(tx, sql, *rest)  # pyright: ignore

    monkeypatch.setattr(Tx, "execute", without_dbstat)
    estimated = {table.name: table.size for table in stats(db).tables}
    assert estimated.keys() == known.keys()
    assert known["log"] / 4 < estimated["log"] < known["log"] * 4


def test_an_empty_file(db: Database) -> None:
    found = stats(db)
    assert (found.states, found.days, found.growth) == ({}, [], 0)
    assert {table.name for table in found.tables} <= {"log_search"}


def test_the_busiest_minute(db: Database, past: Past) -> None:
    with db.read() as tx:
        minute = storage.busiest_minute(tx, past.stored(7), past.stored(-1))
    assert minute == ("2026-02-28 12:00", 4)


EASY = Headroom(
    size=10**9,
    growth=10**7,
    disk_free=10**12,
    disk_days=10**5,
    busiest="2026-02-28 12:00",
    rate=5.0,
    speed=Speed(commits=1000.0, commit_seconds=0.001, lock_seconds=0.0),
)


def test_the_worse_of_size_and_rate_decides() -> None:
    assert EASY.level == "plenty"
    assert replace(EASY, rate=200.0).level == "fine"
    assert replace(EASY, size=30 * 10**9).level == "near"
    assert replace(EASY, rate=600.0).level == "outgrown"


def test_the_disk_is_judged_alone() -> None:
    assert EASY.disk_part < 0.1
    assert replace(EASY, disk_free=10**8).disk_part == 1.0
    assert replace(EASY, disk_days=20.0).disk_part > 0.5
    assert replace(EASY, disk_days=None).disk_part == 0.0


def test_measuring_leaves_nothing_behind(db: Database, past: Past) -> None:
    before = {path.name for path in db.path.parent.iterdir()}, past.rows()
    found = headroom.read(db)
    assert ({path.name for path in db.path.parent.iterdir()}, past.rows()) == before
    assert found.speed.commits > 0
    assert found.rate == 4 * 3 / 60
    assert found.size > 0
    assert found.disk_free > 0
