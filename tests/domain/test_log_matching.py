"""Filters on log lines: SQL and memory agree."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support import NOON

from flowctl.db import where
from flowctl.db.database import Database
from flowctl.db.tables import logs
from flowctl.domain.filters import IdAnyFilter, NumberFilter, Operator, TimeFilter
from flowctl.domain.log_filters import LogFilter, LogTaskRunFilter, LogTextFilter
from flowctl.domain.log_matching import includes
from flowctl.domain.logs import Log

IDS = [UUID(int=number) for number in range(1, 4)]
ids = st.none() | st.sampled_from(IDS)
moments = st.integers(0, 3).map(lambda seconds: NOON + timedelta(seconds=seconds))


@st.composite
def lines(draw: st.DrawFn, number: int) -> Log:
    return Log(
        id=UUID(int=100 + number),
        created=NOON,
        updated=NOON,
        name=draw(st.sampled_from(["prefect.flow_runs", "Worker"])),
        level=draw(st.sampled_from([10, 20, 30])),
        message=draw(st.sampled_from(["Started", "100 % done", "grün und Grün"])),
        timestamp=draw(moments),
        flow_run_id=draw(ids),
        task_run_id=draw(ids),
    )


some_ids = st.none() | st.lists(st.sampled_from(IDS), max_size=2)
levels = st.none() | st.sampled_from([10, 20, 30])
filters = st.builds(
    LogFilter,
    operator=st.sampled_from(Operator),
    level=st.none() | st.builds(NumberFilter, ge_=levels, le_=levels),
    timestamp=st.none() | st.builds(TimeFilter, before_=st.none() | moments, after_=st.none() | moments),
    flow_run_id=st.none() | st.builds(IdAnyFilter, any_=some_ids),
    task_run_id=st.none() | st.builds(LogTaskRunFilter, any_=some_ids, is_null_=st.none() | st.booleans()),
    text=st.none()
    | st.builds(LogTextFilter, query=st.sampled_from(["", "started", "-worker", "+%", "GRÜN grün", "worker done"])),
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])  # each example undoes what it writes
@given(data=st.data(), criteria=filters)
def test_sql_and_memory_agree(db: Database, data: st.DataObject, criteria: LogFilter) -> None:
    stored = [data.draw(lines(number)) for number in range(5)]
    with db.read() as tx:
        tx.execute("ROLLBACK")
        tx.execute("BEGIN IMMEDIATE")  # a read transaction is rolled back at its end
        logs.insert_many(tx, stored)
        clause = where.log(criteria)
        found = logs.LOG.rows(tx, f"WHERE {clause.sql} ORDER BY log.position", clause.parameters)
        assert [line.id for line in found] == [line.id for line in stored if includes(criteria, line)]
