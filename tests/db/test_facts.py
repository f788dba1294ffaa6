from __future__ import annotations

import json
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from support import NOON

from flowctl.db.database import Tx
from flowctl.db.facts import DbFacts
from flowctl.db.tables import concurrency_limits, states, task_run_state_cache
from flowctl.domain.concurrency_limits import ConcurrencyLease, ConcurrencyLimitV2
from flowctl.domain.flow_runs import FlowRun, FlowRunCreate
from flowctl.domain.flows import FlowCreate
from flowctl.domain.states import completed, running
from flowctl.domain.task_runs import TaskRun, TaskRunCreate
from flowctl.ops import flow_runs, flows, task_runs
from flowctl.orchestration.facts import DeploymentConcurrency


def a_run(tx: Tx) -> FlowRun:
    flow, _ = flows.create(tx, FlowCreate(name="etl"))
    return flow_runs.create(tx, FlowRunCreate(flow_id=flow.id, state=running()))[0]


def a_task_run(tx: Tx, flow_run_id: UUID | None) -> TaskRun:
    return task_runs.create(tx, TaskRunCreate(flow_run_id=flow_run_id, task_key="t", dynamic_key="0"))[0]


def a_limit(tx: Tx, name: str, **fields: object) -> ConcurrencyLimitV2:
    limit = ConcurrencyLimitV2(id=tx.new_id(), created=tx.now, updated=tx.now, name=name, limit=3, **fields)  # type: ignore[arg-type]
    return concurrency_limits.insert(tx, limit)


def test_the_flow_run_of_a_task_run(tx: Tx) -> None:
    run = a_run(tx)
    assert DbFacts(tx, a_task_run(tx, run.id)).flow_run() == run
    assert DbFacts(tx, a_task_run(tx, None)).flow_run() is None
    assert DbFacts(tx, run).flow_run() is None


@pytest.mark.parametrize(
    ("expires_in", "is_found"), [(None, True), (timedelta(seconds=1), True), (timedelta(0), False)]
)
def test_a_cached_state_is_found_until_it_expires(tx: Tx, expires_in: timedelta | None, is_found: bool) -> None:
    task_run = a_task_run(tx, None)
    facts = DbFacts(tx, task_run)
    state = completed("done").at(NOON + timedelta(seconds=9), tx.new_time_id())
    states.insert_task_run_state(tx, task_run.id, state)
    task_run_state_cache.insert(tx, "k", None if expires_in is None else NOON + expires_in, state.id)
    assert facts.cached_state("k") == (state if is_found else None)
    assert facts.cached_state("other") is None


def test_the_newest_cached_state_counts(tx: Tx) -> None:
    task_run = a_task_run(tx, None)
    for second in (1, 2):
        state = completed(str(second)).at(NOON + timedelta(seconds=second), tx.new_time_id())
        states.insert_task_run_state(tx, task_run.id, state)
        task_run_state_cache.insert(tx, "k", None, state.id)
    cached = DbFacts(tx, task_run).cached_state("k")
    assert cached is not None
    assert cached.message == "2"


def test_limits_on_tags_know_how_many_slots_are_taken(tx: Tx) -> None:
    a_limit(tx, "tag:a", active_slots=1)
    b = a_limit(tx, "tag:b", active=False)
    lease = ConcurrencyLease(id=tx.new_id(), created=tx.now, expiration=None, slots=2)
    concurrency_limits.insert_lease(tx, lease, [b.id])
    found = DbFacts(tx, a_run(tx)).tag_limits(["b", "a", "none"])
    assert [(limit.tag, limit.active, limit.active_slots) for limit in found] == [("a", True, 1), ("b", False, 2)]
    assert DbFacts(tx, a_run(tx)).tag_limits([]) == []


def test_limits_on_tags_know_whether_the_run_holds_a_slot(tx: Tx) -> None:
    a, b = a_limit(tx, "tag:a"), a_limit(tx, "tag:b")
    run, other = a_task_run(tx, None), a_task_run(tx, a_run(tx).id)
    for holder, limit in ((run, a), (other, b)):
        lease = ConcurrencyLease(
            id=tx.new_id(), created=tx.now, expiration=None, holder_type="task_run", holder_id=holder.id
        )
        concurrency_limits.insert_lease(tx, lease, [limit.id])
    assert [limit.is_held for limit in DbFacts(tx, run).tag_limits(["a", "b"])] == [True, False]


def test_a_lease_exists_until_it_is_collected(tx: Tx) -> None:
    facts = DbFacts(tx, a_run(tx))
    lease = ConcurrencyLease(id=tx.new_id(), created=tx.now, expiration=NOON - timedelta(seconds=1))
    concurrency_limits.insert_lease(tx, lease, [])
    assert facts.lease_exists(lease.id)
    assert not facts.lease_exists(uuid4())


@pytest.mark.parametrize("options", [None, {"collision_strategy": "CANCEL_NEW", "grace_period_seconds": 60}])
@pytest.mark.parametrize("is_limited", [True, False])
def test_what_a_deployment_says_about_concurrency(tx: Tx, is_limited: bool, options: dict[str, object] | None) -> None:
    id, run = tx.new_id(), a_run(tx)
    limit = a_limit(tx, "deployment:x", active_slots=2) if is_limited else None
    tx.execute(
        "INSERT INTO deployment (id, name, flow_id, concurrency_limit_id, concurrency_options) VALUES (?, ?, ?, ?, ?)",
        (str(id), "d", str(run.flow_id), str(limit.id) if limit else None, json.dumps(options) if options else None),
    )
    found = DbFacts(tx, run).deployment_concurrency(id)
    assert isinstance(found, DeploymentConcurrency)
    assert (found.collision_strategy, found.grace_period_seconds) == (("CANCEL_NEW", 60) if options else (None, None))
    assert (found.limit is not None) == is_limited
    if found.limit:
        assert (found.limit.active_slots, found.limit.has_free_slot) == (2, True)
    assert DbFacts(tx, run).deployment_concurrency(uuid4()) is None
