from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from deployment_world import deploy, every, make_flow, make_pool
from support import NOON, Clock

from flowctl.db.database import Database, Tx
from flowctl.domain import states
from flowctl.domain.deployments import DeploymentFlowRunCreate, DeploymentStatus
from flowctl.domain.errors import NotFound
from flowctl.domain.flow_runs import FlowRunCreate, FlowRunPolicy
from flowctl.domain.states import StateCreate, StateType
from flowctl.domain.work_pools import QueueFilter, WorkQueueCreate, WorkQueueStatus
from flowctl.ops import (
    deployment_runs,
    deployments,
    flow_runs,
    scheduling,
    set_state,
    work_pool_runs,
    work_pools,
    work_queues,
)


def world(tx: Tx, **pool: Any) -> None:
    """A pool with the queues high (1) and low (3), and a run of each every ten minutes from noon."""
    made = make_pool(tx, **pool)
    work_queues.create(tx, made, "high", priority=1)
    for queue in ("low", "high"):
        deployment = deploy(tx, queue, work_pool_name="pool", work_queue_name=queue)
        for number in range(2):
            start(tx, deployment.id, f"{queue}-{number}", minutes=10 * number)


def start(tx: Tx, deployment: UUID, name: str, minutes: float = 0, **fields: Any) -> UUID:
    scheduled = states.scheduled(NOON + timedelta(minutes=minutes))
    return deployment_runs.create(tx, deployment, DeploymentFlowRunCreate(name=name, state=scheduled, **fields))[0].id


def due(tx: Tx, *queues: str, limit: int = 200, **bounds: Any) -> list[str]:
    options = {"scheduled_before": None, "scheduled_after": None, **bounds}
    found = work_pool_runs.find_scheduled(tx, "pool", queues, limit=limit, **options)
    return [each.flow_run.name for each in found]


def test_queues_go_by_priority_and_their_runs_by_time(tx: Tx) -> None:
    world(tx)
    assert due(tx) == ["high-0", "high-1", "low-0", "low-1"]
    assert due(tx, "low") == ["low-0", "low-1"]
    assert due(tx, limit=3) == ["high-0", "high-1", "low-0"]
    assert due(tx, limit=0) == []
    assert due(tx, scheduled_before=NOON) == ["high-0", "low-0"]
    assert due(tx, scheduled_after=NOON + timedelta(minutes=1)) == ["high-1", "low-1"]


def test_limits_of_the_pool_and_of_its_queues(tx: Tx) -> None:
    world(tx, concurrency_limit=3)
    assert due(tx) == ["high-0", "high-1", "low-0"]
    work_queues.update_in_pool(tx, "pool", "high", {"concurrency_limit": 1})
    assert due(tx) == ["high-0", "low-0", "low-1"]
    run = work_pool_runs.find_scheduled(tx, "pool", ["high"], scheduled_before=None, scheduled_after=None, limit=1)
    set_state.set_flow_run_state(tx, run[0].flow_run.id, StateCreate(type=StateType.PENDING))
    assert due(tx) == ["low-0", "low-1"]
    work_pools.update(tx, "pool", {"concurrency_limit": 1})
    assert due(tx) == []


def test_what_is_paused_gives_no_runs(tx: Tx) -> None:
    world(tx)
    work_queues.update_in_pool(tx, "pool", "high", {"is_paused": True})
    assert due(tx) == ["low-0", "low-1"]
    work_pools.update(tx, "pool", {"is_paused": True})
    assert due(tx) == []


def test_a_retry_in_its_process_is_nobody_elses(tx: Tx) -> None:
    make_pool(tx)
    deployment = deploy(tx, work_pool_name="pool")
    start(tx, deployment.id, "kept", empirical_policy=FlowRunPolicy(retry_type="in_process"))
    start(tx, deployment.id, "free", empirical_policy=FlowRunPolicy(retry_type="reschedule"))
    assert due(tx) == ["free"]


def test_who_asks_makes_queues_and_deployments_ready(tx: Tx) -> None:
    world(tx)
    tx.emitted.clear()
    due(tx, "high")
    high, low = (work_queues.read_in_pool(tx, "pool", name) for name in ("high", "low"))
    assert (high.status, high.last_polled, low.status) == (WorkQueueStatus.READY, tx.now, WorkQueueStatus.NOT_READY)
    assert deployments.read_by_name(tx, "etl", "high").status is DeploymentStatus.READY
    assert deployments.read_by_name(tx, "etl", "low").status is DeploymentStatus.NOT_READY
    assert [event.event for event in tx.emitted] == ["prefect.work-queue.ready", "prefect.deployment.ready"]


def test_unknown_names(tx: Tx) -> None:
    world(tx)
    with pytest.raises(NotFound, match="Work pool queue 'pool/nope' not found"):
        due(tx, "high", "nope")
    with pytest.raises(NotFound, match='Work pool "nope" not found'):
        work_pool_runs.find_scheduled(tx, "nope", None, scheduled_before=None, scheduled_after=None, limit=1)


def test_a_worker_that_is_first_after_an_absence_gets_no_stampede(db: Database, clock: Clock) -> None:
    with db.write() as tx:
        make_pool(tx)
        deploy(tx, schedules=[every(600)], work_pool_name="pool")
        scheduling.run_once(tx)
    clock.advance(hours=3)
    with db.write() as tx:
        found = work_pool_runs.find_scheduled(tx, "pool", [], scheduled_before=tx.now, scheduled_after=None, limit=9)
    # the first was due before flowctl went away, the other is the last that was missed
    assert [f"{run.flow_run.expected_start_time:%H:%M}" for run in found] == ["12:00", "13:00"]


def test_a_queue_by_its_id(tx: Tx) -> None:
    world(tx)
    queue = work_queues.read_in_pool(tx, "pool", "high")

    def find(**options: Any) -> list[str]:
        options = {"scheduled_before": None, "limit": 200, **options}
        return [run.name for run in work_pool_runs.find_in_queue(tx, queue.id, **options)]

    assert find(is_poll=False) == ["high-0", "high-1"]
    assert work_queues.read(tx, queue.id).status is WorkQueueStatus.NOT_READY
    assert find(scheduled_before=NOON) == ["high-0"]
    assert work_queues.read(tx, queue.id).status is WorkQueueStatus.READY
    work_queues.update(tx, queue.id, {"concurrency_limit": 1})
    assert find() == ["high-0"]
    work_queues.update(tx, queue.id, {"is_paused": True})
    assert find() == []
    with pytest.raises(NotFound):
        work_pool_runs.find_in_queue(tx, tx.new_id(), scheduled_before=None, limit=1)


def test_a_run_that_names_its_queue_without_a_pool(tx: Tx) -> None:
    made = make_pool(tx)
    work_queues.create(tx, made, "q")
    queue = work_pools.create_queue_for_agents(tx, WorkQueueCreate(name="q", concurrency_limit=2))
    for number in range(3):
        body = FlowRunCreate(
            flow_id=make_flow(tx).id, name=f"r{number}", work_queue_name="q", state=states.scheduled(NOON)
        )
        run, _ = flow_runs.create(tx, body)

    def find(id: UUID) -> int:
        return len(work_pool_runs.find_in_queue(tx, id, scheduled_before=None, limit=9))

    assert find(queue.id) == 2
    set_state.set_flow_run_state(tx, run.id, StateCreate(type=StateType.PENDING), force=True)
    assert find(queue.id) == 1
    assert find(work_queues.read_in_pool(tx, "pool", "q").id) == 0


def test_a_queue_that_chooses_deployments_by_tags(tx: Tx) -> None:
    world(tx)
    tagged = deploy(tx, "tagged", tags=["gpu"])
    start(tx, tagged.id, "tagged-0")
    start(tx, tagged.id, "tagged-1", minutes=10)
    body = WorkQueueCreate(name="gpus", filter=QueueFilter(tags=["gpu"]), concurrency_limit=1)
    queue = work_pools.create_queue_for_agents(tx, body)
    found = work_pool_runs.find_in_queue(tx, queue.id, scheduled_before=None, limit=9)
    assert [run.name for run in found] == ["tagged-0"]
    set_state.set_flow_run_state(tx, found[0].id, StateCreate(type=StateType.PENDING))
    assert work_queues.read(tx, queue.id).active_slots == 1
    assert work_pool_runs.find_in_queue(tx, queue.id, scheduled_before=None, limit=9) == []
