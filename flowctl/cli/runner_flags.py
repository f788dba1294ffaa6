"""What the flags of `flowctl runner serve` stand for: a schedule and parameters, as the API takes them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from flowctl.cli import moments
from flowctl.cli.parameters import parse_value
from flowctl.domain.errors import Invalid

if TYPE_CHECKING:
    from flowctl.domain.values import JSONObject


def schedules(
    *, interval: str | None, cron: str | None, rrule: str | None, anchor_date: str | None, timezone: str | None
) -> list[JSONObject]:
    """The schedule of the flags, as the API takes it; none without one.  Raises Invalid."""
    given = [name for name, value in (("--interval", interval), ("--cron", cron), ("--rrule", rrule)) if value]
    if len(given) > 1:
        raise Invalid(f"{' and '.join(given)} are two schedules.", remedy="give one, and add others to the deployment")
    if anchor_date and not interval:
        raise Invalid("--anchor-date is for --interval.")
    if timezone and not given:
        raise Invalid("--timezone is for a schedule.", remedy="add --interval, --cron or --rrule")
    schedule: JSONObject = {}
    if interval:
        schedule = {"interval": seconds(interval)}
        if anchor_date:
            schedule["anchor_date"] = _moment(anchor_date)
    elif cron:
        schedule = {"cron": cron}
    elif rrule:
        schedule = {"rrule": rrule}
    if not schedule:
        return []
    return [{"schedule": {**schedule, **({"timezone": timezone} if timezone else {})}, "active": True}]


def parameters(given: Iterable[str]) -> JSONObject:
    """The parameters of several `NAME=VALUE`; a value is JSON if it can be read so.  Raises Invalid."""
    found: JSONObject = {}
    for text in given:
        name, equals, value = text.partition("=")
        if not equals or not name:
            raise Invalid(f"--param {text} has no value.", remedy="write --param NAME=VALUE")
        found[name] = parse_value(value)
    return found


def seconds(text: str) -> float:
    """Seconds of `90`, `10m`, `1h30m`.  Raises Invalid."""
    try:
        return moments.parse_duration(text)
    except ValueError as error:
        raise Invalid(str(error)) from error


def _moment(text: str) -> str:
    try:
        return moments.parse_moment(text, moments.now()).isoformat()
    except ValueError as error:
        raise Invalid(str(error)) from error
