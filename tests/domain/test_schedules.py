"""Schedules: dates as Prefect computes them, and what a body may hold."""

from __future__ import annotations

import json
import warnings
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from flowctl import wire
from flowctl.domain import schedules
from flowctl.domain.errors import Invalid
from flowctl.domain.schedules import NO_ANCHOR, CronSchedule, IntervalSchedule, RRuleSchedule, Schedule, ScheduleBody

RECORDED = json.loads((Path(__file__).parent / "schedule_dates.json").read_text())
NOW = datetime(2026, 3, 1, 12, 0, 30, tzinfo=UTC)


def schedule_of(values: dict[str, Any]) -> Schedule:
    return wire.validate(ScheduleBody, values)  # type: ignore[arg-type]


def texts(schedule: Schedule, **options: Any) -> list[str]:
    return [str(date) for date in schedules.dates(schedule, **options)]


def label(case: dict[str, Any]) -> str:
    return f"{json.dumps(case['schedule'])} from {case['start']}"


@pytest.mark.parametrize("case", RECORDED, ids=label)
def test_dates_are_those_that_prefect_computes(case: dict[str, Any]) -> None:
    end = datetime.fromisoformat(case["end"]) if case["end"] else None
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        schedule = schedule_of(case["schedule"])
        found = texts(schedule, start=datetime.fromisoformat(case["start"]), end=end, limit=case["n"])
    assert found == case["dates"]


def test_the_recorded_cases_are_many() -> None:
    kinds = [{"interval", "cron", "rrule"} & set(case["schedule"]) for case in RECORDED]
    assert len(RECORDED) >= 200
    assert all(kinds.count({kind}) >= 60 for kind in ("interval", "cron", "rrule"))
    assert len({case["schedule"]["timezone"] for case in RECORDED}) == 5
