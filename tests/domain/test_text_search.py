"""Text queries: what a query consists of, and which texts it finds."""

from __future__ import annotations

import pytest

from flowctl.domain.text_search import TextQuery, parse


@pytest.mark.parametrize(
    ("query", "include", "exclude", "required"),
    [
        ("", [], [], []),
        ("   ", [], [], []),
        ("error Timeout", ["error", "timeout"], [], []),
        ("error -debug !trace +must", ["error"], ["debug", "trace"], ["must"]),
        ('"connection timeout" -"not this"', ["connection timeout"], ["not this"], []),
        ("- lone ! +", ["lone"], [], []),
        ("--x", [], ["-x"], []),
        (r'"say \"hi\" \\ \n"', [r'say "hi" \ \n'], [], []),
        ('"unclosed phrase', ["unclosed phrase"], [], []),
        ('word"phrase"', ["word", "phrase"], [], []),
        ('" "', [], [], []),
        ("café", ["café"], [], []),
    ],
)
def test_parse_takes_a_query_apart(query: str, include: list[str], exclude: list[str], required: list[str]) -> None:
    assert parse(query) == TextQuery(include, exclude, required)


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", True),
        ("quick", True),
        ("QUICK slow", True),
        ("slow", False),
        ("quick -brown", False),
        ("+quick +brown", True),
        ("+quick +slow", False),
        ("-slow", True),
        ('"quick brown"', True),
    ],
)
def test_matches(query: str, found: bool) -> None:
    assert parse(query).matches("The Quick brown fox") is found


def test_map_changes_every_term() -> None:
    assert parse("a -b +c").map(str.upper) == TextQuery(["A"], ["B"], ["C"])
