from __future__ import annotations

import csv
import io
from datetime import timedelta
from uuid import uuid4

import pytest
from support import NOON

from flowctl.db.database import Tx
from flowctl.domain.logs import LogCreate
from flowctl.ops import log_lists, logs

RUN = uuid4()


def write(tx: Tx, *messages: str, seconds: float = 0) -> None:
    moment = NOON + timedelta(seconds=seconds)
    lines = [LogCreate(name="l", level=20, message=text, timestamp=moment, flow_run_id=RUN) for text in messages]
    logs.create(tx, lines)


def whole(tx: Tx) -> list[list[str]]:
    text, after = "", None
    while True:
        chunk = log_lists.csv_chunk(tx, RUN, after)
        text, after = text + chunk.text, chunk.after
        if after is None:
            return list(csv.reader(io.StringIO(text, newline="")))


def test_nul_characters_are_left_out(tx: Tx) -> None:
    (line,) = logs.create(tx, [LogCreate(name="a\0b", level=20, message="\0c\0\0d", timestamp=NOON)])
    assert (line.name, line.message) == ("ab", "cd")


def test_lines_are_in_the_order_of_their_times_whatever_they_hold(tx: Tx) -> None:
    write(tx, "later", seconds=1.5)
    write(tx, 'quote " and, comma', "two\nlines", "ünï ✓")
    assert whole(tx) == [
        ["2026-03-01 12:00:00+00:00", "20", str(RUN), "", 'quote " and, comma'],
        ["2026-03-01 12:00:00+00:00", "20", str(RUN), "", "two\nlines"],
        ["2026-03-01 12:00:00+00:00", "20", str(RUN), "", "ünï ✓"],
        ["2026-03-01 12:00:01.500000+00:00", "20", str(RUN), "", "later"],
    ]


def test_chunks_go_on_where_the_last_one_ended_among_lines_of_one_instant(
    tx: Tx, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_lists, "LINES_A_CHUNK", 3)
    write(tx, *"abcdefg")
    assert [line[-1] for line in whole(tx)] == list("abcdefg")


def test_a_run_without_lines_has_an_empty_log(tx: Tx) -> None:
    assert log_lists.csv_chunk(tx, RUN) == log_lists.Chunk("", None)
