"""Times and durations: as people type them, and as people read them.  Starts fast: only `datetime` is imported."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from flowctl.domain.spans import age, duration

__all__ = ["age", "clock", "duration", "iso", "now", "parse_duration", "parse_moment", "read", "stored"]

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}


def now() -> datetime:
    """This instant, in UTC."""
    return datetime.now(UTC)


def parse_duration(text: str) -> float:
    """Seconds of `90`, `90s`, `1h30m`, `7d`, `2w`.  Raises ValueError."""
    total, number = 0.0, ""
    for character in text.strip().lower():
        if character in _UNITS and number:
            total += float(number) * _UNITS[character]
            number = ""
        elif character.isascii() and (character.isdigit() or character == "."):
            number += character
        else:
            raise ValueError(f"{text!r} is not a duration; write it like 90s, 10m, 2h or 7d.")
    if number and total:
        raise ValueError(f"{text!r} is not a duration; its last number needs a unit: s, m, h, d or w.")
    if not text.strip():
        raise ValueError("A duration is missing; write it like 90s, 10m, 2h or 7d.")
    return total + float(number or 0)


def parse_moment(text: str, now: datetime) -> datetime:
    """The UTC time that `2h` (ago), `now`, `today`, `yesterday` or an ISO time names; without a zone it is local.

    Raises ValueError.
    """
    word = text.strip().lower()
    midnight = now.astimezone().replace(hour=0, minute=0, second=0, microsecond=0, tzinfo=None)
    named = {"now": now, "today": midnight, "yesterday": midnight - timedelta(days=1)}
    if word in named:
        return named[word].astimezone(UTC)
    try:
        return now - timedelta(seconds=parse_duration(word))
    except (ValueError, OverflowError):
        pass
    try:
        return datetime.fromisoformat(text.strip()).astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError(f"{text!r} is not a time; write it like 2h, 7d, today or 2026-01-31T10:00.") from None


def read(text: str) -> datetime:
    """The time of a text as the database or the API writes it."""
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def iso(text: str) -> str:
    """The same time as the API writes it: RFC 3339 in UTC, microseconds only when there are some."""
    return read(text).astimezone(UTC).replace(tzinfo=None).isoformat() + "Z"


def stored(moment: datetime) -> str:
    """The text that the database compares times by."""
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(" ", "microseconds")


def clock(moment: datetime, now: datetime, *, utc: bool, precise: bool = False) -> str:
    """A time as short as its distance allows: `10:02:11` today, `Jul 03 10:02` this year, `2024-07-03` before.

    precise  always date, time and zone
    """
    try:
        there, here = (each.astimezone(UTC if utc else None) for each in (moment, now))
    except OverflowError:  # the last day of the year 9999, and the first of all, have no such hour everywhere
        there, here = moment.astimezone(UTC), now.astimezone(UTC)
    if precise:
        return there.strftime("%Y-%m-%d %H:%M:%S %Z")
    if there.date() == here.date():
        return there.strftime("%H:%M:%S")
    return there.strftime("%b %d %H:%M" if there.year == here.year else "%Y-%m-%d")
