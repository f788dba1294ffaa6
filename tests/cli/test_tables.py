from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from flowctl.cli.tables import Column, Look, clean, cut, item, short_id, table, width


def look(**changes: Any) -> Look:
    plain: dict[str, Any] = {"terminal": False, "color": False, "icons": True, "utc": True, "width": 80}
    return Look(**{**plain, **changes}, now=datetime(2026, 3, 1, tzinfo=UTC))


COLUMNS = [
    Column("ID", item("id")),
    Column("NAME", item("name"), cut=True),
    Column("STATE", item("state"), style=lambda _: "green"),
    Column("TAGS", item("tags"), cut=True, spare=True),
]
LONG = {"id": 1, "name": "a-name-of-twenty-six-chars", "state": "Running", "tags": ["one", "two", "three"]}
SHORT = {"id": 22, "name": "b", "state": "Failed", "tags": None}


def test_piped_tables_hold_everything() -> None:
    assert table(COLUMNS, [LONG, SHORT], look(width=10)) == [
        "ID  NAME                        STATE    TAGS",
        "1   a-name-of-twenty-six-chars  Running  one,two,three",
        "22  b                           Failed   -",
    ]


@pytest.mark.parametrize("columns", range(30, 60))
def test_no_line_is_wider_than_the_terminal(columns: int) -> None:
    lines = table(COLUMNS, [LONG, SHORT], look(terminal=True, width=columns))
    assert max(map(width, lines)) <= columns


def test_a_narrow_terminal_loses_spare_columns_before_names_become_unreadable() -> None:
    assert table(COLUMNS, [LONG], look(terminal=True, width=30)) == [
        "ID  NAME               STATE",
        "1   a-name-of-twenty…  Running",
    ]
    assert "TAGS" not in table(COLUMNS, [LONG], look(terminal=True, width=30))[0]
    assert "TAGS" in table(COLUMNS, [LONG], look(terminal=True, width=45))[0]


def test_headers_may_be_left_out() -> None:
    assert table(COLUMNS, [SHORT], look(), headers=False) == ["22  b  Failed  -"]


def test_colours_do_not_count_as_width() -> None:
    lines = table(COLUMNS, [LONG, SHORT], look(color=True))
    assert lines[1] == "1   a-name-of-twenty-six-chars  \x1b[32mRunning\x1b[0m  one,two,three"
    assert lines[2] == "22  b                           \x1b[32mFailed \x1b[0m  -"


def test_a_name_can_neither_break_a_line_nor_talk_to_the_terminal() -> None:
    assert clean("a\nb\x1b[2Jc") == "a\\nb\\x1b[2Jc"
    assert clean("zoë · 東京") == "zoë · 東京"


def test_an_id_is_as_short_as_it_may_be() -> None:
    assert short_id("3f9c21ab-1111-4222-8333-444455556666") == "3f9c21ab"
    assert short_id("01a1fce5-f79c-73dc-810a-e29e187056a4") == "01a1fce5-f79c-73dc"  # begins with its time


def test_wide_characters_take_two_cells() -> None:
    assert width("東京") == 4
    assert width("e\u0301") == 1
    assert cut("東京都", 5) == "東京…"
    assert cut("abc", 3) == "abc"
