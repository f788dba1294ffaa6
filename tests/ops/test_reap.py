"""Reaping runs whose process died; which processes live is made up here (tests/test_processes.py has real ones)."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from service_world import make_run, make_task, move, state_of
from support import NOON, Clock

from flowctl.db.database import Database, Tx
from flowctl.db.tables import flow_run_processes
from flowctl.domain.events import ReceivedEvent
from flowctl.domain.logs import LogCreate
from flowctl.domain.processes import Process
from flowctl.domain.states import StateCreate, StateType, completed, failed, paused, pending, running
from flowctl.ops import events, logs, reap
from flowctl.settings import Settings


@pytest.fixture
def alive(monkeypatch: pytest.MonkeyPatch) -> set[int]:
    """Numbers of processes that live; all others are gone."""
    numbers: set[int] = set()

    def evidence(process: Process) -> str | None:
        return None if process.pid in numbers else f"process {process.pid} no longer exists."

    monkeypatch.setattr("flowctl.ops.reap.processes.evidence_of_death", evidence)
    return numbers


def make_known(tx: Tx, pid: int) -> UUID:
    id = make_run(tx, pending(), running())
    flow_run_processes.put(tx, id, Process(machine="here", pid=pid, stamp=f"boot {pid}", started=NOON))
    return id


def beat(tx: Tx, id: UUID) -> None:
    event = ReceivedEvent(
        id=uuid4(),
        occurred=tx.now,
        received=tx.now,
        event=reap.HEARTBEAT,
        resource={"prefect.resource.id": f"prefect.flow-run.{id}"},
    )
    events.emit(tx, event)


def test_a_silent_run_whose_process_is_gone_crashes(db: Database, clock: Clock, alive: set[int]) -> None:
    alive.add(2)
    with db.write() as tx:
        dead, living = make_known(tx, 1), make_known(tx, 2)
    clock.advance(seconds=89)
    with db.write() as tx:
        assert reap.run_once(tx) == 0
    clock.advance(seconds=2)
    with db.write() as tx:
        assert [each.id for each in reap.find(tx)] == [dead]
        assert [reap.run_once(tx) for _ in range(2)] == [1, 0]
        state = state_of(tx, dead)
        assert state.type is StateType.CRASHED
        assert state.message == (
            "The run was last heard of at 2026-03-01 12:00:00 UTC. Its process 1 no longer exists."
        )
        assert state_of(tx, living).type is StateType.RUNNING


@pytest.mark.parametrize("sign", ["heartbeat", "log", "task run"])
def test_any_sign_of_life_counts(db: Database, clock: Clock, alive: set[int], sign: str) -> None:
    with db.write() as tx:
        id = make_known(tx, 1)
    clock.advance(seconds=60)
    with db.write() as tx:
        if sign == "heartbeat":
            beat(tx, id)
        elif sign == "log":
            logs.create(tx, [LogCreate(name="x", level=20, message="hi", timestamp=tx.now, flow_run_id=id)])
        else:
            make_task(tx, id, running())
    clock.advance(seconds=60)
    with db.write() as tx:
        assert reap.run_once(tx) == 0
    clock.advance(seconds=31)
    with db.write() as tx:
        assert reap.run_once(tx) == 1
        message = state_of(tx, id).message or ""
        assert "last heard of at 2026-03-01 12:01:00 UTC" in message
        assert ("(its last heartbeat was at 12:01:00)" in message) is (sign == "heartbeat")


@pytest.mark.parametrize("end", [completed(), failed(), paused(timeout=timedelta(days=1), now=NOON)])
def test_only_running_runs_are_reaped(db: Database, clock: Clock, alive: set[int], end: StateCreate) -> None:
    with db.write() as tx:
        id = make_known(tx, 1)
        move(tx, id, end)
    clock.advance(hours=1)
    with db.write() as tx:
        assert reap.run_once(tx) == 0
        assert state_of(tx, id).type is end.type


def test_processes_of_runs_that_are_over_are_forgotten(db: Database, alive: set[int]) -> None:
    with db.write() as tx:
        kept, over, deleted = (make_known(tx, number) for number in (1, 2, 3))
        move(tx, over, completed())
        tx.execute("DELETE FROM flow_run WHERE id = ?", (str(deleted),))
        reap.run_once(tx)
        assert [id for (id,) in tx.execute("SELECT flow_run_id FROM flow_run_process")] == [str(kept)]


def test_a_run_of_an_unknown_process_is_left_alone(db: Database, clock: Clock, alive: set[int]) -> None:
    with db.write() as tx:
        id = make_run(tx, running())
        beat(tx, id)
    clock.advance(days=3)
    with db.write() as tx:
        assert reap.run_once(tx) == 0


def test_missing_heartbeats_alone_count_where_a_setting_says_so(db_path: Path, clock: Clock, alive: set[int]) -> None:
    db = Database(db_path, Settings(reaper_heartbeats_alone_seconds=300), clock=clock)
    with db.write() as tx:
        beating, quiet = make_run(tx, running()), make_run(tx, running())
        beat(tx, beating)
        reap.run_once(tx)
    for minute in range(1, 7):
        clock.now = NOON + timedelta(minutes=minute)
        with db.write() as tx:
            assert reap.run_once(tx) == (minute == 6)
    with db.write() as tx:
        assert "It used to send heartbeats." in (state_of(tx, beating).message or "")
        assert state_of(tx, quiet).type is StateType.RUNNING
    db.close()


def test_heartbeats_that_could_not_arrive_are_not_missed(db_path: Path, clock: Clock, alive: set[int]) -> None:
    db = Database(db_path, Settings(reaper_heartbeats_alone_seconds=300), clock=clock)
    with db.write() as tx:
        beat(tx, make_run(tx, running()))
        reap.run_once(tx)
    clock.advance(hours=1)
    with db.write() as tx:
        assert reap.run_once(tx) == 0
    db.close()
