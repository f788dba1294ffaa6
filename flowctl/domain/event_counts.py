"""Counting events: by name, by resource, or by spans of time."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from flowctl.domain.errors import Invalid

PIVOT = datetime(2024, 4, 1, tzinfo=UTC)
"""A Monday, where the first span of every length begins (Prefect's own date)."""

MAXIMUM_SPANS = 1000


class Countable(StrEnum):
    """What to count by; `day` is a span of one day."""

    DAY = "day"
    TIME = "time"
    EVENT = "event"
    RESOURCE = "resource"


class TimeUnit(StrEnum):
    """The unit of a span."""

    WEEK = "week"
    DAY = "day"
    HOUR = "hour"
    MINUTE = "minute"
    SECOND = "second"

    def span(self, interval: float) -> timedelta:
        """So many of this unit."""
        return timedelta(**{f"{self}s": interval})

    def end_of_period(self, moment: datetime) -> datetime:
        """The last microsecond of the unit that a moment is in; weeks begin on Monday."""
        match self:
            case TimeUnit.SECOND:
                start = moment.replace(microsecond=0)
            case TimeUnit.MINUTE:
                start = moment.replace(second=0, microsecond=0)
            case TimeUnit.HOUR:
                start = moment.replace(minute=0, second=0, microsecond=0)
            case _:
                start = moment.replace(hour=0, minute=0, second=0, microsecond=0)
        if self is TimeUnit.WEEK:
            start -= timedelta(days=start.weekday())
        return start + self.span(1) - timedelta(microseconds=1)


@dataclass(slots=True, kw_only=True)
class EventCount:
    """Events that have something in common; `value` can be filtered by, `label` be shown."""

    value: str
    label: str
    count: int
    start_time: datetime
    end_time: datetime


def check_spans(since: datetime, until: datetime, span: timedelta) -> None:
    """Raise Invalid if a range has too many spans."""
    number = math.ceil((until - since) / span)
    if number > MAXIMUM_SPANS:
        raise Invalid(
            f"The given interval would create {number} buckets, which is too many. Please increase the interval or "
            f"reduce the time range to produce {MAXIMUM_SPANS} buckets or fewer."
        )


def spans(
    since: datetime, until: datetime, unit: TimeUnit, interval: float, *, now: datetime
) -> tuple[int, list[datetime]]:
    """The spans that cover a range: the number of the first, counted from PIVOT, and the start of each.

    The future is left out, but for the rest of the unit that is running.
    """
    span = unit.span(interval)
    until = unit.end_of_period(now) if until > now else until
    first = math.floor((since - PIVOT) / span)
    starts: list[datetime] = []
    start = PIVOT + span * first
    while start < until:
        starts.append(start)
        start += span
    return first, starts
