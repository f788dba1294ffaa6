from __future__ import annotations

from typing import Any

import pytest
from deployment_world import deploy, make_pool
from support import Clock

from flowctl.db.database import Database, Tx
from flowctl.db.tables import work_queues as table
from flowctl.domain.deployments import DeploymentFlowRunCreate
from flowctl.domain.errors import Conflict, NotFound
from flowctl.domain.filters import PrefixFilter
from flowctl.domain.work_pool_filters import WorkQueueFilter
from flowctl.domain.work_pools import WorkQueueCreate, WorkQueueStatus, WorkQueueUpdate
from flowctl.ops import deployment_runs, flow_runs, late_runs, work_pools, work_queues


def order(tx: Tx, pool: str = "pool") -> list[tuple[str, int]]:
    found = work_queues.find_in_pool(tx, pool, None, limit=200, offset=0)
    return [(queue.name, queue.priority) for queue in found]


def drain(steps: Any) -> None:
    for _ in steps:
        pass


def test_queues_take_the_first_free_priority_or_move_others_as_far_as_need_be(tx: Tx) -> None:
    pool = make_pool(tx)
    assert [work_queues.create(tx, pool, name).priority for name in "ab"] == [2, 3]
    work_queues.create(tx, pool, "far", priority=10)
    work_queues.create(tx, pool, "first", priority=1)
    assert order(tx) == [("first", 1), ("default", 2), ("a", 3), ("b", 4), ("far", 10)]
    with pytest.raises(Conflict):
        work_queues.create(tx, pool, "a")


@pytest.mark.parametrize(
    ("name", "priority", "expected"),
    [
        ("b", 1, [("b", 1), ("default", 2), ("a", 3)]),
        ("default", 2, [("default", 2), ("a", 3), ("b", 4)]),
        ("a", 9, [("default", 1), ("b", 3), ("a", 9)]),
    ],
)
def test_another_priority(tx: Tx, name: str, priority: int, expected: list[tuple[str, int]]) -> None:
    pool = make_pool(tx)
    for each in "ab":
        work_queues.create(tx, pool, each)
    work_queues.update_in_pool(tx, "pool", name, {"priority": priority})
    assert order(tx) == expected


def test_a_pause_and_its_end(db: Database, clock: Clock) -> None:
    with db.write() as tx:
        pool = make_pool(tx)
        queue = work_queues.create(tx, pool, "q")
        work_queues.mark_polled(tx, [work_queues.read(tx, queue.id)])
        assert work_queues.read(tx, queue.id).status is WorkQueueStatus.READY
        tx.emitted.clear()
        for _ in range(2):
            work_queues.update_in_pool(tx, "pool", "q", {"is_paused": True})
        assert [event.event for event in tx.emitted] == ["prefect.work-queue.paused"]
        work_queues.mark_polled(tx, [work_queues.read(tx, queue.id)])
        assert work_queues.read(tx, queue.id).status is WorkQueueStatus.PAUSED
        work_queues.update(tx, queue.id, {"is_paused": False})
        assert work_queues.read(tx, queue.id).status is WorkQueueStatus.READY
        work_queues.update(tx, queue.id, {"is_paused": True})
    clock.advance(seconds=61)
    with db.write() as tx:
        work_queues.update(tx, queue.id, {"is_paused": False})
        assert work_queues.read(tx, queue.id).status is WorkQueueStatus.NOT_READY


def test_changes_are_announced_with_their_values(tx: Tx) -> None:
    pool = make_pool(tx)
    work_queues.create(tx, pool, "q")
    tx.emitted.clear()
    work_queues.update_in_pool(tx, "pool", "q", {"name": "r", "concurrency_limit": 2, "is_paused": False})
    event = tx.emitted[0]
    assert (event.event, event.payload["updated_fields"]) == (
        "prefect.work-queue.updated",
        ["name", "concurrency_limit"],
    )
    assert event.related[0]["prefect.resource.role"] == "work-pool"
    assert work_queues.read_in_pool(tx, "pool", "r").active_slots == 0


@pytest.mark.parametrize(
    ("body", "error"),
    [({"name": "default"}, Conflict), ({"name": None}, Conflict), ({"priority": None}, Conflict)],
)
def test_what_an_update_may_not_say(tx: Tx, body: WorkQueueUpdate, error: Any) -> None:
    work_queues.create(tx, make_pool(tx), "q")
    with pytest.raises(error):
        work_queues.update_in_pool(tx, "pool", "q", body)


def test_what_is_not_there(tx: Tx) -> None:
    make_pool(tx)
    with pytest.raises(NotFound, match="Work pool queue 'pool/x' not found"):
        work_queues.read_in_pool(tx, "pool", "x")
    with pytest.raises(NotFound, match='Work pool "none" not found'):
        work_queues.find_in_pool(tx, "none", None, limit=1, offset=0)
    with pytest.raises(NotFound):
        drain(work_queues.delete(tx, tx.new_id()))


def test_runs_and_deployments_outlive_their_queue(tx: Tx) -> None:
    make_pool(tx)
    deployment = deploy(tx, work_pool_name="pool", work_queue_name="q")
    run, _ = deployment_runs.create(tx, deployment.id, DeploymentFlowRunCreate())
    drain(work_queues.delete_in_pool(tx, "pool", "q"))
    left = flow_runs.read(tx, run.id)
    assert (left.work_queue_id, left.work_queue_name, left.work_pool_name) == (None, "q", None)
    with pytest.raises(Conflict, match="default queue"):
        drain(work_queues.delete_in_pool(tx, "pool", "default"))


def test_queues_of_all_pools_by_name(tx: Tx) -> None:
    for name in ("one", "two"):
        work_queues.create(tx, make_pool(tx, name), f"q-{name}")
    found = work_queues.find(tx, WorkQueueFilter(name=PrefixFilter(startswith_=["Q-"])), limit=9, offset=0)
    assert [(queue.work_pool_name, queue.name) for queue in found] == [("one", "q-one"), ("two", "q-two")]
    assert len(work_queues.find(tx, None, limit=3, offset=0)) == 3


def test_a_queue_by_its_name_alone(tx: Tx) -> None:
    work_queues.create(tx, make_pool(tx), "q")
    assert work_queues.read_by_name(tx, "q").work_pool_name == "pool"
    work_pools.create_queue_for_agents(tx, WorkQueueCreate(name="other"))
    with pytest.raises(NotFound):
        work_queues.read_by_name(tx, "q")


def test_late_runs_make_a_queue_unhealthy(db: Database, clock: Clock) -> None:
    with db.write() as tx:
        make_pool(tx)
        deployment = deploy(tx, work_pool_name="pool")
        deployment_runs.create(tx, deployment.id, DeploymentFlowRunCreate())
        queue = table.by_name(tx, work_pools.read(tx, "pool").id, "default")
        assert queue
        assert not work_queues.read_status(tx, queue.id).healthy
        work_queues.mark_polled(tx, [work_queues.read(tx, queue.id)])
        assert work_queues.read_status(tx, queue.id).healthy
    clock.advance(seconds=30)
    with db.write() as tx:
        late_runs.run_once(tx)
        status = work_queues.read_status(tx, queue.id)
    assert (status.healthy, status.late_runs_count) == (False, 1)
