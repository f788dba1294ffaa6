from __future__ import annotations

from uuid import UUID, uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support import Clock

from flowctl.db.database import Database, Tx
from flowctl.db.tables import concurrency_limits as table
from flowctl.domain.concurrency_limits import (
    ConcurrencyLimitCreate,
    ConcurrencyLimitV2Create,
    Decrement,
    Increment,
    IncrementWithLease,
    LeaseHolder,
    TagSlots,
)
from flowctl.domain.errors import Invalid
from flowctl.ops import concurrency_limits, leases
from flowctl.ops import concurrency_slots as ops


def limit(tx: Tx, name: str, slots: int = 1, **fields: object) -> UUID:
    return concurrency_limits.create(tx, ConcurrencyLimitV2Create(name=name, limit=slots, **fields)).id  # type: ignore[arg-type]


def taken(tx: Tx, *names: str) -> list[int]:
    return [concurrency_limits.read(tx, name).active_slots for name in names]


def lease(tx: Tx, *names: str, slots: int = 1, **fields: object) -> UUID:
    result = ops.increment_with_lease(tx, IncrementWithLease(slots=slots, names=list(names), **fields))  # type: ignore[arg-type]
    assert not isinstance(result, ops.Locked)
    return result.lease_id


def test_slots_are_taken_of_all_limits_or_of_none(tx: Tx) -> None:
    limit(tx, "a", 2)
    limit(tx, "b", 1)
    result = ops.increment(tx, Increment(slots=1, names=["b", "a", "unknown"]))
    assert not isinstance(result, ops.Locked)
    assert [each.name for each in result] == ["a", "b"]
    assert taken(tx, "a", "b") == [1, 1]
    assert isinstance(ops.increment(tx, Increment(slots=1, names=["a", "b"])), ops.Locked)
    assert taken(tx, "a", "b") == [1, 1]


def test_limits_that_are_switched_off_hold_nobody_up(tx: Tx) -> None:
    limit(tx, "off", 1, active=False)
    assert not isinstance(ops.increment(tx, Increment(slots=5, names=["off"])), ops.Locked)
    lease(tx, "off", slots=5)
    assert taken(tx, "off") == [0]


def test_impossible_wishes_are_refused(tx: Tx) -> None:
    limit(tx, "a", 2)
    with pytest.raises(Invalid, match="Slots requested is greater than the limit"):
        ops.increment(tx, Increment(slots=3, names=["a"]))
    with pytest.raises(Invalid, match=r"do not have a decay configured: 'a'$"):
        ops.increment_with_lease(tx, IncrementWithLease(slots=1, names=["a"], mode="rate_limit"))


def test_slots_go_back_by_number_and_never_below_zero(tx: Tx) -> None:
    limit(tx, "a", 3)
    ops.increment(tx, Increment(slots=3, names=["a"]))
    ops.decrement(tx, Decrement(slots=1, names=["a", "unknown"]))
    assert taken(tx, "a") == [2]
    ops.decrement(tx, Decrement(slots=9, names=["a"]))
    assert taken(tx, "a") == [0]
    assert ops.decrement(tx, Decrement(slots=1, names=["unknown"])) == []


def test_what_a_lease_holds_is_not_given_back_by_number(tx: Tx) -> None:
    limit(tx, "a", 3)
    held = lease(tx, "a")
    ops.increment(tx, Increment(slots=1, names=["a"]))
    ops.decrement(tx, Decrement(slots=2, names=["a"]))
    assert taken(tx, "a") == [1]
    ops.decrement_with_lease(tx, held)
    assert taken(tx, "a") == [0]


def test_a_lease_gives_back_what_it_holds_of_all_its_limits_once(tx: Tx) -> None:
    limit(tx, "a", 3)
    limit(tx, "b", 2)
    held = lease(tx, "a", "b", slots=2)
    assert taken(tx, "a", "b") == [2, 2]
    ops.decrement_with_lease(tx, held)
    ops.decrement_with_lease(tx, held)
    ops.decrement_with_lease(tx, uuid4())
    assert taken(tx, "a", "b") == [0, 0]


def test_a_lease_runs_out_unless_it_is_renewed(db: Database, clock: Clock) -> None:
    with db.write() as tx:
        limit(tx, "a", 2)
        renewed, forgotten = lease(tx, "a", lease_duration=60), lease(tx, "a", lease_duration=60)
    clock.advance(seconds=50)
    with db.write() as tx:
        assert leases.renew(tx, renewed, 60)
    clock.advance(seconds=20)
    with db.write() as tx:
        assert taken(tx, "a") == [2]
        assert leases.run_once(tx) == 1
        assert leases.run_once(tx) == 0
        assert taken(tx, "a") == [1]
        assert not leases.renew(tx, forgotten, 60)
        assert table.get_lease(tx, renewed) is not None


def test_a_lease_knows_its_holder(tx: Tx) -> None:
    limit(tx, "a")
    run = uuid4()
    held = lease(tx, "a", holder=LeaseHolder(type="flow_run", id=run))
    (found,) = table.leases_held_by(tx, run)
    assert (found.id, found.holder_type) == (held, "flow_run")


def test_the_average_occupancy_moves_towards_what_is_seen(db: Database, clock: Clock) -> None:
    with db.write() as tx:
        limit(tx, "a", 1)
        held = lease(tx, "a")
    clock.advance(seconds=12)
    with db.write() as tx:
        ops.decrement_with_lease(tx, held)
        found = table.by_name(tx, "a")
    assert found is not None
    assert found.avg_slot_occupancy_seconds == 2.0 + (12 - 2.0) / 2


def test_who_finds_no_slot_is_told_when_to_come_back(tx: Tx) -> None:
    limit(tx, "a", 1)
    limit(tx, "rate", 1, slot_decay_per_second=0.1)
    ops.increment(tx, Increment(slots=1, names=["a", "rate"]))
    locked = ops.increment(tx, Increment(slots=1, names=["a"]))
    assert isinstance(locked, ops.Locked)
    assert locked.detail == "Locked"
    assert locked.retry_after_seconds is not None
    assert 0 < locked.retry_after_seconds <= 2.0 * 1.3
    decaying = ops.increment(tx, Increment(slots=1, names=["rate"], mode="rate_limit"))
    assert isinstance(decaying, ops.Locked)
    assert decaying.retry_after_seconds is not None
    assert 2.6 < decaying.retry_after_seconds <= 10 * 1.3


def test_the_wait_grows_with_the_crowd_and_is_bounded(tx: Tx) -> None:
    limit(tx, "a", 1)
    ops.increment(tx, Increment(slots=1, names=["a"]))
    waits = [ops.increment(tx, Increment(slots=1, names=["a"])) for _ in range(40)]
    longest = max(wait.retry_after_seconds or 0 for wait in waits if isinstance(wait, ops.Locked))
    assert 10 < longest <= 30 * 1.3


def test_those_who_were_denied_are_forgotten(db: Database, clock: Clock) -> None:
    with db.write() as tx:
        limit(tx, "a", 1)
        ops.increment(tx, Increment(slots=1, names=["a"]))
        for _ in range(5):
            ops.increment(tx, Increment(slots=1, names=["a"]))
        found = table.by_name(tx, "a")
        assert found is not None
        assert found.denied_slots == 5
    clock.advance(seconds=6)
    with db.write() as tx:
        ops.decrement(tx, Decrement(slots=1, names=["a"]))
        found = table.by_name(tx, "a")
        assert found is not None
        assert found.denied_slots == 2  # one each 2 seconds


# -- limits on tags


def test_a_task_run_takes_and_gives_back_its_slots(tx: Tx) -> None:
    for tag in ("a", "b"):
        concurrency_limits.create_for_tag(tx, ConcurrencyLimitCreate(tag=tag, concurrency_limit=1))
    run, other = uuid4(), uuid4()
    result = ops.increment_tags(tx, TagSlots(names=["b", "a", "unknown"], task_run_id=run))
    assert not isinstance(result, ops.Locked)
    assert [each.name for each in result] == ["b", "a"]
    assert taken(tx, "tag:a", "tag:b") == [1, 1]
    locked = ops.increment_tags(tx, TagSlots(names=["a"], task_run_id=other))
    assert locked == ops.Locked(detail="Concurrency limit for the a tag has been reached", retry_after_seconds=10.0)
    given = ops.decrement_tags(tx, TagSlots(names=["a", "b"], task_run_id=other))
    assert [each.name for each in given] == ["tag:a", "tag:b"]
    assert taken(tx, "tag:a", "tag:b") == [1, 1]
    ops.decrement_tags(tx, TagSlots(names=["a", "b"], task_run_id=run))
    assert taken(tx, "tag:a", "tag:b") == [0, 0]


def test_a_tag_with_a_limit_of_zero_locks_for_good(tx: Tx) -> None:
    concurrency_limits.create_for_tag(tx, ConcurrencyLimitCreate(tag="zero", concurrency_limit=0))
    locked = ops.increment_tags(tx, TagSlots(names=["zero"], task_run_id=uuid4()))
    assert isinstance(locked, ops.Locked)
    assert locked.retry_after_seconds is None
    assert locked.detail == (
        'The concurrency limit on tag "zero" is 0 and will deadlock if the task tries to run again.'
    )


NAMES = ("a", "b")
actions = st.one_of(
    st.tuples(st.just("take"), st.sets(st.sampled_from(NAMES), min_size=1), st.integers(1, 2)),
    st.tuples(st.just("give"), st.sets(st.sampled_from(NAMES), min_size=1), st.integers(1, 2)),
    st.tuples(st.just("lease"), st.sets(st.sampled_from(NAMES), min_size=1), st.integers(1, 2)),
    st.tuples(st.just("return"), st.just(frozenset[str]()), st.integers(0, 3)),
)


@given(history=st.lists(actions, max_size=25))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_slots_are_never_lost_nor_given_out_twice(db: Database, history: list[tuple[str, set[str], int]]) -> None:
    with db.write() as tx:
        for name in NAMES:
            if table.by_name(tx, name):
                concurrency_limits.delete(tx, name)
            limit(tx, name, 3)
        by_number = dict.fromkeys(NAMES, 0)
        held: list[tuple[UUID, set[str], int]] = []
        for what, names, number in history:
            if what == "take":
                if not isinstance(ops.increment(tx, Increment(slots=number, names=list(names))), ops.Locked):
                    by_number.update({name: by_number[name] + number for name in names})
            elif what == "give":
                ops.decrement(tx, Decrement(slots=number, names=list(names)))
                by_number.update({name: max(0, by_number[name] - number) for name in names})
            elif what == "lease":
                result = ops.increment_with_lease(tx, IncrementWithLease(slots=number, names=list(names)))
                if not isinstance(result, ops.Locked):
                    held.append((result.lease_id, names, number))
            elif number < len(held):
                ops.decrement_with_lease(tx, held.pop(number)[0])
            for name in NAMES:
                leased = sum(slots for _, of, slots in held if name in of)
                assert taken(tx, name) == [by_number[name] + leased]
                assert by_number[name] + leased <= 3
