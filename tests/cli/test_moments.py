from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

import pytest

from flowctl.cli import moments
from flowctl.db.columns import decode_time, encode_time, wire_time

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90", 90), ("90s", 90), ("1h30m", 5400), ("7d", 604800), ("2w", 1209600), ("1.5h", 5400), ("0s", 0)],
)
def test_parse_duration_reads_units(text: str, seconds: float) -> None:
    assert moments.parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["", "h", "2 hours", "1h30", "-2h", "²h", "1.2.3s"])
def test_parse_duration_refuses(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        moments.parse_duration(text)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2h", NOON - timedelta(hours=2)),
        ("now", NOON),
        ("2026-02-28T10:00Z", datetime(2026, 2, 28, 10, tzinfo=UTC)),
        ("2026-02-28T10:00+02:00", datetime(2026, 2, 28, 8, tzinfo=UTC)),
        ("2026-02-28", datetime(2026, 2, 28).astimezone(UTC)),
    ],
)
def test_parse_moment_reads_ages_words_and_dates(text: str, moment: datetime) -> None:
    assert moments.parse_moment(text, NOON) == moment


def test_parse_moment_knows_local_midnights() -> None:
    today = moments.parse_moment("today", NOON)
    assert today.astimezone().strftime("%H:%M") == "00:00"
    assert moments.parse_moment("yesterday", NOON).astimezone().date() == today.astimezone().date() - timedelta(days=1)


@pytest.mark.parametrize("text", ["soon", "99999999w", "2026-13-01"])
def test_parse_moment_refuses(text: str) -> None:
    with pytest.raises(ValueError, match="is not a time"):
        moments.parse_moment(text, NOON)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0.0s"), (0.44, "0.4s"), (9.97, "10s"), (12, "12s"), (59.6, "1m00s"), (252, "4m12s"), (3900, "1h05m")],
)
def test_duration_is_short(seconds: float, text: str) -> None:
    assert moments.duration(seconds) == text


def test_long_and_negative_durations() -> None:
    assert moments.duration(183600) == "2d3h"
    assert moments.duration(-12) == "-12s"


def test_age_has_one_unit() -> None:
    assert [moments.age(seconds) for seconds in (5, 130, 7200, 260000, -1)] == ["5s", "2m", "2h", "3d", "0s"]


@pytest.mark.parametrize("microsecond", [0, 1, 120000])
def test_times_are_written_as_the_database_and_the_api_write_them(microsecond: int) -> None:
    moment = NOON.replace(microsecond=microsecond)
    assert moments.stored(moment) == encode_time(moment)
    assert moments.iso(moments.stored(moment)) == wire_time(encode_time(moment))
    assert (
        moments.read(encode_time(moment))
        == decode_time(encode_time(moment))
        == moments.read(moments.iso(moments.stored(moment)))
    )


@pytest.mark.skipif(not hasattr(time, "tzset"), reason="Windows takes its zone from elsewhere")
@pytest.mark.parametrize("zone", ["Asia/Tokyo", "America/New_York"])
def test_the_ends_of_time_have_an_hour_everywhere(zone: str, monkeypatch: pytest.MonkeyPatch) -> None:
    ends = [each.replace(tzinfo=UTC) for each in (datetime.max, datetime.min)]  # noqa: DTZ901 - they get it here
    with monkeypatch.context() as patch:
        patch.setenv("TZ", zone)
        time.tzset()
        last, first = (moments.clock(end, NOON, utc=False) for end in ends)
    time.tzset()
    assert (last[-6:], first[-6:]) == ("-12-31", "-01-01")


def test_clock_is_as_short_as_the_distance_allows() -> None:
    def shown(moment: datetime) -> str:
        return moments.clock(moment, NOON, utc=True)

    assert shown(NOON - timedelta(hours=1)) == "11:00:00"
    assert shown(NOON - timedelta(days=3)) == "Feb 26 12:00"
    assert shown(NOON - timedelta(days=300)) == "2025-05-05"
    assert moments.clock(NOON, NOON, utc=True, precise=True) == "2026-03-01 12:00:00 UTC"
