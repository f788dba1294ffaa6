"""Retention of events, and of logs without a run."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest
from support import NOON, Clock

from flowctl.db.database import Database, Tx
from flowctl.domain.events import Event
from flowctl.domain.flow_runs import FlowRunCreate
from flowctl.domain.flows import FlowCreate
from flowctl.domain.logs import LogCreate
from flowctl.ops import events, flow_runs, flows, logs, retention, steps


def emit(tx: Tx, number: int) -> None:
    event = Event(
        id=UUID(int=number),
        occurred=tx.now,
        event="test",
        resource={"prefect.resource.id": "test"},
        related=[],
        payload={},
    )
    events.emit(tx, event.receive(tx.now))


def test_events_are_forgotten_after_their_time(db: Database, clock: Clock) -> None:
    with db.write() as tx:
        emit(tx, 1)
    clock.advance(days=5)
    with db.write() as tx:
        emit(tx, 2)
        assert retention.run_once(tx) == 0
    clock.now += timedelta(seconds=db.settings.events_retention_period)
    with db.write() as tx:
        emit(tx, 3)
        assert retention.run_once(tx) == 1
        assert retention.run_once(tx) == 0
        assert [id for (id,) in tx.execute("SELECT id FROM events ORDER BY occurred")] == [
            str(UUID(int=2)),
            str(UUID(int=3)),
        ]


@pytest.mark.parametrize("lines", [3, retention.ROWS_A_STEP + 3])
def test_logs_of_a_deleted_flow_are_forgotten(db: Database, lines: int) -> None:
    with db.write() as tx:
        runs = [
            flow_runs.create(tx, FlowRunCreate(flow_id=flows.create(tx, FlowCreate(name=name))[0].id))[0]
            for name in ("goes", "goes", "stays")
        ]
        for run in runs[1:]:
            line = LogCreate(name="n", level=20, message="m", timestamp=NOON, flow_run_id=run.id)
            logs.create(tx, [line] * lines)
    steps.run(db, lambda tx: flows.delete(tx, runs[0].flow_id))
    with db.write() as tx:
        assert tx.scalar("SELECT count(*) FROM log") == 2 * lines
        done = []
        while count := retention.run_once(tx):
            done.append(count)
        assert sum(done) == lines
        assert max(done) <= retention.ROWS_A_STEP
        rows = tx.execute("SELECT flow_run_id, count(*) FROM log GROUP BY 1")
        assert rows.fetchall() == [(str(runs[2].id), lines)]
        assert tx.scalar("SELECT count(*) FROM orphaned_log") == 0
