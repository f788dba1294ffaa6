"""Spans of time that events are counted by."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from flowctl.domain.errors import Invalid
from flowctl.domain.event_counts import TimeUnit, check_spans, spans

SUNDAY = datetime(2026, 3, 1, 12, 34, 56, 789, tzinfo=UTC)


@pytest.mark.parametrize(
    ("unit", "end"),
    [
        (TimeUnit.SECOND, "2026-03-01T12:34:56.999999+00:00"),
        (TimeUnit.MINUTE, "2026-03-01T12:34:59.999999+00:00"),
        (TimeUnit.HOUR, "2026-03-01T12:59:59.999999+00:00"),
        (TimeUnit.DAY, "2026-03-01T23:59:59.999999+00:00"),
        (TimeUnit.WEEK, "2026-03-01T23:59:59.999999+00:00"),
    ],
)
def test_end_of_period(unit: TimeUnit, end: str) -> None:
    assert unit.end_of_period(SUNDAY).isoformat() == end


def test_spans_begin_at_the_pivot_and_cover_the_range() -> None:
    since = datetime(2024, 4, 2, 1, tzinfo=UTC)
    first, starts = spans(since, since + timedelta(days=1), TimeUnit.HOUR, 12, now=SUNDAY)
    assert first == 2
    assert [start.isoformat() for start in starts] == [
        "2024-04-02T00:00:00+00:00",
        "2024-04-02T12:00:00+00:00",
        "2024-04-03T00:00:00+00:00",
    ]


def test_spans_before_the_pivot_have_negative_numbers() -> None:
    first, starts = spans(
        datetime(2024, 3, 31, 12, tzinfo=UTC), datetime(2024, 4, 1, tzinfo=UTC), TimeUnit.DAY, 1, now=SUNDAY
    )
    assert (first, len(starts)) == (-1, 1)


def test_the_future_is_left_out() -> None:
    _, starts = spans(SUNDAY - timedelta(hours=1), SUNDAY + timedelta(days=9), TimeUnit.HOUR, 1, now=SUNDAY)
    assert [start.hour for start in starts] == [11, 12]


def test_too_many_spans_are_refused() -> None:
    check_spans(SUNDAY, SUNDAY + timedelta(seconds=1000), timedelta(seconds=1))
    with pytest.raises(Invalid, match="would create 1001 buckets"):
        check_spans(SUNDAY, SUNDAY + timedelta(seconds=1000.1), timedelta(seconds=1))
