"""Records which dates Prefect itself computes for some schedules: run it with a Python that has `prefect` installed.

    python tests/domain/record_schedule_dates.py > tests/domain/schedule_dates.json

Recorded with Prefect 3.8.1 on Python 3.11.  The cases lie around the days on which clocks change in five zones.
"""

from __future__ import annotations

import itertools
import json
import random
import sys
from datetime import UTC, datetime, timedelta

ZONES = {
    "America/New_York": ("2026-03-08T07:00", "2026-11-01T06:00"),
    "Europe/Berlin": ("2026-03-29T01:00", "2026-10-25T01:00"),
    "Australia/Lord_Howe": ("2026-10-03T15:30", "2026-04-04T15:00"),  # half an hour
    "America/Sao_Paulo": ("2018-11-04T03:00", "2019-02-17T02:00"),  # at midnight
    "Pacific/Apia": ("2011-12-30T10:00", "2012-03-31T14:00"),  # a day that never was
}
CRONS = [
    ("*/15 * * * *", True), ("0 * * * *", True), ("30 1 * * *", True), ("30 2 * * *", True), ("0 0 * * *", True),
    ("0 9 * * 1-5", True), ("0 */6 * * *", True), ("15,45 0-3 * * *", True), ("0 12 13 * 5", True),
    ("0 12 13 * 5", False), ("0 0 * * MON#1", True), ("0 3 L * *", True), ("@daily", True), ("@hourly", True),
    ("*/20 * * * * *", True), ("30 1 29 2 *", True),
]  # fmt: skip
RRULES = [
    "FREQ=HOURLY", "FREQ=HOURLY;INTERVAL=5", "FREQ=MINUTELY;INTERVAL=20", "FREQ=SECONDLY;INTERVAL=900",
    "FREQ=DAILY;BYHOUR=2;BYMINUTE=30", "FREQ=DAILY;BYHOUR=1;BYMINUTE=30", "FREQ=WEEKLY;BYDAY=SU,MO;BYHOUR=0,2",
    "FREQ=WEEKLY;INTERVAL=2;BYDAY=SA,SU", "FREQ=MONTHLY;BYDAY=-1SU;BYHOUR=2", "FREQ=YEARLY;BYMONTH=3,11;BYMONTHDAY=1",
    "DTSTART:{day}T013000\nRRULE:FREQ=DAILY;COUNT=4", "DTSTART:{day}T023000\nRRULE:FREQ=DAILY;UNTIL={until}",
    "DTSTART:{day}T000000\nRRULE:FREQ=DAILY\nEXDATE:{until}", "DTSTART:{day}T023000Z\nRRULE:FREQ=HOURLY;INTERVAL=3",
    "DTSTART;TZID=Europe/Paris:{day}T023000\nRRULE:FREQ=HOURLY;INTERVAL=8;COUNT=9",
    "RDATE:{day}T013000,{day}T023000\nRRULE:FREQ=WEEKLY",
]  # fmt: skip
INTERVALS = [
    (900, 0),
    (3600, 0),
    (5400, 17),
    (21600, 0),
    (86400, 0),
    (86400, 5400),
    (90000, 0),
    (172800, 9000),
    (604800, 3600),
]


def questions() -> list[dict[str, object]]:
    """Schedules with the window to ask for."""
    random.seed(20260301)
    asked: list[dict[str, object]] = []
    for (zone, changes), change in itertools.product(ZONES.items(), (0, 1)):
        moment = datetime.fromisoformat(changes[change]).replace(tzinfo=UTC)

        def ask(schedule: dict[str, object], *, near: bool, zone: str = zone, moment: datetime = moment) -> None:
            lead = timedelta(minutes=random.choice((20, 50, 65, 90, 125))) if near else timedelta(hours=30)
            start = moment - lead + timedelta(seconds=random.choice((0, 0, 1, 0.25)))
            asked.append(
                {
                    "schedule": {**schedule, "timezone": zone},
                    "start": start.isoformat(),
                    "n": random.choice((5, 8, 12)),
                    "end": (start + timedelta(days=random.choice((1, 20)))).isoformat()
                    if random.random() < 0.3
                    else None,
                }
            )

        for cron, day_or in random.sample(CRONS, 9):
            ask({"cron": cron, "day_or": day_or}, near=random.random() < 0.6)
        for rule in random.sample(RRULES, 9):
            day = moment - timedelta(days=2)
            until = moment + timedelta(days=3)
            text = rule.format(day=f"{day:%Y%m%d}", until=f"{until:%Y%m%d}T000000")
            ask({"rrule": text}, near=random.random() < 0.5)
        for seconds, shift in random.sample(INTERVALS, 6):
            anchor = (moment - timedelta(days=random.choice((1, 40, 200)), seconds=shift)).replace(second=0)
            ask({"interval": seconds, "anchor_date": anchor.isoformat()}, near=random.random() < 0.5)
    return asked


def answer(question: dict[str, object]) -> dict[str, object]:
    """What Prefect's scheduler would be given."""
    from prefect.server.schemas.schedules import CronSchedule, IntervalSchedule, RRuleSchedule

    schedule: dict[str, object] = question["schedule"]  # type: ignore[assignment]
    kind = IntervalSchedule if "interval" in schedule else CronSchedule if "cron" in schedule else RRuleSchedule
    end = question["end"]
    found = kind(**schedule)._get_dates_generator(
        n=question["n"],
        start=datetime.fromisoformat(question["start"]),
        end=datetime.fromisoformat(end) if end else None,
    )
    return {**question, "dates": [str(date) for date in found]}


if __name__ == "__main__":
    lines = ",\n".join(json.dumps(answer(question)) for question in questions())
    sys.stdout.write(f"[\n{lines}\n]\n")
