from __future__ import annotations

import pytest

from flowctl.domain.orchestration import SetStateStatus
from flowctl.domain.states import StateType
from flowctl.orchestration.effects import InsertCachedState
from flowctl.orchestration.facts import SlotLimit


@pytest.mark.parametrize(
    ("details", "is_cached"),
    [
        ({"cache_key": "k"}, True),
        ({"cache_key": "other"}, False),
        ({"cache_key": "k", "refresh_cache": True}, False),
        ({"cache_key": "k", "refresh_cache": False}, True),
        ({}, False),
    ],
)
def test_a_cached_result_is_taken_over(bench, details, is_cached):
    stored = bench.state(("COMPLETED", {"data": {"type": "reference"}, "cache_key": "k", "message": "done"}))
    facts = bench.Facts(cached={"k": stored})
    decision = bench.task("PENDING", ("RUNNING", details), facts=facts)
    if not is_cached:
        assert (decision.status, decision.state.type) == (SetStateStatus.ACCEPT, StateType.RUNNING)
        return
    state = decision.state
    assert (decision.status, decision.reason) == (SetStateStatus.REJECT, "Retrieved state from cache")
    assert (state.type, state.name, state.data, state.message) == (
        StateType.COMPLETED,
        "Cached",
        {"type": "reference"},
        "done",
    )
    assert (state.id != stored.id, state.timestamp) == (True, bench.now)
    assert state.state_details.task_run_id == decision.run.id
    assert stored.state_details.task_run_id is None
    assert decision.run.run_count == 0


def test_a_cached_result_needs_no_slot(bench):
    state = bench.state("COMPLETED")
    run = bench.task_run(tags=["zero"])
    facts = bench.Facts(cached={"k": state}, limits=[SlotLimit(id=run.id, name="tag:zero", limit=0)])
    assert bench.task("PENDING", ("RUNNING", {"cache_key": "k"}), run=run, facts=facts).state.name == "Cached"


def test_a_completed_state_is_shared_under_its_key(bench):
    proposed = ("COMPLETED", {"cache_key": "k", "cache_expiration": bench.now})
    effect = InsertCachedState(cache_key="k", cache_expiration=bench.now)
    assert bench.task("RUNNING", proposed).effects == (effect,)
    assert bench.task("RUNNING", "COMPLETED").effects == ()


@pytest.mark.parametrize(("length", "status"), [(2000, SetStateStatus.ACCEPT), (2001, SetStateStatus.REJECT)])
def test_a_key_that_is_too_long_is_told(bench, length, status):
    decision = bench.task("RUNNING", ("COMPLETED", {"cache_key": "k" * length}))
    assert (decision.status, decision.state.type) == (status, StateType.COMPLETED)
    if status is SetStateStatus.REJECT:
        assert decision.reason == "Cache key exceeded maximum allowed length of 2000 characters."
