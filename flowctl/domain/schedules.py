"""Schedules: when a deployment's runs are due.  Interval, cron and rrule -> dates; the clock is an argument.

All three count on the clock of their time zone, and Prefect's choices where that clock jumps are kept to the minute
(`tests/domain/schedule_dates.json` holds its own answers):

    what        where clocks go forward          where clocks go back
    interval    a whole-day step that lands in   a whole-day step that lands in the repeated hour takes its second
                the gap moves on by the gap      pass; shorter steps take each local time once
    cron        a time in the gap comes an       a time in the repeated hour comes at its first pass
                hour early
    rrule       as cron                          as cron

croniter and python-dateutil are loaded by the first schedule that needs them.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta, timezone
from functools import lru_cache
from typing import Annotated, Any, ClassVar, TypeAlias
from zoneinfo import ZoneInfo

from flowctl.domain.events import Check
from flowctl.domain.rrules import check_rrule, rrule_times, with_dtstart
from flowctl.domain.values import STRICT_BODY

MAX_ITERATIONS = 1000
"""Candidates that one question about dates looks at."""

NO_ANCHOR = datetime.min.replace(tzinfo=UTC)
"""Stands for an anchor date that was not given; `resolved` puts the present in its place."""

_RANDOM = frozenset("rh")
"""Croniter's "random" and "hashed" fields, which Prefect refuses."""


class Seconds:
    """Marks seconds that may be written as a number or as an ISO 8601 duration; pydantic finds it by name."""

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> Any:
        return _checked({"type": "timedelta"}, _positive_seconds)


class WithOffset:
    """Marks a time that keeps the UTC offset it was written with; pydantic finds it by name."""

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> Any:
        return {
            "type": "function-wrap",
            "function": {"type": "no-info", "function": _keep_offset},
            "schema": handler(source),
        }


def _checked(schema: dict[str, Any], function: Callable[[Any], Any]) -> dict[str, Any]:
    return {"type": "function-after", "function": {"type": "no-info", "function": function}, "schema": schema}


def _positive_seconds(interval: timedelta) -> float:
    if interval <= timedelta(0):
        raise ValueError("interval must be positive")
    return interval.total_seconds()


def _keep_offset(value: object, validate: Callable[[object], datetime]) -> datetime:
    moment = validate(value)
    try:
        offset = datetime.fromisoformat(value).utcoffset() if isinstance(value, str) else None
    except ValueError:
        return moment
    return moment.astimezone(timezone(offset)) if offset else moment


def _check_cron(cron: str) -> str:
    from croniter import croniter

    if not croniter.is_valid(cron):
        raise ValueError(f'Invalid cron string: "{cron}"')
    if any(part.casefold() in _RANDOM for part in cron.split()):
        raise ValueError(f'Random and Hashed expressions are unsupported, received: "{cron}"')
    return cron


@lru_cache(maxsize=256)
def is_timezone(name: str) -> bool:
    """Whether this is the name of a time zone of the IANA database."""
    try:
        ZoneInfo(name)
    except (KeyError, OSError, ValueError):  # unknown; a directory; no relative path
        return False
    return True


def _check_timezone(name: str) -> str:
    if name and not is_timezone(name):
        raise ValueError(f'Invalid timezone: "{name}" (specify in IANA tzdata format, for example, America/New_York)')
    return name


@dataclass(slots=True, kw_only=True)
class IntervalSchedule:
    """Every `interval` seconds, counted from an anchor date (Prefect: IntervalSchedule)."""

    __pydantic_config__: ClassVar[object] = STRICT_BODY

    interval: Annotated[float, Seconds()]
    """Seconds."""
    anchor_date: Annotated[datetime, WithOffset()] = NO_ANCHOR
    timezone: str | None = None


@dataclass(slots=True, kw_only=True)
class CronSchedule:
    """As a crontab line says, with an optional sixth field for seconds (Prefect: CronSchedule)."""

    __pydantic_config__: ClassVar[object] = STRICT_BODY

    cron: Annotated[str, Check(_check_cron)]
    timezone: str | None = None
    day_or: bool = True
    """Whether day and weekday are joined by OR, as cron does, instead of AND."""


@dataclass(slots=True, kw_only=True)
class RRuleSchedule:
    """As an iCalendar recurrence rule says (Prefect: RRuleSchedule)."""

    __pydantic_config__: ClassVar[object] = STRICT_BODY

    rrule: Annotated[str, Check(check_rrule)]
    timezone: Annotated[str, Check(_check_timezone)] | None = "UTC"


Schedule: TypeAlias = IntervalSchedule | CronSchedule | RRuleSchedule


def validate_timezone(schedule: Any) -> Any:
    """Check the zone of an interval or cron schedule, and give the former one.

    Its name is part of the API's error entries, as Prefect's function of that name is.
    """
    if schedule.timezone is not None:
        _check_timezone(schedule.timezone)
    elif isinstance(schedule, IntervalSchedule):
        schedule.timezone = "UTC"  # an anchor date only ever carries an offset, which is no zone
    return schedule


ScheduleBody: TypeAlias = (
    Annotated[IntervalSchedule, Check(validate_timezone)]
    | Annotated[CronSchedule, Check(validate_timezone)]
    | RRuleSchedule
)
"""A schedule in a request body; to be `resolved` before it is stored."""


def resolved(schedule: Schedule, now: datetime) -> Schedule:
    """The schedule with what was left open: an interval's anchor date, a rule's DTSTART.

    Without a DTSTART of its own a rule counts from 2020; one that runs every few seconds or minutes from a moment just
    before `now` that is in the same phase.
    """
    if isinstance(schedule, IntervalSchedule) and schedule.anchor_date == NO_ANCHOR:
        return replace(schedule, anchor_date=now)
    if isinstance(schedule, RRuleSchedule):
        wall = now.astimezone(_zone(schedule.timezone)).replace(tzinfo=None)
        return replace(schedule, rrule=with_dtstart(schedule.rrule, wall))
    return schedule


def dates(schedule: Schedule, *, start: datetime, end: datetime | None = None, limit: int) -> Iterator[datetime]:
    """Dates from `start` on, in order of the schedule's own clock, as aware times of its zone.

    end      no date after it
    limit    how many; at least one date comes even for 0, as in Prefect
    source   Prefect: the `get_dates` of its three schedules, with pendulum's arithmetic
    """
    zone = _zone(schedule.timezone)
    start = start.astimezone(zone)
    end = end.astimezone(zone) if end else None
    if isinstance(schedule, IntervalSchedule):
        found = _interval_dates(schedule, start)
    elif isinstance(schedule, CronSchedule):
        found = _cron_dates(schedule, start)
    else:
        found = _rrule_dates(schedule, start, end)
    seen: set[datetime] = set()
    for count, date in enumerate(found):
        # Two times of one zone compare by its clock, so that of a repeated hour's two passes only the first is new.
        if end is not None and date > end:
            return
        if date not in seen:
            seen.add(date)
            yield date
        if len(seen) >= limit or count > MAX_ITERATIONS:
            return


def type_name(schedule: Schedule) -> str:
    """What a run says of the schedule that made it, if that has no slug."""
    return type(schedule).__name__


def iso(moment: datetime) -> str:
    """A time as the API writes those that keep their offset: `Z` for UTC."""
    text = moment.isoformat()
    return f"{text[:-6]}Z" if text.endswith("+00:00") else text


def dumps(schedule: Schedule) -> str:
    """JSON text as it is stored and answered."""
    return json.dumps(asdict(schedule), default=iso, separators=(",", ":"), ensure_ascii=False)


def loads(text: str) -> Schedule:
    """The schedule of stored JSON text."""
    values = json.loads(text)
    if "interval" in values:
        values["anchor_date"] = datetime.fromisoformat(values["anchor_date"])
        return IntervalSchedule(**values)
    return CronSchedule(**values) if "cron" in values else RRuleSchedule(**values)


def _interval_dates(schedule: IntervalSchedule, start: datetime) -> Iterator[datetime]:
    zone = start.tzinfo
    step = timedelta(seconds=schedule.interval)
    anchor = schedule.anchor_date.astimezone(zone)
    steps = int((start.astimezone(UTC) - anchor.astimezone(UTC)) / step)
    try:
        date = _later(anchor, step * steps)
        while date < start:
            date = _advanced(date, step)
        while True:
            yield date
            date = _advanced(date, step)
    except OverflowError:  # beyond the year 9999
        return


def _advanced(date: datetime, step: timedelta) -> datetime:
    """A step of whole days (and a rest) goes by the zone's clock, a shorter one by elapsed time."""
    if step.days:
        return _on_clock(date.replace(tzinfo=None) + step, date.tzinfo, fold=1)
    return _later(date, step)


def _later(date: datetime, step: timedelta) -> datetime:
    return (date.astimezone(UTC) + step).astimezone(date.tzinfo)


def _on_clock(wall: datetime, zone: Any, *, fold: int) -> datetime:
    """The moment at which a zone's clock shows this time; in a gap, moved by it: on if `fold` is 1, back if 0."""
    before, after = (wall.replace(tzinfo=zone, fold=pass_).utcoffset() or timedelta(0) for pass_ in (0, 1))
    if after > before:
        wall += (after - before) if fold else (before - after)
    return wall.replace(tzinfo=zone, fold=fold)


def _cron_dates(schedule: CronSchedule, start: datetime) -> Iterator[datetime]:
    from croniter import CroniterBadDateError, croniter

    since = _later(start, timedelta(seconds=0 if start.microsecond else -1)).replace(tzinfo=None)
    lines = croniter(schedule.cron, since, day_or=schedule.day_or)
    while True:
        try:
            wall = lines.get_next(datetime)
        except CroniterBadDateError:  # no such day in the next fifty years
            return
        yield _on_clock(wall, start.tzinfo, fold=0)


def _rrule_dates(schedule: RRuleSchedule, start: datetime, end: datetime | None) -> Iterator[datetime]:
    first = start.astimezone(UTC)
    for wall in rrule_times(
        schedule.rrule, start.replace(tzinfo=None), end.replace(tzinfo=None) if end is not None else None
    ):
        date = _on_clock(wall, start.tzinfo, fold=0)
        if date.astimezone(UTC) >= first:
            yield date


def _zone(name: str | None) -> ZoneInfo:
    return ZoneInfo(name or "UTC")
