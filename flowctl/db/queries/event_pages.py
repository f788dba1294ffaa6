"""Lists and counts of events that pass a filter."""

from __future__ import annotations

from dataclasses import dataclass

from flowctl.db.clauses import Clause
from flowctl.db.columns import Rows
from flowctl.db.database import Tx
from flowctl.db.queries.event_filters import where
from flowctl.db.tables.events import EVENT
from flowctl.domain.event_counts import PIVOT
from flowctl.domain.event_filters import EventFilter, EventOrder
from flowctl.domain.events import ReceivedEvent


@dataclass(frozen=True, slots=True)
class Cursor:
    """The last event of a page: its time as stored, and its position."""

    occurred: str
    position: int


@dataclass(frozen=True, slots=True)
class Bucket:
    """The events with one value: a name, a resource, or the number of a span of time."""

    value: str
    label: str
    count: int
    oldest: str
    latest: str


def count(tx: Tx, criteria: EventFilter) -> int:
    """How many events pass; of a filter by distinct resources, how many resources."""
    condition = where(criteria, tx.now)
    what = "count(DISTINCT events.resource_id)" if _distinct(criteria) else "count(*)"
    return tx.scalar(f"SELECT {what} FROM events WHERE {condition.sql}", condition.parameters)


def page(
    tx: Tx, criteria: EventFilter, *, limit: int, after: Cursor | None = None, newest: int | None = None
) -> tuple[Rows[ReceivedEvent], Cursor | None]:
    """Some events in the filter's order, and the place where the next page begins (None after an empty page).

    after   the end of the page before
    newest  a position: leave out what was stored later
    """
    condition, source = where(criteria, tx.now), "events"
    filtered: tuple[object, ...] = ()
    if _distinct(criteria):
        first = f"ORDER BY occurred {criteria.order}, position {criteria.order}"
        number = f"row_number() OVER (PARTITION BY resource_id {first})"
        source = f"(SELECT *, {number} AS number FROM events WHERE {condition.sql}) AS events"
        condition, filtered = Clause("events.number = 1"), condition.parameters
    if newest is not None:
        condition &= Clause("events.position <= ?", (newest,))
    if after is not None:
        sign = ">" if criteria.order is EventOrder.ASC else "<"
        # the plain bound is there for the index by time to be entered at the right place
        condition &= Clause(f"events.occurred {sign}= ?", (after.occurred,))
        condition &= Clause(f"(events.occurred, events.position) {sign} (?, ?)", (after.occurred, after.position))
    rows = tx.execute(
        f"""
        SELECT {", ".join(EVENT.expressions)}, events.occurred, events.position FROM {source}
        WHERE {condition.sql}
        ORDER BY events.occurred {criteria.order}, events.position {criteria.order}
        LIMIT ?
        """,
        (*filtered, *condition.parameters, limit),
    ).fetchall()
    return Rows(EVENT, rows, tx.now), Cursor(*rows[-1][-2:]) if rows else None


def count_by_name(tx: Tx, criteria: EventFilter) -> list[Bucket]:
    """Events by name, the most frequent first."""
    return _grouped(tx, criteria, "events.event", "events.event")


def count_by_resource(tx: Tx, criteria: EventFilter) -> list[Bucket]:
    """Events by resource, the most frequent first, labelled with its latest name."""
    name = """
        coalesce(
            json_extract(events.resource, '$."prefect.resource.name"'),
            json_extract(events.resource, '$."prefect.name"'),
            events.resource_id
        )
    """
    return _grouped(tx, criteria, "events.resource_id", name)


def count_by_span(tx: Tx, criteria: EventFilter, span_seconds: float) -> dict[int, int]:
    """Events by number of the span since PIVOT in which they happened, at a resolution of seconds."""
    condition = where(criteria, tx.now)
    ratio = "(CAST(strftime('%s', events.occurred) AS INTEGER) - ?) / ?"
    rows = tx.execute(
        f"""
        SELECT CAST(ratio AS INTEGER) - (ratio < CAST(ratio AS INTEGER)) AS span, count(*)
        FROM (SELECT {ratio} AS ratio FROM events WHERE {condition.sql})
        GROUP BY span
        """,
        (int(PIVOT.timestamp()), float(span_seconds), *condition.parameters),
    )
    return dict(rows.fetchall())


def _grouped(tx: Tx, criteria: EventFilter, value: str, label: str) -> list[Bucket]:
    # stored times have 26 characters: what comes after the largest is the label of the latest event
    condition = where(criteria, tx.now)
    rows = tx.execute(
        f"""
        SELECT
            {value} AS value,
            substr(max(events.occurred || {label}), 27) AS label,
            count(*) AS number,
            min(events.occurred),
            max(events.occurred)
        FROM events WHERE {condition.sql}
        GROUP BY value ORDER BY number DESC, label, value
        """,
        condition.parameters,
    )
    return [Bucket(value, label, number, oldest, latest) for value, label, number, oldest, latest in rows]


def _distinct(criteria: EventFilter) -> bool:
    return criteria.resource is not None and criteria.resource.distinct
