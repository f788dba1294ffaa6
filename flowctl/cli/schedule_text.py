"""Schedules in a few words, and their dates."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from itertools import islice
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from flowctl.cli.tables import Look


def words(schedule: Mapping[str, Any]) -> str:
    """`0 3 * * *`, `every 15m`, or the rule itself."""
    if "interval" in schedule:
        return f"every {_interval(schedule['interval'])}"
    return schedule.get("cron") or " ".join(str(schedule.get("rrule")).split())


def _interval(seconds: float) -> str:
    """`15m`, `90m`, `6h`, `7d`: as `--interval` takes it."""
    units = (("d", 86400), ("h", 3600), ("m", 60))
    return next((f"{seconds / size:.0f}{unit}" for unit, size in units if seconds % size == 0), f"{seconds:g}s")


def zone(schedule: Mapping[str, Any]) -> str:
    """The time zone whose clock counts."""
    return schedule.get("timezone") or "UTC"


def describe(entry: Mapping[str, Any], look: Look) -> str:
    """A deployment's schedule in a line."""
    parts = [
        words(entry["schedule"]),
        zone(entry["schedule"]),
        f"slug {entry['slug']}" if entry.get("slug") else "",
        "" if entry["active"] else look.paint("paused", "yellow"),
        f"with {json.dumps(entry['parameters'], ensure_ascii=False)}" if entry.get("parameters") else "",
    ]
    return " · ".join(part for part in parts if part)


def upcoming(schedule: Mapping[str, Any], start: datetime, limit: int) -> list[datetime]:
    """The next dates of a schedule as the API answers it, in its own time zone."""
    from flowctl.domain import schedules

    read = schedules.resolved(schedules.loads(json.dumps(schedule)), start)
    return list(islice(schedules.dates(read, start=start, limit=limit), limit))
