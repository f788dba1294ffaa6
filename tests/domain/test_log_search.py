"""Patterns that log messages are searched by."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowctl.domain.errors import Invalid
from flowctl.domain.log_search import parse


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        ("timeout", "a Timeout happened"),
        ("imeou", "a Timeout happened"),
        ("KeyError: 'x'", "raise KeyError: 'x' from None"),
        ("refused connection", "connection refused"),
        ('"connection refused"', "Connection refused"),
        ("time*", "it timed out"),
        ("2 * 3", "2 * 3 = 6"),
        ('{"a": "b c"}', 'got {"a": "b c"}'),
        ("NOT (a OR b) AND", "not (a or b) and"),
        ("100%_", "100%_ done"),
        ("größe", "die GRÖßE"),
        ("-9", "exit code -9"),
    ],
)
def test_words_find(pattern: str, text: str) -> None:
    assert parse(pattern).matches(text)


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        ('"refused connection"', "connection refused"),
        ("time*", "a runtime"),
        ("timeout database", "a timeout of the network"),
        ("100%", "100 %"),
    ],
)
def test_words_do_not_find(pattern: str, text: str) -> None:
    assert not parse(pattern).matches(text)


def test_a_fixed_text_is_taken_as_it_is() -> None:
    pattern = parse('say "hi" now*', fixed=True)
    assert pattern.matches('they say "hi" now* and then')
    assert not pattern.matches('now they say "hi"')


def test_spans_are_in_order_and_joined() -> None:
    text = "time to timeout"
    assert parse("out time").spans(text) == [(0, 4), (8, 15)]
    assert parse("x*", regex=True).spans(text) == []


@pytest.mark.parametrize(
    ("pattern", "literals"),
    [
        (r"KeyError: '\w+'", ["KeyError: '", "'"]),
        (r"took \d+ms", ["took ", "ms"]),
        (r"colou?r", ["colo", "r"]),
        (r"ab{0,3}c", ["a", "c"]),
        (r"ab{0}c", ["a", "c"]),
        (r"(abc)?def", ["def"]),
        (r"abc|def", []),
        (r"a(b|c)d", []),
        (r"[abc]def[^]x]g", ["def", "g"]),
        (r"\.py:\d+", [".py:"]),
        (r"(?x) a b", []),
        (r"^end$", ["end"]),
    ],
)
def test_what_every_match_of_a_regular_expression_holds(pattern: str, literals: list[str]) -> None:
    assert list(parse(pattern, regex=True).literals) == literals


@given(st.from_regex(r"[abc().*+?|\[\]\\d{}0-2^$]{1,12}", fullmatch=True), st.text("abcd012.(){}", max_size=12))
def test_a_match_holds_all_literals(pattern: str, text: str) -> None:
    try:
        parsed = parse(pattern, regex=True)
    except Invalid:
        return
    if parsed.matches(text):
        assert all(literal.lower() in text.lower() for literal in parsed.literals), parsed


@pytest.mark.parametrize("pattern", ["", "   ", '" "'])
def test_an_empty_pattern_is_refused(pattern: str) -> None:
    with pytest.raises(Invalid, match="empty"):
        parse(pattern)


@pytest.mark.parametrize("pattern", ["(a+)+", "((a*)b)*", "(a|b{1,})+$", r"(\d+)*x"])
def test_what_could_take_for_ever_is_refused(pattern: str) -> None:
    assert re.compile(pattern)
    with pytest.raises(Invalid, match="repeats"):
        parse(pattern, regex=True)


def test_what_is_no_regular_expression_is_refused() -> None:
    with pytest.raises(Invalid, match="not a regular expression: "):
        parse("(open", regex=True)
    assert parse("(open").matches("an (open door")
