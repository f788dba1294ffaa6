"""Recurrence rules of iCalendar (RFC 5545): checked, anchored, and turned into local times.

A rule knows no time zone here: whatever zone its DTSTART, UNTIL, RDATE and EXDATE name, they are times on the clock of
the schedule's zone (so in Prefect).  python-dateutil does the counting; it is loaded on first use.
"""

from __future__ import annotations

import datetime as datetime_module
from collections.abc import Iterator
from datetime import MAXYEAR, datetime, timedelta
from types import FunctionType, MethodType, SimpleNamespace
from typing import Any, cast

MAX_RRULE_LENGTH = 6500
"""Characters: a year of single dates, and some more."""

ANCHOR = datetime(2020, 1, 1)  # noqa: DTZ001 - a time on a clock, in no zone
"""Where a rule without a DTSTART begins."""

_UNITS = {
    "WEEKLY": timedelta(weeks=1),
    "DAILY": timedelta(days=1),
    "HOURLY": timedelta(hours=1),
    "MINUTELY": timedelta(minutes=1),
    "SECONDLY": timedelta(seconds=1),
}
"""Frequencies whose periods are equally long, so that a rule may as well begin some periods later."""

_CALENDAR_YEARS = 400
"""After so many years the calendar repeats itself: what has not happened by then never will (Easter apart)."""


def check_rrule(rrule: str) -> str:
    """Raise ValueError, with Prefect's sentences, unless this is a rule of bearable length that can be followed."""
    from dateutil.rrule import rrulestr

    try:
        for rule in _rules(rrulestr(rrule)):
            next(iter(_bounded(rule, rule._dtstart.year)), None)
    except (ValueError, TypeError) as error:  # python-dateutil stumbles over a BYSECOND=61
        raise ValueError(f'Invalid RRule string "{rrule}": {error}') from None
    if len(rrule) > MAX_RRULE_LENGTH:
        raise ValueError(f'Invalid RRule string "{rrule[:40]}..."\nMax length is {MAX_RRULE_LENGTH}, got {len(rrule)}')
    return rrule


def with_dtstart(rrule: str, now: datetime) -> str:
    """The rule with a DTSTART, if it has none: 2020, or for a rule of seconds or minutes the last period before `now`.

    now     on the clock of the schedule's zone
    source  Prefect: normalize_rrule_string
    """
    if "DTSTART" in rrule.upper():
        return rrule
    rule = _parsed(rrule)
    anchor = ANCHOR
    if not hasattr(rule, "_rrule") and _frequency(rule) in ("MINUTELY", "SECONDLY"):
        anchor = max(_later_start(rule, ANCHOR, now), ANCHOR)
    return f"DTSTART:{anchor:%Y%m%dT%H%M%S}\n{rrule}"


def rrule_times(rrule: str, start: datetime, end: datetime | None) -> Iterator[datetime]:
    """The rule's times from some hours before `start` on, in order, up to `end` if given; the caller looks closer."""
    rule = _parsed(rrule)
    margin = timedelta(days=2)  # more than clocks ever jump
    since, until = start - margin, end + margin if end else None
    if hasattr(rule, "_rrule"):
        rule._rrule = [_narrowed(each, since, until) for each in rule._rrule]
        rule._exrule = [_narrowed(each, since, until) for each in rule._exrule]
        rule._rdate = [date.replace(tzinfo=None) for date in rule._rdate]
        rule._exdate = [date.replace(tzinfo=None) for date in rule._exdate]
    else:
        rule = _narrowed(rule, since, until)
    for time in rule:
        if time >= since:
            yield time


def _parsed(rrule: str) -> Any:
    from dateutil.rrule import rrulestr

    return rrulestr(rrule, dtstart=ANCHOR)


def _narrowed(rule: Any, since: datetime, until: datetime | None) -> Any:
    """The same rule on a bare clock, begun as late and ended as early as the question allows."""
    begin = _later_start(rule, rule._dtstart.replace(tzinfo=None), since)
    last = rule._until.replace(tzinfo=None) if rule._until else None
    if until is not None and rule._count is None:
        last = min(last, until) if last else until
    end = last or until
    year = end.year if end else max(begin, since).year + _CALENDAR_YEARS
    return _bounded(rule.replace(dtstart=begin, until=last), year)


def _rules(rule: Any) -> list[Any]:
    """The single rules of what was parsed."""
    return [*rule._rrule, *rule._exrule] if hasattr(rule, "_rrule") else [rule]


def _bounded(rule: Any, year: int) -> Any:
    """The same rule, whose times end with a year.

    python-dateutil looks for the next time until the year 9999, and heeds UNTIL only when it finds one: for a 30th of
    February it would take many seconds.  Its own code runs here in a world that ends earlier.
    """
    from dateutil import rrule as library

    code: Any = rule._iter.__code__
    world = {**vars(library), "datetime": SimpleNamespace(**{**vars(datetime_module), "MAXYEAR": min(year, MAXYEAR)})}
    rule._iter = MethodType(FunctionType(code, world), rule)
    return rule


def _later_start(rule: Any, begin: datetime, now: datetime) -> datetime:
    """The last moment before `now` that is a whole number of the rule's intervals after `begin`."""
    unit = _UNITS.get(_frequency(rule))
    if unit is None or rule._count is not None or now <= begin:
        return begin
    period = unit * rule._interval
    return begin + period * ((now - begin) // period)


def _frequency(rule: Any) -> str:
    from dateutil import rrule as library

    return str(cast("Any", library).FREQNAMES[rule._freq])
