from __future__ import annotations

from uuid import uuid4

import pytest
from support import NOON, Clock

from flowctl.db.database import Database, Tx
from flowctl.domain.concurrency_limits import (
    ConcurrencyLimitCreate,
    ConcurrencyLimitV2Create,
    ConcurrencyLimitV2Update,
    Increment,
    IncrementWithLease,
    TagSlots,
)
from flowctl.domain.errors import Conflict, Invalid, NotFound
from flowctl.ops import concurrency_limits as ops
from flowctl.ops import concurrency_slots as slots
from flowctl.ops import leases

RUNS = [uuid4() for _ in range(3)]


def test_a_limit_is_found_by_id_and_by_name(tx: Tx) -> None:
    limit = ops.create(tx, ConcurrencyLimitV2Create(name="db", limit=3))
    assert ops.read(tx, limit.id) == ops.read(tx, str(limit.id)) == ops.read(tx, "db")
    with pytest.raises(NotFound, match="Concurrency Limit not found"):
        ops.read(tx, "other")


def test_names_are_taken_once(tx: Tx) -> None:
    ops.create(tx, ConcurrencyLimitV2Create(name="db", limit=3))
    with pytest.raises(Conflict, match="Data integrity conflict"):
        ops.create(tx, ConcurrencyLimitV2Create(name="db", limit=3))


def test_limits_are_listed_by_name_a_page_at_a_time(tx: Tx) -> None:
    for name in ("b", "a", "c"):
        ops.create(tx, ConcurrencyLimitV2Create(name=name, limit=1))
    assert [limit.name for limit in ops.find(tx, limit=2)] == ["a", "b"]
    assert [limit.name for limit in ops.find(tx, limit=None, offset=2)] == ["c"]
    for bad, message in ((201, "less than or equal to 200"), (-1, "greater than or equal to 0")):
        with pytest.raises(Invalid, match=message):
            ops.find(tx, limit=bad)


def test_update_sets_what_is_sent(tx: Tx) -> None:
    id = ops.create(tx, ConcurrencyLimitV2Create(name="db", limit=3, active_slots=1)).id
    ops.update(tx, id, ConcurrencyLimitV2Update(limit=5, active=False))
    after = ops.read(tx, id)
    assert (after.limit, after.active, after.active_slots, after.name) == (5, False, 1, "db")
    ops.update(tx, "db", ConcurrencyLimitV2Update(name="pool"))
    assert ops.read(tx, "pool").id == id
    with pytest.raises(Conflict):
        ops.update(tx, id, ConcurrencyLimitV2Update(limit=None))


def test_setting_the_slots_takes_them_from_leases(tx: Tx) -> None:
    limit = ops.create(tx, ConcurrencyLimitV2Create(name="db", limit=3))
    taken = slots.increment_with_lease(tx, IncrementWithLease(slots=2, names=["db"]))
    assert not isinstance(taken, slots.Locked)
    ops.update(tx, limit.id, ConcurrencyLimitV2Update(active_slots=1))
    assert ops.read(tx, limit.id).active_slots == 1
    assert leases.renew(tx, taken.lease_id, 60)  # whoever holds it need not stop
    slots.decrement_with_lease(tx, taken.lease_id)
    assert ops.read(tx, limit.id).active_slots == 1


def test_slots_of_a_rate_limit_decay(db: Database, clock: Clock) -> None:
    with db.write() as tx:
        ops.create(tx, ConcurrencyLimitV2Create(name="rate", limit=5, slot_decay_per_second=0.5))
        slots.increment(tx, Increment(slots=4, names=["rate"], mode="rate_limit"))
        assert ops.read(tx, "rate").active_slots == 4
    clock.advance(seconds=5)
    with db.write() as tx:
        assert ops.read(tx, "rate").active_slots == 2  # floor(2.5) slots are free again
        slots.increment(tx, Increment(slots=1, names=["rate"], mode="rate_limit"))
        assert ops.read(tx, "rate").active_slots == 3
    clock.advance(seconds=60)
    with db.read() as tx:
        assert ops.read(tx, "rate").active_slots == 0


def test_a_limit_that_is_deleted_is_gone_with_its_slots(tx: Tx) -> None:
    limit = ops.create(tx, ConcurrencyLimitV2Create(name="db", limit=3))
    taken = slots.increment_with_lease(tx, IncrementWithLease(slots=2, names=["db"]))
    assert not isinstance(taken, slots.Locked)
    ops.delete(tx, limit.id)
    with pytest.raises(NotFound):
        ops.read(tx, limit.id)
    assert leases.renew(tx, taken.lease_id, 60)
    slots.decrement_with_lease(tx, taken.lease_id)
    assert tx.scalar("SELECT count(*) FROM concurrency_lease") == 0


@pytest.mark.parametrize("how", ["update", "delete"])
def test_a_lease_without_slots_or_end_is_not_kept(tx: Tx, how: str) -> None:
    ops.create_for_tag(tx, ConcurrencyLimitCreate(tag="db", concurrency_limit=2))
    slots.increment_tags(tx, TagSlots(names=["db"], task_run_id=uuid4()))
    if how == "update":
        ops.update(tx, "tag:db", ConcurrencyLimitV2Update(active_slots=0))
    else:
        ops.delete(tx, "tag:db")
    assert tx.scalar("SELECT count(*) FROM concurrency_lease") == 0


@pytest.mark.parametrize("how", ["reset", "by id", "by tag"])
def test_the_first_generation_ends_leases(tx: Tx, how: str) -> None:
    limit, _ = ops.create_for_tag(tx, ConcurrencyLimitCreate(tag="db", concurrency_limit=2))
    taken = slots.increment_with_lease(tx, IncrementWithLease(slots=1, names=["tag:db"]))
    assert not isinstance(taken, slots.Locked)
    if how == "reset":
        ops.reset_tag(tx, "db")
    elif how == "by id":
        ops.delete_tag_limit(tx, limit.id)
    else:
        ops.delete_by_tag(tx, "db")
    assert not leases.renew(tx, taken.lease_id, 60)


def test_changes_are_announced(tx: Tx) -> None:
    limit = ops.create(tx, ConcurrencyLimitV2Create(name="db", limit=3))
    ops.update(tx, limit.id, ConcurrencyLimitV2Update(limit=4))
    ops.delete(tx, limit.id)
    events = [(event.event.rpartition(".")[2], event.payload["limit"]) for event in tx.emitted]
    assert events == [("created", 3), ("updated", 4), ("deleted", 4)]
    resource = {"prefect.resource.id": f"prefect.concurrency-limit.{limit.id}", "prefect.resource.name": "db"}
    assert tx.emitted[0].resource == resource
    assert tx.emitted[0].payload == {"name": "db", "limit": 3, "active": True, "slot_decay_per_second": 0.0}


# -- limits on tags


def test_a_limit_on_a_tag_is_a_limit_with_a_name(tx: Tx) -> None:
    limit, is_new = ops.create_for_tag(tx, ConcurrencyLimitCreate(tag="db", concurrency_limit=2))
    assert (limit.tag, limit.concurrency_limit, limit.active_slots, is_new) == ("db", 2, [], True)
    assert ops.read(tx, "tag:db").id == limit.id
    again, is_new = ops.create_for_tag(tx, ConcurrencyLimitCreate(tag="db", concurrency_limit=5))
    assert (again.id, again.concurrency_limit, is_new) == (limit.id, 5, False)
    assert ops.read_tag_limit(tx, limit.id) == ops.read_by_tag(tx, "db") == again


def test_only_limits_on_tags_are_shown_as_such(tx: Tx) -> None:
    other = ops.create(tx, ConcurrencyLimitV2Create(name="db", limit=3))
    ops.create(tx, ConcurrencyLimitV2Create(name="tag;x", limit=3))
    for tag in ("b", "a"):
        ops.create_for_tag(tx, ConcurrencyLimitCreate(tag=tag, concurrency_limit=1))
    assert [limit.tag for limit in ops.find_tag_limits(tx, limit=None)] == ["a", "b"]
    assert [limit.tag for limit in ops.find_tag_limits(tx, limit=1, offset=1)] == ["b"]
    with pytest.raises(NotFound, match="Concurrency limit not found"):
        ops.read_tag_limit(tx, other.id)


def test_the_holders_of_slots_are_shown_in_their_order(db: Database, clock: Clock) -> None:
    with db.write() as tx:
        ops.create_for_tag(tx, ConcurrencyLimitCreate(tag="db", concurrency_limit=3))
    for run in RUNS:
        clock.advance(seconds=1)
        with db.write() as tx:
            slots.increment_tags(tx, TagSlots(names=["db"], task_run_id=run))
    with db.read() as tx:
        assert ops.read_by_tag(tx, "db").active_slots == RUNS


def test_a_reset_puts_others_in_the_place_of_the_holders(tx: Tx) -> None:
    ops.create_for_tag(tx, ConcurrencyLimitCreate(tag="db", concurrency_limit=1))
    slots.increment_tags(tx, TagSlots(names=["db"], task_run_id=RUNS[0]))
    ops.reset_tag(tx, "db", [RUNS[1]])
    assert ops.read_by_tag(tx, "db").active_slots == [RUNS[1]]
    assert ops.read(tx, "tag:db").active_slots == 1
    slots.decrement_tags(tx, TagSlots(names=["db"], task_run_id=RUNS[1]))
    assert ops.read(tx, "tag:db").active_slots == 0


def test_a_reset_without_others_leaves_the_slots_taken_by_nobody(tx: Tx) -> None:
    ops.create_for_tag(tx, ConcurrencyLimitCreate(tag="db", concurrency_limit=5))
    slots.increment_tags(tx, TagSlots(names=["db"], task_run_id=RUNS[0]))
    ops.reset_tag(tx, "db")
    assert ops.read_by_tag(tx, "db").active_slots == []
    assert ops.read(tx, "tag:db").active_slots == 1
    with pytest.raises(NotFound):
        ops.reset_tag(tx, "other")


def test_limits_on_tags_are_deleted_by_id_and_by_tag(tx: Tx) -> None:
    limit, _ = ops.create_for_tag(tx, ConcurrencyLimitCreate(tag="a", concurrency_limit=1))
    ops.create_for_tag(tx, ConcurrencyLimitCreate(tag="b", concurrency_limit=1))
    ops.delete_tag_limit(tx, limit.id)
    ops.delete_by_tag(tx, "b")
    assert ops.find_tag_limits(tx, limit=None) == []
    for delete in (lambda: ops.delete_tag_limit(tx, limit.id), lambda: ops.delete_by_tag(tx, "b")):
        with pytest.raises(NotFound):
            delete()


def test_times_are_those_of_the_transaction(tx: Tx) -> None:
    assert ops.create(tx, ConcurrencyLimitV2Create(name="db", limit=3)).created == NOON
