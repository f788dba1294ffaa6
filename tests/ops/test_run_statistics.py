from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from flowctl.domain.errors import Invalid
from flowctl.domain.flow_runs import FlowRun, FlowRunCreate
from flowctl.domain.flows import FlowCreate
from flowctl.domain.run_statistics import percentile
from flowctl.domain.states import StateCreate, StateType
from flowctl.domain.task_runs import TaskRunCreate
from flowctl.ops import flow_runs, flows, run_statistics, set_state, task_runs
from flowctl.ops.run_statistics import StatisticsQuery

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def run(db, clock, flow: str, hours_ago: float, ending: StateType | None, *, minutes: float = 1.0) -> FlowRun:
    clock.now = NOW - timedelta(hours=hours_ago)
    with db.write() as tx:
        owner, _ = flows.create(tx, FlowCreate(name=flow))
        made, _ = flow_runs.create(tx, FlowRunCreate(flow_id=owner.id, state=StateCreate(type=StateType.RUNNING)))
        body = TaskRunCreate(
            flow_run_id=made.id, task_key=f"{flow}-load", dynamic_key="0", state=StateCreate(type=StateType.RUNNING)
        )
        task, _ = task_runs.create(tx, body)
    if ending:
        clock.now += timedelta(minutes=minutes)
        with db.write() as tx:
            set_state.set_flow_run_state(tx, made.id, StateCreate(type=ending), force=True)
            set_state.set_task_run_state(tx, task.id, StateCreate(type=ending), force=True)
    clock.now = NOW
    return made


@pytest.fixture
def history(db, clock) -> dict[str, UUID]:
    for number in range(4):
        run(db, clock, "etl", 1 + number, StateType.COMPLETED, minutes=1 + number)
    run(db, clock, "etl", 5, StateType.FAILED)
    run(db, clock, "etl", 0.5, None)
    run(db, clock, "etl", 24 * 10, StateType.COMPLETED)
    last = run(db, clock, "report", 2, StateType.CRASHED)
    return {"report run": last.id, "report": last.flow_id}


def test_of_flows(db, history: dict[str, UUID]) -> None:
    with db.read() as tx:
        etl, report = run_statistics.of_flows(tx, StatisticsQuery(since=NOW - timedelta(hours=8), parts=8))
    assert (etl.name, etl.runs, etl.completed, etl.failed, etl.active) == ("etl", 6, 4, 1, 1)
    assert etl.success_rate == 0.8
    assert (etl.p50_seconds, etl.p95_seconds, etl.total_seconds) == (120.0, 240.0, 660.0)
    assert etl.history == [0, 0, 0, 1, 1, 1, 1, 2]
    assert etl.failures == [0, 0, 0, 1, 0, 0, 0, 0]
    assert etl.last_start == NOW - timedelta(minutes=30)
    assert (report.name, report.crashed, report.success_rate) == ("report", 1, 0.0)


def test_of_some_flows_and_of_longer(db, history: dict[str, UUID]) -> None:
    with db.read() as tx:
        (report,) = run_statistics.of_flows(tx, StatisticsQuery(flow_ids=[history["report"]]))
        assert report.key == str(history["report"])
        assert [each.runs for each in run_statistics.of_flows(tx, StatisticsQuery(since=NOW - timedelta(days=20)))] == [
            7,
            1,
        ]
        assert run_statistics.of_flows(tx, StatisticsQuery(flow_ids=[])) == []


def test_of_tasks(db, history: dict[str, UUID]) -> None:
    with db.read() as tx:
        etl, report = run_statistics.of_tasks(tx, StatisticsQuery())
        assert (etl.key, etl.name, etl.runs, etl.failed, etl.p50_seconds) == ("etl-load", "etl-load", 6, 1, 120.0)
        for query in (
            StatisticsQuery(flow_ids=[history["report"]]),
            StatisticsQuery(flow_run_ids=[history["report run"]]),
        ):
            assert run_statistics.of_tasks(tx, query) == [report]


def test_a_span_that_ends_before_it_begins(db) -> None:
    with db.read() as tx, pytest.raises(Invalid, match="ends before"):
        run_statistics.of_flows(tx, StatisticsQuery(since=NOW, until=NOW))


@pytest.mark.parametrize(
    ("values", "share", "expected"),
    [([], 0.5, None), ([1.0], 0.95, 1.0), ([1, 2, 3, 4], 0.5, 2), ([1, 2, 3, 4], 0.95, 4), (range(1, 101), 0.95, 95)],
)
def test_percentiles(values: list[float], share: float, expected: float | None) -> None:
    assert percentile(values, share) == expected
