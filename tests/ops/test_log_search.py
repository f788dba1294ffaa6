"""Searching logs: with and without the index, which is filled while the writer is idle, and survives deletions."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from support import NOON, Clock

from flowctl.db.database import Database, Tx
from flowctl.db.queries import log_search as queries
from flowctl.domain.errors import Refused
from flowctl.domain.filters import NameFilter, NumberFilter, Operator, TimeFilter
from flowctl.domain.flow_filters import FlowFilter
from flowctl.domain.flow_runs import FlowRunCreate
from flowctl.domain.flows import FlowCreate
from flowctl.domain.log_filters import LogFilter
from flowctl.domain.log_search import LogSearch, LogSearchResult
from flowctl.domain.logs import LogCreate
from flowctl.ops import flow_runs, flows, log_search, logs, steps, trash, trash_restore

MESSAGES = ["started", "loaded {n} rows", "KeyError: 'x{n}'", "finished in {n} s", "größer als {n}"]


def make_run(tx: Tx, flow: str = "etl") -> UUID:
    owner, _ = flows.create(tx, FlowCreate(name=flow))
    return flow_runs.create(tx, FlowRunCreate(flow_id=owner.id, name=f"run of {flow}"))[0].id


def write(tx: Tx, *messages: str, run: UUID | None = None, level: int = 20, name: str = "prefect.flow_runs") -> None:
    logs.create(
        tx,
        [
            LogCreate(name=name, level=level, message=text, timestamp=tx.now + timedelta(seconds=n), flow_run_id=run)
            for n, text in enumerate(messages)
        ],
    )


def write_many(db: Database, count: int, run: UUID | None = None) -> None:
    with db.write() as tx:
        write(tx, *(MESSAGES[n % len(MESSAGES)].format(n=n) for n in range(count)), run=run)


def all_pages(db: Database, pattern: str, **rest: Any) -> list[LogSearchResult]:
    pages: list[LogSearchResult] = []
    before = None
    while not pages or before is not None:
        with db.read() as tx:
            pages.append(log_search.search(tx, LogSearch(pattern=pattern, before=before, **rest)))
        before = pages[-1].before
    return pages


def messages(db: Database, pattern: str, **rest: Any) -> list[str]:
    return [match.log.message for page in all_pages(db, pattern, **rest) for match in page.matches]


def fill(db: Database) -> int:
    return steps.run(db, log_search.fill)


def status(db: Database) -> log_search.Status:
    with db.read() as tx:
        return log_search.status(tx)


@pytest.mark.parametrize("indexed", [False, True])
def test_the_newest_lines_come_first(db: Database, indexed: bool) -> None:
    write_many(db, 700)
    if indexed:
        assert fill(db) == 639  # positions begin at 1
    assert messages(db, "KeyError: 'x11*") == []
    assert messages(db, "KeyError: 'x11")[:3] == ["KeyError: 'x117'", "KeyError: 'x112'"]
    assert messages(db, "eyerr")[:2] == ["KeyError: 'x697'", "KeyError: 'x692'"]
    assert len(messages(db, "eyerr", limit=7)) == 140
    assert messages(db, "GRÖẞER 4", fixed=True) == []
    assert messages(db, "GRÖßER als 4", fixed=True)[-1] == "größer als 4"
    assert messages(db, r"x\d{2}'$", regex=True)[-1] == "KeyError: 'x12'"
    assert messages(db, "s") == messages(db, "S")


def test_the_index_finds_what_reading_all_lines_finds(db_path: Any, db: Database) -> None:
    write_many(db, 1500)
    fill(db)
    with db.write() as tx:
        tx.execute("DELETE FROM log WHERE position BETWEEN 200 AND 900 AND position % 3 > 0")
    write_many(db, 100)
    off = Database(db_path, replace(db.settings, log_search_enabled=False))

    @hypothesis_settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(st.sampled_from(MESSAGES), st.integers(0, 1600), st.integers(0, 6), st.integers(1, 9), st.integers(1, 200))
    def test(message: str, number: int, start: int, length: int, limit: int) -> None:
        pattern = message.format(n=number)[start : start + length]
        if pattern.strip(' "'):
            assert messages(db, pattern, limit=limit) == messages(off, pattern)

    test()
    off.close()


def test_one_request_looks_at_a_bounded_number_of_lines(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_search, "LINES_A_REQUEST", 100)
    monkeypatch.setattr(queries, "LINES_A_WINDOW", 50)
    write_many(db, 500)
    pages = all_pages(db, "nothing of this")
    assert [(page.matches, page.looked) for page in pages] == [([], 100)] * 5
    fill(db)
    assert len(all_pages(db, "nothing of this")) < 3
    assert len(messages(db, "started")) == 100


def test_filters(db: Database, clock: Clock) -> None:
    with db.write() as tx:
        etl, report = make_run(tx), make_run(tx, "report")
        write(tx, "needle one", run=etl)
        write(tx, "needle two", run=report, level=40, name="prefect.task_runs")
    clock.advance(hours=1)
    with db.write() as tx:
        write(tx, "needle three", run=etl, name="prefect.flow_runs.mine")

    def found(**rest: Any) -> list[str]:
        return [message.removeprefix("needle ") for message in messages(db, "needle", **rest)]

    assert found() == ["three", "two", "one"]
    assert found(logs=LogFilter(level=NumberFilter(ge_=30))) == ["two"]
    assert found(logs=LogFilter(timestamp=TimeFilter(after_=NOON + timedelta(minutes=1)))) == ["three"]
    either = LogFilter(
        operator=Operator.or_, timestamp=TimeFilter(after_=NOON + timedelta(minutes=1)), level=NumberFilter(ge_=30)
    )
    assert found(logs=either) == ["three", "two"]
    assert found(logger="prefect.flow_runs") == ["three", "one"]
    assert found(logger="prefect.*_runs") == ["two", "one"]
    assert found(flows=FlowFilter(name=NameFilter(any_=["report"]))) == ["two"]
    assert found(flows=FlowFilter(name=NameFilter(any_=["none"]))) == []


def test_a_match_comes_with_its_run_and_the_lines_around_it(db: Database) -> None:
    with db.write() as tx:
        run, other = make_run(tx), make_run(tx, "report")
        write(tx, "a", "b", "needle c", "d", "needle e", run=run)
        write(tx, "x", "y", run=other)
        write(tx, "needle alone")
    [page] = all_pages(db, "needle", context=1)
    alone, last, first = page.matches
    assert (alone.earlier, alone.later) == ([], [])
    assert [line.message for line in first.earlier + first.later] == ["b", "d"]
    assert [line.message for line in last.earlier + last.later] == ["d"]
    assert first.spans == [(0, 6)]
    assert [(each.id, each.name, each.flow_name) for each in page.runs] == [(run, "run of etl", "etl")]


def test_the_service_waits_while_many_lines_come(db: Database, clock: Clock) -> None:
    write_many(db, 2200)
    with db.write() as tx:
        assert log_search.run_once(tx) == 0
    clock.advance(seconds=11)
    done = 0
    for _ in range(10):
        with db.write() as tx:
            done += log_search.run_once(tx)
    assert done == 2200 // queries.LINES_A_BLOCK * queries.LINES_A_BLOCK - 1  # positions begin at 1
    assert status(db) == log_search.Status(is_on=True, blocks=34, waiting=25)


def test_the_service_does_some_at_each_tick_when_too_many_wait(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_search, "MOST_WAITING", 2100)
    write_many(db, 2200)
    with db.write() as tx:
        assert log_search.run_once(tx) == 0
        assert log_search.status(tx).waiting < 1200


def test_long_messages_make_a_step_short(db: Database) -> None:
    with db.write() as tx:
        write(tx, *["x" * 10_000] * 200)
        assert queries.fill(tx, lines=1024, characters=200_000) == 63
        assert queries.fill(tx, lines=1024, characters=200_000) == 64


def test_after_most_lines_are_gone_the_index_is_made_anew(db: Database, clock: Clock) -> None:
    count = 300 * queries.LINES_A_BLOCK
    write_many(db, count)
    fill(db)
    clock.advance(hours=1)
    with db.write() as tx:
        assert log_search.run_once(tx) == 0
        tx.execute("DELETE FROM log WHERE position <= ?", (count * 2 // 3,))
        assert log_search.run_once(tx) == 1
        assert queries.read(tx).blocks == 0
    assert messages(db, f"finished in {count - 2} s") == [f"finished in {count - 2} s"]
    fill(db)
    with db.write() as tx:
        assert log_search.run_once(tx) == 0
        assert 99 <= queries.read(tx).blocks <= 101
    assert messages(db, f"finished in {count - 2} s") == [f"finished in {count - 2} s"]


def test_while_lines_are_in_the_trash_the_index_stays(db: Database, clock: Clock) -> None:
    count = 300 * queries.LINES_A_BLOCK
    with db.write() as tx:
        run = make_run(tx)
        write(tx, "needle", *["straw"] * 100, run=run)
    write_many(db, count)
    fill(db)
    steps.run(db, lambda tx: trash.delete(tx, [run]))
    with db.write() as tx:
        tx.execute("DELETE FROM log WHERE position <= ?", (count - 100,))
    clock.advance(hours=1)
    with db.write() as tx:
        assert log_search.run_once(tx) == 0
    with pytest.raises(Refused, match="trash"):
        steps.run(db, lambda tx: log_search.fill(tx, anew=True))
    assert messages(db, "needle") == []
    steps.run(db, trash_restore.restore)
    assert messages(db, "needle") == ["needle"]


def test_switched_off_it_neither_fills_nor_asks_the_index(db_path: Any, db: Database, clock: Clock) -> None:
    write_many(db, 300)
    clock.advance(hours=1)
    off = Database(db_path, replace(db.settings, log_search_enabled=False), clock=clock)
    with off.write() as tx:
        assert log_search.run_once(tx) == 0
        assert log_search.status(tx).is_on is False
    assert len(messages(off, "started")) == 60
    off.close()


def test_a_file_without_the_index_is_searched_line_by_line(db: Database) -> None:
    write_many(db, 300)
    with db.write() as tx:
        tx.execute("DROP TABLE log_search")
        assert log_search.run_once(tx) == 0
        assert log_search.status(tx).is_on is False
    assert len(messages(db, "started")) == 60


def test_what_the_index_has_lost_is_told(db: Database) -> None:
    write_many(db, 300)
    fill(db)
    with db.write() as tx:
        assert queries.missing(tx, 5) == (0, [])
        tx.execute("UPDATE log SET message = 'written behind its back' WHERE position = 64")
        count, ids = queries.missing(tx, 5)
        assert (count, ids) == (1, [tx.scalar("SELECT id FROM log WHERE position = 64")])
    steps.run(db, lambda tx: log_search.fill(tx, anew=True))
    with db.read() as tx:
        assert queries.missing(tx, 5) == (0, [])
