"""Workers, pools, queues and deployments that nobody serves any more."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID, uuid4

from deployment_world import deploy, make_pool
from service_world import event_names
from support import NOON, Clock

from flowctl.db.columns import encode_time
from flowctl.db.database import Database, Tx
from flowctl.db.tables import work_pools
from flowctl.domain.work_pools import WorkPoolStatus
from flowctl.ops import absences, deployment_events, foreman, work_pool_events


def make_worker(tx: Tx, pool: UUID, heartbeat: datetime, interval: int | None = 30) -> str:
    name = str(uuid4())
    tx.execute(
        "INSERT INTO worker (id, name, work_pool_id, last_heartbeat_time, heartbeat_interval_seconds, status)"
        " VALUES (?, ?, ?, ?, ?, 'ONLINE')",
        (str(uuid4()), name, str(pool), encode_time(heartbeat), interval),
    )
    return name


def worker_status(tx: Tx, name: str) -> str:
    return tx.scalar("SELECT status FROM worker WHERE name = ?", (name,))


def statuses(tx: Tx) -> tuple[str | None, str | None, str | None]:
    """Of the only pool, its queues and the only deployment."""
    return (
        tx.scalar("SELECT status FROM work_pool"),
        tx.scalar("SELECT status FROM work_queue"),
        tx.scalar("SELECT status FROM deployment"),
    )


def test_a_silent_worker_is_offline_and_its_pool_not_ready(db: Database, clock: Clock) -> None:
    with db.write() as tx:
        pool = make_pool(tx)
        work_pool_events.set_status(tx, pool.id, WorkPoolStatus.READY)
        quick, slow = make_worker(tx, pool.id, NOON, 10), make_worker(tx, pool.id, NOON, None)
    for seconds, offline in ((30, ()), (45, (quick,)), (90, (quick,)), (105, (quick, slow))):
        clock.advance(seconds=seconds - (clock.now - NOON).total_seconds())
        with db.write() as tx:
            foreman.run_once(tx)
            assert {name for name in (quick, slow) if worker_status(tx, name) == "OFFLINE"} == set(offline)
            status = "NOT_READY" if len(offline) == 2 else "READY"
            assert tx.scalar("SELECT status FROM work_pool") == status
    with db.write() as tx:
        assert event_names(tx, "prefect.work-pool.")[-2:] == ["prefect.work-pool.ready", "prefect.work-pool.not-ready"]
        changed = tx.execute("SELECT id, follows FROM events WHERE event LIKE 'prefect.work-pool.%ready'").fetchall()
        assert changed[-1][1] == changed[-2][0]
        assert foreman.run_once(tx) == 0


def test_deployments_and_queues_that_are_not_polled_are_not_ready(db: Database, clock: Clock) -> None:
    with db.write() as tx:
        pool = make_pool(tx)
        deployment = deploy(tx, work_pool_name=pool.name)
        deployment_events.mark_polled(tx, [deployment.id])
        tx.execute("UPDATE work_queue SET status = 'READY', last_polled = ?", (encode_time(NOON),))
        make_worker(tx, pool.id, NOON, 1000)
    clock.advance(seconds=60)
    with db.write() as tx:
        assert foreman.run_once(tx) == 0
    clock.advance(seconds=1)
    with db.write() as tx:
        assert foreman.run_once(tx) == 2
        assert statuses(tx)[1:] == ("NOT_READY", "NOT_READY")
        assert event_names(tx)[-2:] == ["prefect.deployment.not-ready", "prefect.work-queue.not-ready"]


def test_a_polled_queue_keeps_its_deployments_ready(db: Database, clock: Clock) -> None:
    with db.write() as tx:
        pool = make_pool(tx)
        deployment = deploy(tx, work_pool_name=pool.name)
        deployment_events.mark_polled(tx, [deployment.id])
    clock.advance(minutes=2)
    with db.write() as tx:
        tx.execute("UPDATE work_queue SET status = 'READY', last_polled = ?", (encode_time(clock.now),))
        assert foreman.run_once(tx) == 0


def test_after_an_absence_everybody_has_time_to_report(db: Database, clock: Clock) -> None:
    with db.write() as tx:
        pool = make_pool(tx)
        work_pool_events.set_status(tx, pool.id, WorkPoolStatus.READY)
        name = make_worker(tx, pool.id, NOON)
        deployment_events.mark_polled(tx, [deploy(tx).id])
        absences.notice(tx)
    clock.advance(hours=1)
    with db.write() as tx:
        assert foreman.run_once(tx) == 0
    for _ in range(4):
        clock.advance(seconds=30)
        with db.write() as tx:
            foreman.run_once(tx)
    with db.write() as tx:
        assert (worker_status(tx, name), statuses(tx)[2]) == ("OFFLINE", "NOT_READY")
        pool_now = work_pools.get(tx, pool.id)
        assert pool_now is not None
        assert pool_now.status is WorkPoolStatus.NOT_READY
