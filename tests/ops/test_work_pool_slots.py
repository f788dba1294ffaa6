from __future__ import annotations

from uuid import UUID

import pytest
from deployment_world import deploy, make_pool
from support import Clock

from flowctl.db.database import Database, Tx
from flowctl.domain.deployments import DeploymentFlowRunCreate
from flowctl.domain.errors import NotFound
from flowctl.domain.states import StateCreate, StateType
from flowctl.ops import deployment_runs, set_state, work_pool_slots, work_pools, work_queues


def busy(tx: Tx, queue: str, type: StateType) -> UUID:
    deployment = deploy(tx, f"{queue}-{type}", work_pool_name="pool", work_queue_name=queue)
    run, _ = deployment_runs.create(tx, deployment.id, DeploymentFlowRunCreate(name=f"{queue}-{type}"))
    for each in (StateType.RUNNING, type):
        set_state.set_flow_run_state(tx, run.id, StateCreate(type=each), force=True)
    return run.id


def test_pending_and_running_runs_take_slots(tx: Tx) -> None:
    make_pool(tx, concurrency_limit=5)
    for type in (StateType.PENDING, StateType.RUNNING, StateType.CANCELLING, StateType.COMPLETED):
        busy(tx, "a", type)
    busy(tx, "b", StateType.RUNNING)
    work_queues.update_in_pool(tx, "pool", "a", {"concurrency_limit": 3})
    pool, queue = work_pools.read(tx, "pool"), work_queues.read_in_pool(tx, "pool", "a")
    assert (pool.active_slots, queue.active_slots) == (3, 2)
    assert work_queues.read_in_pool(tx, "pool", "b").active_slots is None
    assert (work_pool_slots.free_in_pool(tx, pool), work_pool_slots.free_in_queue(tx, queue)) == (2, 1)


def test_who_holds_the_slots_of_a_pool(db: Database, clock: Clock) -> None:
    with db.write() as tx:
        make_pool(tx, concurrency_limit=5)
        for queue, type in (("a", StateType.PENDING), ("a", StateType.RUNNING), ("b", StateType.RUNNING)):
            busy(tx, queue, type)
    clock.advance(seconds=5)
    with db.read() as tx:
        status = work_pool_slots.read_pool_status(tx, "pool", page=1, limit=200, flow_run_limit=1)
        page = work_pool_slots.read_pool_status(tx, "pool", page=2, limit=2, flow_run_limit=0)
    assert (status.active_slots, status.concurrency_limit, status.count, status.pages) == (3, 5, 3, 1)
    found = [(queue.queue_name, queue.active_slots, len(queue.flow_runs)) for queue in status.queues]
    assert found == [("default", 0, 0), ("a", 2, 1), ("b", 1, 1)]
    assert status.queues[2].flow_runs[0].time_in_current_state == pytest.approx(5, abs=0.001)
    assert ([queue.queue_name for queue in page.queues], page.pages) == (["b"], 2)


def test_who_holds_the_slots_of_a_queue(tx: Tx) -> None:
    make_pool(tx)
    for type in (StateType.PENDING, StateType.CANCELLING, StateType.RUNNING):
        busy(tx, "a", type)
    queue = work_queues.read_in_pool(tx, "pool", "a")
    status = work_pool_slots.read_queue_status(tx, queue.id, page=2, limit=2)
    assert (status.active_slots, status.count, status.pages, len(status.flow_runs)) == (3, 3, 2, 1)


def test_what_is_not_there(tx: Tx) -> None:
    with pytest.raises(NotFound):
        work_pool_slots.read_pool_status(tx, "nope", page=1, limit=1, flow_run_limit=1)
    with pytest.raises(NotFound):
        work_pool_slots.read_queue_status(tx, tx.new_id(), page=1, limit=1)
