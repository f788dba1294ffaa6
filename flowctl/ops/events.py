"""Events: storing what happened, finding and counting it.

The table is also the outbox: who follows it (`server/feed.py`) reads on from the last position he knows.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from flowctl.db.columns import Rows, decode_time
from flowctl.db.database import Tx
from flowctl.db.queries import event_pages
from flowctl.db.queries.event_pages import Bucket, Cursor
from flowctl.db.tables import events as table
from flowctl.domain import event_counts
from flowctl.domain.errors import NotFound
from flowctl.domain.event_counts import Countable, EventCount, TimeUnit
from flowctl.domain.event_filters import EventFilter
from flowctl.domain.events import ReceivedEvent

PAGE_LIMIT = 50
"""Most events of one page (Prefect: INTERACTIVE_PAGE_SIZE)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EventPage:
    """Some of the events that pass a filter."""

    events: Rows[ReceivedEvent]
    total: int
    """Of all pages, as of the first."""
    query: PageQuery | None
    """Asks for the next page; None after the last."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PageQuery:
    """What `next_page` needs to go on where a page ended, also when events were stored meanwhile."""

    filter: EventFilter
    limit: int
    total: int
    read: int
    """Events on the pages so far."""
    newest: int
    """Position of the newest event when the first page was read."""
    occurred: str
    position: int


def emit(tx: Tx, event: ReceivedEvent) -> bool:
    """Store an event in this transaction, to be told to listeners after its commit.

    An id counts once: returns False, and does nothing, if it is known.
    """
    if not table.insert(tx, event):
        return False
    tx.emitted.append(event)
    return True


def read(tx: Tx, id: UUID) -> ReceivedEvent:
    """An event by its id.  Raises NotFound."""
    event = table.get(tx, id)
    if event is None:
        raise NotFound(f"Event {id} not found.")
    return event


def find(tx: Tx, criteria: EventFilter, *, limit: int = PAGE_LIMIT) -> EventPage:
    """The first page of events that pass a filter, in its order.

    source    Prefect: POST /events/filter
    """
    criteria = replace(criteria, occurred=criteria.occurred.resolved(tx.now))
    total = event_pages.count(tx, criteria)
    newest = table.last_position(tx)
    rows, end = event_pages.page(tx, criteria, limit=limit)
    return _page(rows, end, filter=criteria, limit=limit, total=total, read=0, newest=newest)


def next_page(tx: Tx, query: PageQuery) -> EventPage:
    """The page after another."""
    cursor = Cursor(query.occurred, query.position)
    rows, end = event_pages.page(tx, query.filter, limit=query.limit, after=cursor, newest=query.newest)
    return _page(
        rows, end, filter=query.filter, limit=query.limit, total=query.total, read=query.read, newest=query.newest
    )


def count(tx: Tx, criteria: EventFilter) -> int:
    """How many events pass a filter."""
    return event_pages.count(tx, criteria)


def count_by(
    tx: Tx, criteria: EventFilter, countable: Countable, *, unit: TimeUnit = TimeUnit.DAY, interval: float = 1.0
) -> list[EventCount]:
    """Count events that pass a filter by name or resource (most frequent first), or by span of time (each, in order).

    interval  length of a span, in units
    Raises Invalid when the filter's range has more than 1000 spans, whatever is counted.
    source    Prefect: POST /events/count-by/{countable}
    """
    occurred = criteria.occurred.resolved(tx.now)
    event_counts.check_spans(occurred.since, occurred.until, unit.span(interval))
    if countable is Countable.EVENT:
        return [_count(bucket) for bucket in event_pages.count_by_name(tx, criteria)]
    if countable is Countable.RESOURCE:
        return [_count(bucket) for bucket in event_pages.count_by_resource(tx, criteria)]
    # Prefect sorts events into days for `day`, whatever the unit, and then shows them as spans of the unit:
    # the answer makes sense for the default unit only, where both are the same.
    if countable is Countable.DAY:
        unit, interval = TimeUnit.DAY, 1.0
        event_counts.check_spans(occurred.since, occurred.until, unit.span(interval))
    span = unit.span(interval)
    numbers = event_pages.count_by_span(tx, criteria, span.total_seconds())
    first, starts = event_counts.spans(occurred.since, occurred.until, unit, interval, now=tx.now)
    return [
        EventCount(
            value=str(index),
            label=start.isoformat(),
            count=numbers.get(first + index, 0),
            start_time=start,
            end_time=start + span - timedelta(microseconds=1),
        )
        for index, start in enumerate(starts)
    ]


def delete_older_than(tx: Tx, moment: datetime, limit: int) -> int:
    """Delete at most `limit` events that happened before a time, oldest first; returns how many."""
    return table.delete_older_than(tx, moment, limit=limit)


def _page(
    rows: Rows[ReceivedEvent],
    end: Cursor | None,
    *,
    filter: EventFilter,
    limit: int,
    total: int,
    read: int,
    newest: int,
) -> EventPage:
    read += len(rows)
    query = None
    if end is not None and read < total:
        query = PageQuery(
            filter=filter,
            limit=limit,
            total=total,
            read=read,
            newest=newest,
            occurred=end.occurred,
            position=end.position,
        )
    return EventPage(events=rows, total=total, query=query)


def _count(bucket: Bucket) -> EventCount:
    return EventCount(
        value=bucket.value,
        label=bucket.label,
        count=bucket.count,
        start_time=decode_time(bucket.oldest),
        end_time=decode_time(bucket.latest),
    )
