"""Events: record, filter, page and count; the live streams are in `server/websockets.py`."""

from __future__ import annotations

import base64
import binascii
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, ClassVar

from annotated_types import Ge, Le

from flowctl import wire
from flowctl.db.database import Tx
from flowctl.domain.errors import Forbidden, Invalid
from flowctl.domain.event_counts import Countable, EventCount, TimeUnit
from flowctl.domain.event_filters import EventFilter
from flowctl.domain.events import Event, ReceivedEvent
from flowctl.ops import events as ops
from flowctl.server.endpoint import Call, Routes
from flowctl.server.intake import incoming, store

routes = Routes("/events", tag="Events")

logger = logging.getLogger("flowctl.server")


@dataclass(slots=True, kw_only=True)
class EventsQuery:
    """Body of `POST /events/filter`."""

    NULL_IS_DEFAULT: ClassVar[bool] = True

    filter: EventFilter | None = None
    limit: Annotated[int, Ge(0), Le(ops.PAGE_LIMIT)] = ops.PAGE_LIMIT


@dataclass(slots=True, kw_only=True)
class EventCountQuery:
    """Body of `POST /events/count-by/{countable}`."""

    NULL_IS_DEFAULT: ClassVar[bool] = True

    filter: EventFilter
    time_unit: TimeUnit = TimeUnit.DAY
    time_interval: Annotated[float, Ge(0.01)] = 1.0


@dataclass(slots=True, kw_only=True)
class EventPage:
    """A page of events and where to find the next one."""

    events: Sequence[ReceivedEvent]
    total: int
    next_page: str | None


@routes.write("POST", "")
def create_events(tx: Tx, body: list[Event]) -> None:
    """Record a batch of events; those with a known id are left out."""
    limit = tx.settings.events_maximum_event_size
    accepted = [event for event in body if len(wire.dumps(event)) <= limit]
    if len(accepted) < len(body):
        logger.warning("%d events of more than %d bytes were refused", len(body) - len(accepted), limit)
    store(tx, [incoming(event) for event in accepted])


@routes.read("POST", "/filter")
def read_events(tx: Tx, body: EventsQuery, call: Call) -> EventPage:
    """List events that pass a filter: the first page, and a link to the next."""
    return _page(ops.find(tx, body.filter or EventFilter(), limit=body.limit), call)


@routes.read("GET", "/filter/next")
def read_next_events(tx: Tx, call: Call, page_token: str | None = None) -> EventPage:
    """List the next page, as the link on the one before has it."""
    if page_token is None:
        entry = {"type": "missing", "loc": ["query", "page-token"], "msg": "Field required", "input": None}
        raise Invalid(wire.INVALID_REQUEST, entries=[entry])
    return _page(ops.next_page(tx, _query(page_token)), call)


@routes.read("POST", "/count-by/{countable}")
def count_events(tx: Tx, countable: Countable, body: EventCountQuery) -> list[EventCount]:
    """Count events by day, by a span of time, by name or by resource."""
    return ops.count_by(tx, body.filter, countable, unit=body.time_unit, interval=body.time_interval)


def _page(page: ops.EventPage, call: Call) -> EventPage:
    link = f"{call.base_url}/events/filter/next?page-token={_token(page.query)}" if page.query else None
    return EventPage(events=page.events, total=page.total, next_page=link)


def _token(query: ops.PageQuery) -> str:
    return base64.urlsafe_b64encode(wire.dumps(query)).decode().rstrip("=")


def _query(token: str) -> ops.PageQuery:
    """The query in a token.  Raises Forbidden for one that this server did not make (Prefect's answer)."""
    try:
        data = base64.b64decode(token + "=" * (-len(token) % 4), altchars="-_", validate=True)
        query = wire.loads(ops.PageQuery, data)
    except (binascii.Error, ValueError, Invalid):
        raise Forbidden("Forbidden") from None
    if not 0 <= query.limit <= ops.PAGE_LIMIT:
        raise Forbidden("Forbidden")
    return query
