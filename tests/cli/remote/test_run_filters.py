"""GLOB, which a server cannot filter by, as SQLite understands it."""

from __future__ import annotations

import sqlite3
from contextlib import closing

from hypothesis import example, given
from hypothesis import strategies as st

from flowctl.cli.remote.run_filters import glob, literal_of

LETTERS = st.text("aB-_.*?[]^!", max_size=8)


@given(pattern=LETTERS, name=LETTERS)
@example(pattern="[bc]*", name="ca")
@example(pattern="[^bc]*", name="ca")
@example(pattern="[]a]", name="]")
@example(pattern="[^]a]", name="b")
@example(pattern="[a-c]?", name="b.")
@example(pattern="[a-", name="[a-")
@example(pattern="[!a]", name="!")
def test_a_pattern_matches_what_sqlite_matches(pattern: str, name: str) -> None:
    with closing(sqlite3.connect(":memory:")) as connection:
        expected = bool(connection.execute("SELECT ? GLOB ?", (name, pattern)).fetchone()[0])
    assert bool(glob(pattern).fullmatch(name)) == expected
    if expected:
        assert literal_of(pattern) in name
