from __future__ import annotations

import pytest
from deployment_world import make_pool
from support import Clock

from flowctl.db.database import Database, Tx
from flowctl.domain.errors import NotFound
from flowctl.domain.filters import TimeFilter
from flowctl.domain.work_pools import WorkPoolStatus
from flowctl.domain.workers import WorkerFilter, WorkerStatus, WorkerStatusFilter
from flowctl.ops import foreman, work_pools, workers


def names(tx: Tx, filter: WorkerFilter | None = None) -> list[str]:
    return [worker.name for worker in workers.find(tx, "pool", filter, limit=9, offset=0)]


def test_the_first_heartbeat_makes_the_pool_ready(db: Database, clock: Clock) -> None:
    with db.write() as tx:
        make_pool(tx)
        tx.emitted.clear()
        workers.note_heartbeat(tx, "pool", "w", 20)
        workers.note_heartbeat(tx, "pool", "w", None)
        assert [event.event for event in tx.emitted] == ["prefect.work-pool.ready"]
        worker = workers.find(tx, "pool", None, limit=9, offset=0)[0]
        assert (worker.heartbeat_interval_seconds, worker.last_heartbeat_time) == (20, tx.now)
        assert (worker.status, work_pools.read(tx, "pool").status) == (WorkerStatus.ONLINE, WorkPoolStatus.READY)


def test_silence_and_a_new_heartbeat(db: Database, clock: Clock) -> None:
    with db.write() as tx:
        make_pool(tx)
        foreman.run_once(tx)
        workers.note_heartbeat(tx, "pool", "w", 10)
    for _ in range(4):
        clock.advance(seconds=15)
        with db.write() as tx:
            foreman.run_once(tx)
    with db.write() as tx:
        assert work_pools.read(tx, "pool").status is WorkPoolStatus.NOT_READY
        assert names(tx, WorkerFilter(status=WorkerStatusFilter(any_=[WorkerStatus.OFFLINE]))) == ["w"]
        workers.note_heartbeat(tx, "pool", "w", None)
        assert work_pools.read(tx, "pool").status is WorkPoolStatus.READY


def test_the_one_heard_of_last_is_first(db: Database, clock: Clock) -> None:
    with db.write() as tx:
        make_pool(tx)
        workers.note_heartbeat(tx, "pool", "a", None)
    clock.advance(seconds=1)
    with db.write() as tx:
        workers.note_heartbeat(tx, "pool", "b", None)
        assert names(tx) == ["b", "a"]
        assert names(tx, WorkerFilter(last_heartbeat_time=TimeFilter(after_=tx.now))) == ["b"]
        assert names(tx, WorkerFilter(status=WorkerStatusFilter(not_any_=[WorkerStatus.ONLINE]))) == []


def test_a_worker_is_forgotten(tx: Tx) -> None:
    make_pool(tx)
    workers.note_heartbeat(tx, "pool", "w", None)
    workers.delete(tx, "pool", "w")
    with pytest.raises(NotFound, match="Worker not found"):
        workers.delete(tx, "pool", "w")
    with pytest.raises(NotFound, match="Work pool"):
        workers.note_heartbeat(tx, "nope", "w", None)
