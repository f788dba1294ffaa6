"""Events: stored once, found page by page, counted, deleted by age."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid5

import pytest
from support import NOON

from flowctl.db.database import Tx
from flowctl.domain.errors import Invalid, NotFound
from flowctl.domain.event_counts import Countable, TimeUnit
from flowctl.domain.event_filters import EventFilter, EventOccurredFilter, EventOrder, EventResourceFilter
from flowctl.domain.events import ReceivedEvent
from flowctl.ops import events as ops

ASCENDING = EventFilter(order=EventOrder.ASC)
OWNER = {"prefect.resource.id": "team.1", "prefect.resource.role": "owner"}


def event(number: int, **changes: Any) -> ReceivedEvent:
    values: dict[str, Any] = {
        "id": uuid5(UUID(int=7), str(number)),
        "occurred": NOON - timedelta(minutes=number),
        "received": NOON,
        "event": f"demo.{'up' if number % 2 else 'down'}",
        "resource": {"prefect.resource.id": f"demo.{number % 3}", "prefect.resource.name": f"name {number}"},
        "related": [OWNER, OWNER],
        "payload": {"number": number},
        "follows": UUID(int=1),
    }
    return ReceivedEvent(**{**values, **changes})


def ids(*numbers: int) -> list[UUID]:
    return [event(number).id for number in numbers]


def test_emit_stores_an_event_as_it_is(tx: Tx) -> None:
    assert ops.emit(tx, event(1))
    assert ops.read(tx, event(1).id) == event(1)
    assert tx.emitted == [event(1)]


def test_emit_counts_an_id_once(tx: Tx) -> None:
    ops.emit(tx, event(1))
    assert not ops.emit(tx, event(1, event="other", related=[{**OWNER, "prefect.resource.id": "team.2"}]))
    assert ops.read(tx, event(1).id) == event(1)
    assert tx.emitted == [event(1)]
    assert tx.scalar("SELECT count(*) FROM event_resources") == 1


def test_read_raises_for_an_unknown_id(tx: Tx) -> None:
    with pytest.raises(NotFound):
        ops.read(tx, UUID(int=1))


def test_pages_are_stable_while_events_arrive(tx: Tx) -> None:
    for number in (4, 2, 0, 3, 1):
        ops.emit(tx, event(number))
    first = ops.find(tx, ASCENDING, limit=2)
    assert [each.id for each in first.events] == ids(4, 3)
    assert first.total == 5
    ops.emit(tx, event(5, occurred=NOON - timedelta(seconds=1)))
    assert first.query
    second = ops.next_page(tx, first.query)
    assert [each.id for each in second.events] == ids(2, 1)
    assert second.query
    third = ops.next_page(tx, second.query)
    assert [each.id for each in third.events] == ids(0)
    assert (third.total, third.query) == (5, None)


def test_events_of_one_moment_are_all_on_some_page(tx: Tx) -> None:
    for number in range(5):
        ops.emit(tx, event(number, occurred=NOON))
    page = ops.find(tx, EventFilter(), limit=2)
    seen = [each.id for each in page.events]
    while page.query:
        page = ops.next_page(tx, page.query)
        seen += [each.id for each in page.events]
    assert seen == ids(4, 3, 2, 1, 0)


def test_a_page_of_none_has_no_next(tx: Tx) -> None:
    ops.emit(tx, event(1))
    page = ops.find(tx, EventFilter(), limit=0)
    assert (len(page.events), page.total, page.query) == (0, 1, None)


def test_distinct_resources_show_their_first_event_in_order(tx: Tx) -> None:
    for number in range(6):
        ops.emit(tx, event(number))
    criteria = EventFilter(resource=EventResourceFilter(distinct=True))
    page = ops.find(tx, criteria, limit=2)
    assert ([each.id for each in page.events], page.total) == (ids(0, 1), 3)
    assert page.query
    assert [each.id for each in ops.next_page(tx, page.query).events] == ids(2)
    assert ops.count(tx, criteria) == 3
    criteria.order = EventOrder.ASC
    assert [each.id for each in ops.find(tx, criteria).events] == ids(5, 4, 3)


def test_without_a_range_the_last_180_days_count(tx: Tx) -> None:
    ops.emit(tx, event(0, occurred=NOON - timedelta(days=180)))
    ops.emit(tx, event(1, occurred=NOON - timedelta(days=181)))
    ops.emit(tx, event(2, occurred=NOON + timedelta(seconds=1)))
    assert [each.id for each in ops.find(tx, EventFilter()).events] == ids(0)


def test_count_by_name_and_resource(tx: Tx) -> None:
    for number in range(5):
        ops.emit(tx, event(number))
    by_name = ops.count_by(tx, _since(hours=1), Countable.EVENT)
    assert [(each.value, each.label, each.count) for each in by_name] == [
        ("demo.down", "demo.down", 3),
        ("demo.up", "demo.up", 2),
    ]
    assert (by_name[0].start_time, by_name[0].end_time) == (NOON - timedelta(minutes=4), NOON)
    by_resource = ops.count_by(tx, _since(hours=1), Countable.RESOURCE)
    assert [(each.value, each.label, each.count) for each in by_resource] == [
        ("demo.0", "name 0", 2),
        ("demo.1", "name 1", 2),
        ("demo.2", "name 2", 1),
    ]


def test_count_by_time_fills_empty_spans(tx: Tx) -> None:
    for number in (0, 1, 20):  # the first of them begins a span that is not asked for
        ops.emit(tx, event(number))
    counts = ops.count_by(tx, _since(minutes=30), Countable.TIME, unit=TimeUnit.MINUTE, interval=10)
    assert [(each.value, each.count) for each in counts] == [("0", 0), ("1", 1), ("2", 1)]
    assert counts[1].label == "2026-03-01T11:40:00+00:00"
    assert counts[1].end_time - counts[1].start_time == timedelta(minutes=10, microseconds=-1)


def test_count_by_time_knows_events_before_the_pivot(tx: Tx) -> None:
    moment = NOON.replace(year=2024)
    ops.emit(tx, event(0, occurred=moment))
    criteria = EventFilter(occurred=EventOccurredFilter(since=moment - timedelta(hours=2), until=moment))
    counts = ops.count_by(tx, criteria, Countable.TIME, unit=TimeUnit.HOUR)
    assert [each.count for each in counts] == [0, 0]
    criteria.occurred.until += timedelta(hours=1)
    assert [each.count for each in ops.count_by(tx, criteria, Countable.TIME, unit=TimeUnit.HOUR)] == [0, 0, 1]


def test_count_by_refuses_too_many_spans(tx: Tx) -> None:
    with pytest.raises(Invalid, match="too many"):
        ops.count_by(tx, EventFilter(), Countable.EVENT, unit=TimeUnit.SECOND)
    decade = EventFilter(occurred=EventOccurredFilter(since=NOON - timedelta(days=3650)))
    assert len(ops.count_by(tx, decade, Countable.TIME, unit=TimeUnit.WEEK)) == 522
    with pytest.raises(Invalid, match="too many"):
        ops.count_by(tx, decade, Countable.DAY, unit=TimeUnit.WEEK)


def test_delete_older_than_is_bounded_and_leaves_nothing_behind(tx: Tx) -> None:
    for number in range(5):
        ops.emit(tx, event(number))
    moment = NOON - timedelta(minutes=1)
    assert ops.delete_older_than(tx, moment, 2) == 2
    assert [each.id for each in ops.find(tx, EventFilter()).events] == ids(0, 1, 2)
    assert ops.delete_older_than(tx, moment, 2) == 1
    assert ops.delete_older_than(tx, moment, 2) == 0
    assert tx.scalar("SELECT count(*) FROM event_resources") == 2


def test_positions_are_never_used_twice(tx: Tx) -> None:
    ops.emit(tx, event(0))
    ops.delete_older_than(tx, NOON + timedelta(days=1), 10)
    ops.emit(tx, event(1))
    assert tx.scalar("SELECT max(position) FROM events") == 2


def _since(**delta: float) -> EventFilter:
    return EventFilter(occurred=EventOccurredFilter(since=NOON - timedelta(**delta)))
