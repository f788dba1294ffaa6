"""Filters on events: SQL and memory agree; and the criteria, one by one."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid5

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import NOON

from flowctl.db.database import Database, Tx
from flowctl.db.queries import event_pages
from flowctl.db.queries.event_filters import where
from flowctl.db.tables import events as table
from flowctl.domain.event_filters import (
    EventAnyResourceFilter,
    EventFilter,
    EventIDFilter,
    EventNameFilter,
    EventOccurredFilter,
    EventRelatedFilter,
    EventResourceFilter,
    EventTextFilter,
    includes,
)
from flowctl.domain.events import ReceivedEvent

NAMESPACE = UUID(int=7)
IDS = ["a.1", "a.2", "A.1", "b.1", "b.10", "b[1]"]
LABELS = ["colour", "prefect.resource.id", "prefect.resource.role", 'odd."label', "größe"]
VALUES = ["red", "Red", "reddish", "", "a*b", "[x]", 'say "hi"', "grün\n"]
ROLES = ["owner", "flow", "flow-run"]
NAMES = ["demo.up", "demo.down", "Demo.up", "demo", "other.up"]

labels = st.dictionaries(st.sampled_from([LABELS[0], *LABELS[3:]]), st.sampled_from(VALUES), max_size=2)
resources = st.builds(
    lambda id, more: {**more, "prefect.resource.id": id}, st.sampled_from(IDS), labels
)  # the id last: the order of labels must not matter
related = st.builds(
    lambda resource, role: {**resource, "prefect.resource.role": role}, resources, st.sampled_from(ROLES)
)
payloads = st.dictionaries(st.sampled_from(VALUES), st.sampled_from([*VALUES, 1, None, [True]]), max_size=2)


@st.composite
def events(draw: st.DrawFn, number: int) -> ReceivedEvent:
    occurred = NOON - timedelta(microseconds=draw(st.integers(0, 10)))
    return ReceivedEvent(
        id=uuid5(NAMESPACE, str(number)),
        occurred=occurred,
        received=occurred,
        event=draw(st.sampled_from(NAMES)),
        resource=draw(resources),
        related=draw(st.lists(related, max_size=3)),
        payload=draw(payloads),
    )


def some(values: list[Any]) -> st.SearchStrategy[list[Any] | None]:
    return st.none() | st.lists(st.sampled_from(values), max_size=2)


patterns = st.sampled_from([*VALUES, *IDS, "!red", "r?d", "red*", "!*", "*", "?", "!r*", "[*", "a.?"])
label_criteria = st.none() | st.dictionaries(
    st.sampled_from(LABELS), patterns | st.lists(patterns, max_size=2), max_size=2
)
prefixes = some(["a", "a.", "", "b", "A.", "b["])
related_filters = st.builds(
    EventRelatedFilter,
    id=some(IDS),
    role=some(ROLES),
    resources_in_roles=st.none() | st.lists(st.tuples(st.sampled_from(IDS), st.sampled_from(ROLES)), max_size=2),
    labels=label_criteria,
)
any_resource_filters = st.builds(EventAnyResourceFilter, id=some(IDS), id_prefix=prefixes, labels=label_criteria)
texts = st.lists(
    st.sampled_from(["red", "-red", "+RED", "owner", '"a*b"', r'"say \"hi\""', "-[x]", "grün", "!demo"]), max_size=3
).map(" ".join)
filters = st.builds(
    EventFilter,
    occurred=st.builds(
        EventOccurredFilter,
        since=st.integers(-10, 0).map(lambda offset: NOON + timedelta(microseconds=offset)),
        until=st.integers(-10, 0).map(lambda offset: NOON + timedelta(microseconds=offset)),
    )
    | st.builds(EventOccurredFilter),
    event=st.none()
    | st.builds(
        EventNameFilter,
        prefix=some(["demo", "demo.", "D", ""]),
        exclude_prefix=some(["demo.", "o"]),
        name=some(NAMES),
        exclude_name=some(NAMES),
    ),
    resource=st.none() | st.builds(EventResourceFilter, id=some(IDS), id_prefix=prefixes, labels=label_criteria),
    related=st.none() | related_filters | st.lists(related_filters, max_size=2),
    any_resource=st.none() | any_resource_filters | st.lists(any_resource_filters, max_size=2),
    id=st.builds(EventIDFilter, id=st.none() | st.lists(st.integers(0, 5).map(lambda n: uuid5(NAMESPACE, str(n))))),
    text=st.none() | st.builds(EventTextFilter, query=texts),
)


@pytest.fixture(scope="module")
def shared(migrated_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """One file for all examples of a property; each example undoes what it writes."""
    path = tmp_path_factory.mktemp("events") / "flowctl.db"
    path.write_bytes(migrated_file.read_bytes())
    database = Database(path, clock=lambda: NOON)
    yield database
    database.close()


def matching(tx: Tx, criteria: EventFilter) -> set[UUID]:
    condition = where(criteria, tx.now)
    rows = tx.execute(f"SELECT id FROM events WHERE {condition.sql}", condition.parameters)
    return {UUID(row[0]) for row in rows}


@given(data=st.data(), criteria=filters)
def test_sql_and_memory_agree(shared: Database, data: st.DataObject, criteria: EventFilter) -> None:
    stored = [data.draw(events(number)) for number in range(6)]
    with shared.read() as tx:
        tx.execute("ROLLBACK")
        tx.execute("BEGIN IMMEDIATE")  # a read transaction is rolled back at its end
        for event in stored:
            table.insert(tx, event)
        assert matching(tx, criteria) == {event.id for event in stored if includes(criteria, event)}


def event(number: int, **changes: Any) -> ReceivedEvent:
    values: dict[str, Any] = {
        "id": uuid5(NAMESPACE, str(number)),
        "occurred": NOON - timedelta(seconds=number),
        "received": NOON,
        "event": "demo.up",
        "resource": {"prefect.resource.id": f"demo.{number}"},
    }
    return ReceivedEvent(**{**values, **changes})


OWNER = {"prefect.resource.id": "team.1", "prefect.resource.role": "owner", "size": "big"}
FLOW = {"prefect.resource.id": "flow.1", "prefect.resource.role": "flow"}
EVENTS = [
    event(0, resource={"prefect.resource.id": "demo.0", "colour": "red"}, related=[OWNER]),
    event(1, event="demo.down", resource={"prefect.resource.id": "demo.1", "colour": "blue"}, related=[FLOW]),
    event(2, event="other", related=[OWNER, FLOW], payload={"note": "Something Broke"}),
    event(3, resource={"prefect.resource.id": "team.1"}),
]


@pytest.mark.parametrize(
    ("criteria", "numbers"),
    [
        (EventFilter(), {0, 1, 2, 3}),
        (EventFilter(occurred=EventOccurredFilter(since=NOON - timedelta(seconds=1))), {0, 1}),
        (EventFilter(occurred=EventOccurredFilter(until=NOON - timedelta(seconds=2))), {2, 3}),
        (EventFilter(event=EventNameFilter(prefix=["demo."])), {0, 1, 3}),
        (EventFilter(event=EventNameFilter(exclude_prefix=["demo."])), {2}),
        (EventFilter(event=EventNameFilter(name=["demo.down", "other"])), {1, 2}),
        (EventFilter(event=EventNameFilter(prefix=["demo."], exclude_name=["demo.up"])), {1}),
        (EventFilter(resource=EventResourceFilter(id=["demo.1", "team.1"])), {1, 3}),
        (EventFilter(resource=EventResourceFilter(id_prefix=["demo."])), {0, 1, 2}),
        (EventFilter(resource=EventResourceFilter(labels={"colour": "r*"})), {0}),
        (EventFilter(resource=EventResourceFilter(labels={"colour": "!red"})), {1}),
        (EventFilter(resource=EventResourceFilter(labels={"colour": []})), set()),
        (EventFilter(resource=EventResourceFilter(labels={"prefect.resource.id": ["demo.?", "x"]})), {0, 1, 2}),
        (EventFilter(related=EventRelatedFilter(id=["team.1"])), {0, 2}),
        (EventFilter(related=EventRelatedFilter(role=["flow"])), {1, 2}),
        (EventFilter(related=EventRelatedFilter(id=["team.1"], role=["flow"])), set()),
        (EventFilter(related=[EventRelatedFilter(id=["team.1"]), EventRelatedFilter(role=["flow"])]), {2}),
        (EventFilter(related=EventRelatedFilter(resources_in_roles=[("flow.1", "flow"), ("x", "owner")])), {1, 2}),
        (EventFilter(related=EventRelatedFilter(labels={"size": "big"})), {0, 2}),
        (EventFilter(any_resource=EventAnyResourceFilter(id=["team.1"])), {0, 2, 3}),
        (EventFilter(any_resource=EventAnyResourceFilter(id_prefix=["flow.", "demo.0"])), {0, 1, 2}),
        (EventFilter(any_resource=EventAnyResourceFilter(id=["team.1"], labels={"size": "big"})), {0, 2}),
        (EventFilter(id=EventIDFilter(id=[uuid5(NAMESPACE, "2")])), {2}),
        (EventFilter(id=EventIDFilter(id=[])), {0, 1, 2, 3}),
        (EventFilter(text=EventTextFilter(query="broke")), {2}),
        (EventFilter(text=EventTextFilter(query="+demo -BLUE")), {0, 2, 3}),
    ],
)
def test_criteria(tx: Tx, criteria: EventFilter, numbers: set[int]) -> None:
    for each in EVENTS:
        table.insert(tx, each)
    expected = {uuid5(NAMESPACE, str(number)) for number in numbers}
    assert matching(tx, criteria) == expected
    assert {each.id for each in EVENTS if includes(criteria, each)} == expected


@pytest.mark.parametrize(
    ("criteria", "index"),
    [
        (EventFilter(), "ix_events__occurred"),
        (EventFilter(event=EventNameFilter(prefix=["demo."])), "ix_events__occurred"),
        (EventFilter(resource=EventResourceFilter(id=["a"])), "ix_events__resource_id_occurred"),
        (EventFilter(resource=EventResourceFilter(id_prefix=["a"])), "ix_events__resource_id_occurred"),
        (EventFilter(related=EventRelatedFilter(id=["a"])), "PRIMARY KEY"),
        (EventFilter(any_resource=EventAnyResourceFilter(id=["a"])), "PRIMARY KEY"),
        (EventFilter(id=EventIDFilter(id=[UUID(int=1)])), "sqlite_autoindex_events_1"),
    ],
)
def test_filters_are_answered_from_an_index(tx: Tx, criteria: EventFilter, index: str) -> None:
    condition = where(criteria, tx.now)
    rows = tx.execute(f"EXPLAIN QUERY PLAN SELECT count(*) FROM events WHERE {condition.sql}", condition.parameters)
    plan = [row[3] for row in rows]
    assert any(index in step for step in plan), plan
    assert not any(step.startswith("SCAN") and "VIRTUAL TABLE" not in step for step in plan), plan


def test_pages_are_walked_along_the_index_by_time(tx: Tx) -> None:
    for each in EVENTS:
        table.insert(tx, each)
    rows, end = event_pages.page(tx, EventFilter(), limit=3)
    assert [row.id for row in rows] == [each.id for each in EVENTS[:3]]
    rest, _ = event_pages.page(tx, EventFilter(), limit=3, after=end)
    assert [row.id for row in rest] == [EVENTS[3].id]
