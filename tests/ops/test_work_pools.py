from __future__ import annotations

from typing import Any

import pytest
from deployment_world import make_pool

from flowctl.db.database import Tx
from flowctl.db.tables import work_pools as table
from flowctl.db.tables import work_queues as queues_table
from flowctl.domain.errors import Conflict, Forbidden, Invalid, NotFound
from flowctl.domain.work_pools import WorkPoolCreate, WorkPoolStatus
from flowctl.ops import work_pools, work_queues


def test_a_pool_comes_with_its_default_queue(tx: Tx) -> None:
    pool = make_pool(tx, concurrency_limit=3)
    assert (pool.status, pool.active_slots) == (WorkPoolStatus.NOT_READY, 0)
    stored = table.by_name(tx, "pool")
    assert stored
    assert stored.default_queue_id == pool.default_queue_id
    queue = queues_table.get(tx, pool.default_queue_id) if pool.default_queue_id else None
    assert queue
    assert (queue.name, queue.priority, queue.description) == ("default", 1, "The work pool's default queue.")
    assert [event.event for event in tx.emitted] == [
        "prefect.work-queue.created",
        "prefect.work-pool.created",
        "prefect.work-pool.not-ready",
    ]


@pytest.mark.parametrize(
    ("body", "error", "message"),
    [
        ({"name": "Prefect-x"}, Forbidden, "reserved for internal use"),
        ({"name": "pool"}, Conflict, "already exists"),
        ({"name": "x", "base_job_template": {"variables": {}}}, Invalid, "must contain both"),
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


def test_queues_take_the_first_free_priority_or_make_room(tx: Tx) -> None:
    pool = make_pool(tx)
    assert [work_queues.create(tx, pool, name).priority for name in "ab"] == [2, 3]
    work_queues.create(tx, pool, "first", priority=1)
    assert list(queues_table.priorities(tx, pool.id).values()) == [1, 2, 3, 4]
    with pytest.raises(Conflict):
        work_queues.create(tx, pool, "a")


def test_a_queue_by_names(tx: Tx) -> None:
    pool = make_pool(tx)
    assert work_pools.queue_id(tx, None, None) is None
    assert work_pools.queue_id(tx, "pool", None) == pool.default_queue_id
    assert work_pools.queue_id(tx, "pool", "q") == work_pools.queue_id(tx, "pool", "q")
    assert work_pools.queue_id(tx, None, "lone") == work_pools.queue_id(tx, "default-agent-pool", "lone")
    with pytest.raises(NotFound, match='Work pool "nope" not found'):
        work_pools.queue_id(tx, "nope", "q")
