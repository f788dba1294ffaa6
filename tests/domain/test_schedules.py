"""Schedules: dates as Prefect computes them, and what a body may hold."""

from __future__ import annotations

import json
import warnings
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from dateutil import rrule

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


class TestBodies:
    def test_an_interval_is_seconds_or_an_iso_duration(self) -> None:
        assert schedule_of({"interval": "PT1H"}) == schedule_of({"interval": 3600})
        assert schedule_of({"interval": 0.5, "timezone": "Asia/Tokyo"}) == IntervalSchedule(
            interval=0.5, timezone="Asia/Tokyo"
        )

    def test_an_anchor_keeps_its_offset_and_counts_in_utc(self) -> None:
        schedule = schedule_of({"interval": 60, "anchor_date": "2099-01-01T00:00:00+02:00"})
        assert schedules.dumps(schedule) == (
            '{"interval":60.0,"anchor_date":"2099-01-01T00:00:00+02:00","timezone":"UTC"}'
        )
        assert texts(schedule, start=NOW, limit=1) == ["2026-03-01 12:01:00+00:00"]

    @pytest.mark.parametrize(
        ("values", "message"),
        [
            ({"interval": 0}, "Value error, interval must be positive"),
            ({"cron": "61 * * * *"}, 'Value error, Invalid cron string: "61 * * * *"'),
            (
                {"cron": "R R * * *"},
                'Value error, Random and Hashed expressions are unsupported, received: "R R * * *"',
            ),
            ({"cron": "0 0 * * *", "timezone": "x"}, 'Value error, Invalid timezone: "x"'),
            ({"rrule": "FREQ=NOPE"}, 'Value error, Invalid RRule string "FREQ=NOPE"'),
            ({"rrule": "FREQ=SECONDLY;BYSECOND=61"}, 'Value error, Invalid RRule string "FREQ=SECONDLY;BYSECOND=61"'),
            ({"rrule": "DTSTART:20200101T000000\n" + "RDATE:20200101T000000\n" * 400}, "Max length is 6500, got "),
            ({"rrule": "FREQ=DAILY", "timezone": "../etc"}, "Value error, Invalid timezone"),
            ({"interval": 60, "cron": "* * * * *"}, "Extra inputs are not permitted"),
            ({}, "Field required"),
        ],
    )
    def test_what_makes_no_sense_is_refused(self, values: dict[str, Any], message: str) -> None:
        with pytest.raises(Invalid) as refusal:
            schedule_of(values)
        assert any(message in entry["msg"] for entry in refusal.value.entries)

    def test_errors_name_the_kinds_as_prefect_does(self) -> None:
        with pytest.raises(Invalid) as refusal:
            schedule_of({"cron": "nope"})
        assert {entry["loc"][1] for entry in refusal.value.entries} == {
            "function-after[validate_timezone(), IntervalSchedule]",
            "function-after[validate_timezone(), CronSchedule]",
            "RRuleSchedule",
        }


class TestResolved:
    def test_an_interval_without_an_anchor_counts_from_now(self) -> None:
        schedule = schedules.resolved(IntervalSchedule(interval=60), NOW)
        assert schedule == IntervalSchedule(interval=60, anchor_date=NOW)

    def test_a_rule_gets_a_start(self) -> None:
        assert schedules.resolved(RRuleSchedule(rrule="FREQ=DAILY"), NOW) == RRuleSchedule(
            rrule="DTSTART:20200101T000000\nFREQ=DAILY"
        )

    def test_a_fast_rule_starts_shortly_before_now_in_its_phase(self) -> None:
        rule = RRuleSchedule(rrule="FREQ=MINUTELY;INTERVAL=7", timezone="Asia/Tokyo")
        resolved = schedules.resolved(rule, NOW)
        assert isinstance(resolved, RRuleSchedule)
        assert resolved.rrule == "DTSTART:20260301T205400\nFREQ=MINUTELY;INTERVAL=7"
        assert texts(resolved, start=NOW, limit=5) == texts(rule, start=NOW, limit=5)

    def test_what_is_complete_stays(self) -> None:
        for schedule in (CronSchedule(cron="@daily"), RRuleSchedule(rrule="DTSTART:20300101T000000\nFREQ=DAILY")):
            assert schedules.resolved(schedule, NOW) == schedule


class TestDates:
    def test_at_least_one_date_comes(self) -> None:
        assert texts(CronSchedule(cron="0 0 * * *"), start=NOW, limit=0) == ["2026-03-02 00:00:00+00:00"]

    def test_none_comes_after_the_end(self) -> None:
        hourly = IntervalSchedule(interval=3600, anchor_date=NOW)
        assert len(texts(hourly, start=NOW, end=NOW + timedelta(hours=2), limit=100)) == 3

    def test_a_thousand_candidates_are_enough(self) -> None:
        assert len(texts(IntervalSchedule(interval=1, anchor_date=NOW), start=NOW, limit=10**6)) == 1002

    def test_a_day_that_never_comes_gives_nothing(self) -> None:
        assert texts(CronSchedule(cron="0 0 30 2 *"), start=NOW, limit=1) == []

    def test_an_interval_may_leave_the_calendar(self) -> None:
        assert len(texts(IntervalSchedule(interval=9e10, anchor_date=NOW), start=NOW, limit=9)) == 3

    def test_an_old_rule_of_seconds_is_quick(self) -> None:
        rule = RRuleSchedule(rrule="DTSTART:19700101T000000\nFREQ=SECONDLY;INTERVAL=5")
        assert texts(rule, start=NOW, limit=1) == ["2026-03-01 12:00:30+00:00"]

    @pytest.mark.parametrize(
        ("end", "last_year"), [(NOW + timedelta(days=100), 2026), (None, 2426)], ids=["bounded", "endless"]
    )
    @pytest.mark.parametrize(
        "rule", ["FREQ=MINUTELY;", "DTSTART:20200101T000000\nEXRULE:FREQ=DAILY;COUNT=1\nRRULE:FREQ=DAILY;"]
    )
    def test_a_rule_that_never_comes_true_is_given_up(
        self, monkeypatch: pytest.MonkeyPatch, rule: str, end: datetime | None, last_year: int
    ) -> None:
        years: set[int] = set()
        rebuild = rrule._iterinfo.rebuild

        def noted(info: Any, year: int, month: int) -> None:
            years.add(year)
            rebuild(info, year, month)

        monkeypatch.setattr(rrule._iterinfo, "rebuild", noted)
        schedule = RRuleSchedule(rrule=f"{rule}BYMONTH=2;BYMONTHDAY=30")
        assert list(schedules.dates(schedules.resolved(schedule, NOW), start=NOW, end=end, limit=1)) == []
        assert max(years) in (last_year, last_year + 1)

    def test_a_rule_that_comes_true_once_in_a_generation_is_not(self) -> None:
        rule = RRuleSchedule(rrule="DTSTART:20200101T090000\nFREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29;BYDAY=MO")
        assert [date[:10] for date in texts(rule, start=NOW, limit=3)] == ["2044-02-29", "2072-02-29", "2112-02-29"]
        far = RRuleSchedule(rrule="DTSTART:25000101T090000\nFREQ=DAILY")
        assert texts(far, start=NOW, limit=1) == ["2500-01-01 09:00:00+00:00"]

    def test_dates_are_made_one_by_one(self) -> None:
        endless = schedules.dates(IntervalSchedule(interval=60, anchor_date=NOW), start=NOW, limit=10**9)
        assert len(list(islice(endless, 2))) == 2


@pytest.mark.parametrize(
    "schedule",
    [
        IntervalSchedule(interval=90, anchor_date=NOW, timezone="Europe/Berlin"),
        CronSchedule(cron="0 0 1 * 1", day_or=False),
        RRuleSchedule(rrule="DTSTART:20200101T000000\nFREQ=DAILY", timezone="UTC"),
    ],
    ids=schedules.type_name,
)
def test_stored_text_reads_back(schedule: Schedule) -> None:
    assert schedules.loads(schedules.dumps(schedule)) == schedule


def test_no_anchor_is_earlier_than_any() -> None:
    assert datetime.min.replace(tzinfo=UTC) == NO_ANCHOR
