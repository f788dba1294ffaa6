"""Schedules as flags give them: the options, and the API's object that they make."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any

import typer

from flowctl.cli import moments
from flowctl.cli.schedule_text import zone
from flowctl.domain.errors import Invalid

Cron = Annotated[str, typer.Option("--cron", metavar="LINE", help="As a crontab line says: '0 3 * * 1-5'.")]
Interval = Annotated[
    str, typer.Option("--interval", metavar="TIME", help="Every 15m, 6h, 1d …, counted from --anchor.")
]
RRule = Annotated[
    str, typer.Option("--rrule", metavar="RULE", help="As an iCalendar rule says: 'FREQ=DAILY;BYHOUR=3'.")
]
Timezone = Annotated[str, typer.Option("--timezone", metavar="ZONE", help="Whose clock counts: Europe/Berlin … (UTC).")]
Anchor = Annotated[
    str, typer.Option("--anchor", metavar="TIME", help="Where an interval counts from: 2026-01-31T03:00.")
]
DayAnd = Annotated[bool | None, typer.Option("--day-or/--day-and", help="Join a cron line's day and weekday by OR.")]
Slug = Annotated[str, typer.Option("--slug", metavar="SLUG", help="A name for it, unlike those of its siblings.")]
Ahead = Annotated[
    int | None, typer.Option("--max-scheduled-runs", metavar="N", min=1, help="How many runs to make ahead, at most.")
]


def rule(
    cron: str,
    interval: str,
    rrule: str,
    timezone: str,
    anchor: str,
    day_or: bool | None,
    now: datetime,
    before: dict[str, Any] | None = None,
) -> dict[str, Any] | None:
    """The schedule that the flags give, or that they make of another; None if they say nothing.  Raises Invalid."""
    kinds = {"cron": cron, "interval": interval, "rrule": rrule}
    given = [name for name, text in kinds.items() if text]
    if len(given) > 1:
        raise Invalid(f"Give one of {', '.join('--' + name for name in given)}.")
    if not given and not (timezone or anchor or day_or is not None):
        return None
    if not given and before is None:
        raise Invalid("A time zone or anchor alone is no schedule.", remedy="give --cron, --interval or --rrule")
    kind = given[0] if given else next(name for name in kinds if name in (before or {}))
    same = bool(before) and kind in (before or {})
    found: dict[str, Any] = dict(before or {}) if same else {"timezone": zone(before) if before else "UTC"}
    if given:
        found[kind] = _seconds(interval) if kind == "interval" else kinds[kind]
    if timezone:
        found["timezone"] = timezone
    if kind == "interval":
        found["anchor_date"] = _anchor(anchor, found, now)
    elif anchor:
        raise Invalid("Only an interval counts from an --anchor.")
    if day_or is not None:
        if kind != "cron":
            raise Invalid("Only a cron line takes --day-or and --day-and.")
        found["day_or"] = day_or
    return _checked(found)


def _checked(rule: dict[str, Any]) -> dict[str, Any]:
    """The schedule, if it can be one.  Raises Invalid with the reason."""

    from flowctl import wire
    from flowctl.domain.deployments import DeploymentScheduleCreate

    try:
        wire.loads(DeploymentScheduleCreate, json.dumps({"schedule": rule}).encode())
    except Invalid as error:
        told = [str(entry["msg"]) for entry in error.entries if entry["type"] == "value_error"]
        reason = (told or [error.message])[0].removeprefix("Value error, ")
        raise Invalid(f"Not a schedule: {reason}.") from None
    return rule


def _seconds(text: str) -> float:
    try:
        seconds = moments.parse_duration(text)
    except ValueError as error:
        raise Invalid(str(error)) from None
    if seconds <= 0:
        raise Invalid("An interval of no time is no schedule.")
    return seconds


def _anchor(text: str, rule: Mapping[str, Any], now: datetime) -> str:
    """The anchor date: without a zone of its own, on the clock of the schedule's zone."""
    if not text:
        return rule.get("anchor_date") or now.replace(microsecond=0).isoformat()
    from zoneinfo import ZoneInfo

    try:
        moment = datetime.fromisoformat(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=ZoneInfo(zone(rule)))).isoformat()
    except (KeyError, ValueError):
        raise Invalid(f"{text!r} is not a time; write it like 2026-01-31T03:00.") from None
