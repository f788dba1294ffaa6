from __future__ import annotations

from typing import Any

import pytest
from deployment_world import TEMPLATE, deploy, make_pool

from flowctl.db.database import Tx
from flowctl.db.tables import work_pools as table
from flowctl.db.tables import work_queues as queues_table
from flowctl.domain.errors import Conflict, Forbidden, Invalid, NotFound
from flowctl.domain.filters import TextAnyFilter
from flowctl.domain.work_pool_filters import WorkPoolFilter
from flowctl.domain.work_pools import (
    StorageConfiguration,
    WorkPoolCreate,
    WorkPoolStatus,
    WorkPoolUpdate,
    WorkQueueCreate,
)
from flowctl.ops import deployments, work_pools, work_queues, workers


def happenings(tx: Tx) -> list[str]:
    return [event.event.removeprefix("prefect.") for event in tx.emitted]


def drain(steps: Any) -> None:
    for _ in steps:
        pass


def test_a_pool_comes_with_its_default_queue(tx: Tx) -> None:
    pool = make_pool(tx, concurrency_limit=3)
    assert (pool.status, pool.active_slots) == (WorkPoolStatus.NOT_READY, 0)
    stored = work_pools.read(tx, "pool")
    assert stored == pool
    queue = queues_table.get(tx, pool.default_queue_id) if pool.default_queue_id else None
    assert queue
    assert (queue.name, queue.priority, queue.description) == ("default", 1, "The work pool's default queue.")
    assert happenings(tx) == ["work-queue.created", "work-pool.created", "work-pool.not-ready"]


@pytest.mark.parametrize(
    ("body", "error", "message"),
    [
        ({"name": "Prefect-x"}, Forbidden, "reserved for internal use"),
        ({"name": "pool"}, Conflict, "already exists"),
        ({"name": "x", "base_job_template": {"variables": {}}}, Invalid, "must contain both"),
        (
            {"name": "x", "base_job_template": {"job_configuration": [1], "variables": [1]}},
            Invalid,
            "must contain both",
        ),
        (
            {
                "name": "x",
                "base_job_template": {"job_configuration": {"a": "{{ n }}"}, "variables": {"properties": {}}},
            },
            Invalid,
            "undeclared variable",
        ),
    ],
)
def test_what_cannot_be_is_refused(tx: Tx, body: dict[str, Any], error: Any, message: str) -> None:
    make_pool(tx)
    with pytest.raises(error, match=message):
        work_pools.create(tx, WorkPoolCreate(**body))


def test_pools_are_listed_by_name(tx: Tx) -> None:
    for name in ("b", "a", "c"):
        make_pool(tx, name)
    assert [pool.name for pool in work_pools.find(tx, None, limit=2, offset=1)] == ["b", "c"]
    some = WorkPoolFilter(name=TextAnyFilter(any_=["a", "z"]))
    assert [pool.name for pool in work_pools.find(tx, some, limit=9, offset=0)] == ["a"]
    assert (work_pools.count(tx, None), work_pools.count(tx, some)) == (3, 1)


def test_a_pause_is_announced_by_the_status_and_other_changes_by_their_values(tx: Tx) -> None:
    make_pool(tx)
    tx.emitted.clear()
    work_pools.update(tx, "pool", {"is_paused": True, "description": "d", "concurrency_limit": 2})
    pool = work_pools.read(tx, "pool")
    assert (pool.status, pool.description, pool.active_slots) == (WorkPoolStatus.PAUSED, "d", 0)
    assert happenings(tx) == ["work-pool.paused", "work-pool.updated"]
    assert tx.emitted[1].payload["updates"] == {
        "description": {"from": None, "to": "d"},
        "concurrency_limit": {"from": None, "to": 2},
    }


def test_a_change_of_storage_is_told_with_all_its_fields(tx: Tx) -> None:
    make_pool(tx)
    tx.emitted.clear()
    work_pools.update(tx, "pool", {"storage_configuration": StorageConfiguration(bundle_upload_step={"a": 1})})
    nothing = {"bundle_upload_step": None, "bundle_execution_step": None, "default_result_storage_block_id": None}
    assert tx.emitted[0].payload["updates"] == {
        "storage_configuration": {"from": nothing, "to": {**nothing, "bundle_upload_step": {"a": 1}}}
    }


@pytest.mark.parametrize(("has_worker", "status"), [(False, WorkPoolStatus.NOT_READY), (True, WorkPoolStatus.READY)])
def test_a_pool_goes_on_as_its_workers_are(tx: Tx, has_worker: bool, status: WorkPoolStatus) -> None:
    make_pool(tx, is_paused=True)
    if has_worker:
        workers.note_heartbeat(tx, "pool", "w", None)
    assert work_pools.read(tx, "pool").status is WorkPoolStatus.PAUSED
    work_pools.update(tx, "pool", {"is_paused": False})
    assert work_pools.read(tx, "pool").status is status


@pytest.mark.parametrize(
    ("name", "body", "error"),
    [
        ("prefect-managed", {"description": "x"}, Forbidden),
        ("nope", {}, NotFound),
        ("pool", {"is_paused": None}, Conflict),
        ("pool", {"storage_configuration": None}, Conflict),
        ("pool", {"base_job_template": None}, Invalid),
        ("pool", {"base_job_template": {"a": 1}}, Invalid),
    ],
)
def test_what_an_update_may_not_say(tx: Tx, name: str, body: WorkPoolUpdate, error: Any) -> None:
    make_pool(tx)
    with pytest.raises(error):
        work_pools.update(tx, name, body)


def test_a_reserved_pool_may_be_paused(tx: Tx) -> None:
    pool = make_pool(tx)
    table.update(tx, pool.id, name="prefect-managed")
    work_pools.update(tx, "prefect-managed", {"is_paused": True, "concurrency_limit": 1})
    with pytest.raises(Forbidden):
        drain(work_pools.delete(tx, "prefect-managed"))


def test_with_a_pool_go_its_queues_and_workers_but_not_what_ran_in_it(tx: Tx) -> None:
    pool = make_pool(tx)
    deployment = deploy(tx, work_pool_name="pool", work_queue_name="q")
    workers.note_heartbeat(tx, "pool", "w", None)
    tx.emitted.clear()
    drain(work_pools.delete(tx, "pool"))
    assert happenings(tx) == ["work-queue.deleted", "work-queue.deleted", "work-pool.deleted"]
    assert [tx.scalar(f"SELECT count(*) FROM {table}") for table in ("work_pool", "work_queue", "worker")] == [0, 0, 0]
    left = deployments.read(tx, deployment.id)
    assert (left.work_queue_id, left.work_pool_name) == (None, None)
    with pytest.raises(NotFound):
        drain(work_pools.delete(tx, pool.name))


def test_a_queue_by_names(tx: Tx) -> None:
    pool = make_pool(tx)
    assert work_pools.queue_id(tx, None, None) is None
    assert work_pools.queue_id(tx, "pool", None) == pool.default_queue_id
    assert work_pools.queue_id(tx, "pool", "q") == work_pools.queue_id(tx, "pool", "q")
    assert work_pools.queue_id(tx, None, "lone") == work_pools.queue_id(tx, "default-agent-pool", "lone")
    with pytest.raises(NotFound, match='Work pool "nope" not found'):
        work_pools.queue_id(tx, "nope", "q")


def test_a_queue_for_agents_brings_their_pool(tx: Tx) -> None:
    default = work_pools.create_queue_for_agents(tx, WorkQueueCreate(name="default"))
    pool = work_pools.read(tx, "default-agent-pool")
    assert (default.id, pool.status, pool.type) == (pool.default_queue_id, None, "prefect-agent")
    with pytest.raises(Conflict, match="already exists"):
        work_pools.create_queue_for_agents(tx, WorkQueueCreate(name="default"))
    made = work_pools.create_queue_for_agents(tx, WorkQueueCreate(name="mine"))
    assert work_queues.read_by_name(tx, "mine") == made


def test_a_template_that_fits_is_taken(tx: Tx) -> None:
    make_pool(tx)
    work_pools.update(tx, "pool", {"base_job_template": {}})
    work_pools.update(tx, "pool", {"base_job_template": TEMPLATE})
    assert work_pools.read(tx, "pool").base_job_template == TEMPLATE
