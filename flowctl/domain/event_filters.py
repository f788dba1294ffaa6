"""Filters on events: which fields they have, and whether an event in memory passes one.

`db/queries/event_filters.py` has the same criteria as SQL; a property test holds the two equal.  An empty list or an
absent filter is no criterion.  Label values may hold the wildcards `*` and `?`, and begin with `!` to exclude.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from typing import Annotated, TypeAlias
from uuid import UUID

from annotated_types import MaxLen

from flowctl.domain.events import RESOURCE_ID, RESOURCE_ROLE, Event
from flowctl.domain.filters import Filter
from flowctl.domain.text_search import TextQuery, parse

BEGINNING = datetime.min.replace(tzinfo=UTC)
"""This very object stands for a `since` that was not given; an equal one is the beginning of time."""
END = datetime.max.replace(tzinfo=UTC)
"""This very object stands for an `until` that was not given."""

DEFAULT_RANGE = timedelta(days=180)

Labels: TypeAlias = dict[str, str | list[str]]
"""Label -> the patterns of which one must match its value."""


class EventOrder(StrEnum):
    """By `occurred`."""

    ASC = "ASC"
    DESC = "DESC"


@dataclass(slots=True, kw_only=True)
class EventOccurredFilter(Filter):
    """When the event happened, both ends included."""

    since: datetime = BEGINNING
    until: datetime = END

    def resolved(self, now: datetime) -> EventOccurredFilter:
        """The range with its defaults: from the start of the day 180 days ago until now."""
        today = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        return EventOccurredFilter(
            since=today - DEFAULT_RANGE if self.since is BEGINNING else self.since,
            until=now if self.until is END else self.until,
        )


@dataclass(slots=True, kw_only=True)
class EventNameFilter(Filter):
    """The event's name; all criteria hold at once."""

    prefix: list[str] | None = None
    exclude_prefix: list[str] | None = None
    name: list[str] | None = None
    exclude_name: list[str] | None = None


@dataclass(slots=True, kw_only=True)
class EventResourceFilter(Filter):
    """The resource that the event is about."""

    id: list[str] | None = None
    id_prefix: list[str] | None = None
    labels: Labels | None = None
    distinct: bool = False
    """Of each resource only its first event in the order asked for; a matter of lists, not of single events."""


@dataclass(slots=True, kw_only=True)
class EventRelatedFilter(Filter):
    """There is a related resource that meets all of this."""

    id: list[str] | None = None
    role: list[str] | None = None
    resources_in_roles: list[tuple[str, str]] | None = None
    """Pairs of id and role."""
    labels: Labels | None = None


@dataclass(slots=True, kw_only=True)
class EventAnyResourceFilter(Filter):
    """The resource or a related one meets all of this."""

    id: list[str] | None = None
    id_prefix: list[str] | None = None
    labels: Labels | None = None


@dataclass(slots=True, kw_only=True)
class EventIDFilter(Filter):
    """The event's own id."""

    id: list[UUID] | None = None


@dataclass(slots=True, kw_only=True)
class EventTextFilter(Filter):
    """Words in the event's name, resources or payload (syntax: `text_search.py`)."""

    query: Annotated[str, MaxLen(200)]


@dataclass(slots=True, kw_only=True)
class EventFilter(Filter):
    """All criteria hold at once; a list of filters for `related` or `any_resource` means each of them."""

    occurred: EventOccurredFilter = field(default_factory=EventOccurredFilter)
    event: EventNameFilter | None = None
    resource: EventResourceFilter | None = None
    related: EventRelatedFilter | list[EventRelatedFilter] | None = None
    any_resource: EventAnyResourceFilter | list[EventAnyResourceFilter] | None = None
    id: EventIDFilter = field(default_factory=EventIDFilter)
    text: EventTextFilter | None = None
    order: EventOrder = EventOrder.DESC

    @property
    def related_filters(self) -> list[EventRelatedFilter]:
        """`related` as a list."""
        return self.related if isinstance(self.related, list) else [self.related] if self.related else []

    @property
    def any_resource_filters(self) -> list[EventAnyResourceFilter]:
        """`any_resource` as a list."""
        if isinstance(self.any_resource, list):
            return self.any_resource
        return [self.any_resource] if self.any_resource else []


def includes(criteria: EventFilter, event: Event) -> bool:
    """Whether an event passes a filter."""
    return (
        criteria.occurred.since <= event.occurred <= criteria.occurred.until
        and _name_passes(criteria.event, event.event)
        and _resource_passes(criteria.resource, event.resource)
        and all(_related_passes(each, event.related) for each in criteria.related_filters)
        and all(
            any(_resource_passes(each, resource) for resource in (event.resource, *event.related))
            for each in criteria.any_resource_filters
        )
        and (not criteria.id.id or event.id in criteria.id.id)
        and (criteria.text is None or text_query(criteria.text).matches(searchable_text(event)))
    )


def label_patterns(labels: Labels | None) -> list[tuple[str, list[str]]]:
    """Each label with its patterns; a label with an empty list of them matches nothing."""
    return [(label, [value] if isinstance(value, str) else value) for label, value in (labels or {}).items()]


def text_query(criteria: EventTextFilter) -> TextQuery:
    """The terms as they stand in the searchable text, which is JSON."""
    return parse(criteria.query).map(lambda term: json_text(term)[1:-1])


def searchable_text(event: Event) -> str:
    """Name, resource, related resources and payload as one text, the last three as JSON."""
    parts = (json_text(part) for part in (event.resource, event.related, event.payload))
    return " ".join((event.event, *parts))


def json_text(value: object) -> str:
    """JSON as events are stored: no spaces, no escapes beyond those that JSON needs."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def _name_passes(criteria: EventNameFilter | None, name: str) -> bool:
    if criteria is None:
        return True
    return (
        (not criteria.prefix or name.startswith(tuple(criteria.prefix)))
        and not (criteria.exclude_prefix and name.startswith(tuple(criteria.exclude_prefix)))
        and (not criteria.name or name in criteria.name)
        and not (criteria.exclude_name and name in criteria.exclude_name)
    )


def _resource_passes(
    criteria: EventResourceFilter | EventAnyResourceFilter | None, resource: Mapping[str, str]
) -> bool:
    if criteria is None:
        return True
    id = resource[RESOURCE_ID]
    return (
        (not criteria.id or id in criteria.id)
        and (not criteria.id_prefix or id.startswith(tuple(criteria.id_prefix)))
        and _labels_pass(criteria.labels, resource)
    )


def _related_passes(criteria: EventRelatedFilter, related: Iterable[Mapping[str, str]]) -> bool:
    pairs = [tuple(pair) for pair in criteria.resources_in_roles or ()]
    if not (criteria.id or criteria.role or pairs or criteria.labels):
        return True
    return any(
        (not criteria.id or resource[RESOURCE_ID] in criteria.id)
        and (not criteria.role or resource[RESOURCE_ROLE] in criteria.role)
        and (not pairs or (resource[RESOURCE_ID], resource[RESOURCE_ROLE]) in pairs)
        and _labels_pass(criteria.labels, resource)
        for resource in related
    )


def _labels_pass(labels: Labels | None, resource: Mapping[str, str]) -> bool:
    return all(
        label in resource and any(_value_matches(pattern, resource[label]) for pattern in patterns)
        for label, patterns in label_patterns(labels)
    )


def _value_matches(pattern: str, value: str) -> bool:
    negated = pattern.startswith("!")
    return (_expression(pattern[1:] if negated else pattern).fullmatch(value) is not None) is not negated


@lru_cache(maxsize=1024)
def _expression(pattern: str) -> re.Pattern[str]:
    wildcards = {"*": ".*", "?": "."}
    return re.compile("".join(wildcards.get(char) or re.escape(char) for char in pattern), re.DOTALL)
