from __future__ import annotations

from datetime import UTC, datetime, timedelta

from flowctl.domain.run_history import edges

START = datetime(2026, 3, 1, tzinfo=UTC)


def test_intervals_cover_the_span_and_may_reach_beyond_it() -> None:
    found = edges(START, START + timedelta(hours=5), timedelta(hours=2))
    assert found == [START + timedelta(hours=hour) for hour in (0, 2, 4, 6)]


def test_there_is_one_interval_even_in_a_span_that_ends_before_it_begins() -> None:
    assert edges(START, START - timedelta(days=1), timedelta(hours=2)) == [START, START + timedelta(hours=2)]


def test_there_are_five_hundred_at_most() -> None:
    assert len(edges(START, START + timedelta(days=9), timedelta(seconds=1))) == 501


def test_bounds_after_the_first_are_whole_milliseconds() -> None:
    start = START + timedelta(microseconds=123_456)
    assert [edge.microsecond for edge in edges(start, start + timedelta(seconds=2), timedelta(seconds=1))] == [
        123_456,
        123_000,
        123_000,
        123_000,
    ]


def test_a_bound_that_was_rounded_down_to_before_the_end_adds_no_interval_to_the_first() -> None:
    start = START + timedelta(microseconds=123_456)
    assert len(edges(start, start + timedelta(hours=2), timedelta(hours=2))) == 2
