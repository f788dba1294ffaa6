"""The index of log messages: filling it, and finding the lines that may match.

A row of table `log_search` stands for a block of positions of table `log`: the lines of a block lie side by side, so
they are read together anyway, and what they have in common is stored once.  Lines that are deleted stay in the index
until it is made anew; they are gone from `log`, and positions are never given out again, so nothing false is found.
The block that is not full yet, and what came since the index was last filled, is searched line by line.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import cast

from flowctl.db.clauses import Clause
from flowctl.db.database import Tx
from flowctl.db.tables import configurations
from flowctl.domain.log_search import LogPattern

LINES_A_BLOCK = 64
LINES_A_WINDOW = 4096
"""Positions that one query looks at where the index does not help."""

_STATE = "flowctl.log_search"
_MOST_TRIGRAMS = 24
_PROBES = 256
"""Blocks that are looked at to tell how much of what is indexed is still there."""


@dataclass(slots=True)
class Index:
    """How far the index has come.

    begin   the first block that it may have
    end     the block behind the last one
    blocks  how many it got
    """

    begin: int = 0
    end: int = 0
    blocks: int = 0


def exists(tx: Tx) -> bool:
    """Whether the file has an index; one made by a SQLite without FTS5 has none."""
    return tx.scalar("SELECT 1 FROM sqlite_master WHERE name = 'log_search'") is not None


def read(tx: Tx) -> Index:
    """How far it is."""
    stored = cast("list[int] | None", configurations.get(tx, _STATE))
    return Index(*stored) if stored else Index()


def waiting(tx: Tx) -> int:
    """About how many lines are not indexed yet."""
    return max(0, last_position(tx) + 1 - read(tx).end * LINES_A_BLOCK)


def last_position(tx: Tx) -> int:
    """The position of the newest line; 0 without lines."""
    return tx.scalar("SELECT max(position) FROM log") or 0


def fill(tx: Tx, *, lines: int, characters: int) -> int:
    """Index the next blocks that are full, about so many lines or characters; returns the lines, 0 at the end."""
    index = read(tx)
    first = tx.scalar("SELECT min(position) FROM log WHERE position >= ?", (index.end * LINES_A_BLOCK,))
    if first is None:
        return 0
    index.end = first // LINES_A_BLOCK
    if index.blocks == 0:
        index.begin = index.end
    full = min((last_position(tx) + 1) // LINES_A_BLOCK, index.end + max(1, lines // LINES_A_BLOCK))
    rows = tx.execute(_LINES, (index.end * LINES_A_BLOCK, full * LINES_A_BLOCK))
    done = size = 0
    for block, members in groupby(rows, key=lambda row: row[0] // LINES_A_BLOCK):
        messages = [str(message).replace("\0", " ") for _, message in members]
        text = "\n".join(messages)
        tx.execute("INSERT INTO log_search (rowid, messages) VALUES (?, ?)", (block, text))
        index.end, index.blocks = block + 1, index.blocks + 1
        done += len(messages)
        size += len(text)
        if size >= characters:
            break
    else:
        index.end = full
    if done:
        _write(tx, index)
    return done


_LINES = "SELECT position, message FROM log WHERE position >= ? AND position < ? ORDER BY position"


def restart(tx: Tx) -> None:
    """Empty the index; it is filled again from the first line on."""
    tx.execute("INSERT INTO log_search (log_search) VALUES ('delete-all')")
    _write(tx, Index())


def may_restart(tx: Tx) -> bool:
    """Whether no line is in the trash: it would come back to its position, into a block without it."""
    return not tx.scalar("SELECT EXISTS (SELECT 1 FROM trashed_run WHERE log_lines > 0)")


def is_mostly_stale(tx: Tx) -> bool:
    """Whether less than half of the blocks that are indexed have a line left, by a sample of them."""
    index = read(tx)
    if index.blocks < _PROBES:
        return False
    span = index.end - index.begin
    probes = [index.begin + number * span // _PROBES for number in range(_PROBES)]
    alive = sum(tx.scalar(_HAS_LINES, (block * LINES_A_BLOCK, (block + 1) * LINES_A_BLOCK)) for block in probes)
    return alive * span < _PROBES * index.blocks / 2


_HAS_LINES = "SELECT EXISTS (SELECT 1 FROM log WHERE position >= ? AND position < ?)"


def missing(tx: Tx, examples: int) -> tuple[int, list[str]]:
    """Blocks with lines that the index does not find, of some looked at all over it: how many, and lines of some."""
    index = read(tx)
    step = max(1, (index.end - index.begin) // _PROBES)
    lost: list[str] = []
    for block in range(index.begin, index.end, step):
        line = tx.execute(_ONE_LINE, (block * LINES_A_BLOCK, (block + 1) * LINES_A_BLOCK)).fetchone()
        if line is None:
            continue
        expression = match_expression([line[1]])
        if expression and tx.scalar(_IS_IN, (expression, block)) is None:
            lost.append(str(line[0]))
    return len(lost), lost[:examples]


_ONE_LINE = "SELECT id, message FROM log WHERE position >= ? AND position < ? ORDER BY position LIMIT 1"
_IS_IN = "SELECT 1 FROM log_search WHERE log_search MATCH ? AND rowid = ?"


@dataclass(slots=True)
class Found:
    """Positions and messages of lines that match, the newest first.

    looked  about how many lines were looked at
    before  go on below this position; None at the end
    """

    lines: list[tuple[int, str]]
    looked: int = 0
    before: int | None = None


def find(
    tx: Tx, pattern: LogPattern, condition: Clause, *, since: str | None, before: int | None, limit: int, budget: int
) -> Found:
    """The newest lines that match, below a position.

    condition  on table log
    since      a stored time, for not looking at lines that are older
    budget     lines to look at, about; what is left is for the next call
    """
    top = last_position(tx) + 1 if before is None else before
    low = first_since(tx, since) if since else tx.scalar("SELECT min(position) FROM log")
    found = Found([])
    if low is None:
        return found
    sql, parameters = _candidates(pattern, condition)
    for begin, end, weight in _windows(tx, pattern, low, top):
        for position, message in tx.execute(sql, (begin, end, *parameters)):
            if not pattern.matches(message):
                continue
            found.lines.append((position, message))
            if len(found.lines) == limit:
                found.before = position
                return found
        found.looked += weight
        if found.looked >= budget and begin > low:
            found.before = begin
            return found
    return found


def _windows(tx: Tx, pattern: LogPattern, low: int, top: int) -> Iterator[tuple[int, int, int]]:
    """Ranges of positions in which lines may match, the newest first: begin, end, and how many lines that may be."""
    expression = match_expression(pattern.literals)
    index = read(tx) if tx.settings.log_search_enabled and expression and exists(tx) else Index()
    begin, end = (max(low, edge * LINES_A_BLOCK) for edge in (index.begin, index.end))
    yield from _steps(tx, max(low, end), top)
    if begin < end:
        blocks = tx.execute(_BLOCKS, (expression, begin // LINES_A_BLOCK, (min(end, top) - 1) // LINES_A_BLOCK))
        for (block,) in blocks:
            first = block * LINES_A_BLOCK
            yield max(low, first), min(top, first + LINES_A_BLOCK), LINES_A_BLOCK
    yield from _steps(tx, low, min(top, begin))  # what was brought back from before the index begins


_BLOCKS = """
    SELECT rowid FROM log_search WHERE log_search MATCH ? AND rowid >= ? AND rowid <= ? ORDER BY rowid DESC
"""


def _steps(tx: Tx, low: int, top: int) -> Iterator[tuple[int, int, int]]:
    """Windows over all lines from `low` to below `top`; where lines were deleted there is none."""
    while top > low:
        newest = tx.scalar("SELECT max(position) FROM log WHERE position < ?", (top,))
        if newest is None or newest < low:
            return
        begin = max(low, newest + 1 - LINES_A_WINDOW)
        yield begin, newest + 1, newest + 1 - begin
        top = begin


def first_since(tx: Tx, since: str) -> int | None:
    """The first position from which on a line can be as late as a stored time; None if none is."""
    return tx.scalar("SELECT min(position) FROM log INDEXED BY ix_log__timestamp WHERE timestamp >= ?", (since,))


def _candidates(pattern: LogPattern, condition: Clause) -> tuple[str, list[object]]:
    """The query for the lines of a window; SQLite leaves out most of those that cannot match."""
    likes = [f"%{_escaped(piece)}%" for literal in pattern.literals for piece in _ascii_pieces(literal)]
    clauses = "".join(" AND message LIKE ? ESCAPE '\\'" for _ in likes)
    sql = f"""
        SELECT position, message FROM log NOT INDEXED
        WHERE position >= ? AND position < ? AND {condition.sql}{clauses} ORDER BY position DESC
    """
    return sql, [*condition.parameters, *likes]


def match_expression(literals: Sequence[str]) -> str | None:
    """What the index is asked, to find blocks that may hold all of these texts; None if they are too short for it."""
    trigrams: dict[str, None] = {}
    for literal in literals:
        for piece in _ascii_pieces(literal):
            trigrams.update(dict.fromkeys(piece[start : start + 3].lower() for start in range(len(piece) - 2)))
    if not trigrams:
        return None
    stride = -(-len(trigrams) // _MOST_TRIGRAMS)
    return " AND ".join('"' + trigram.replace('"', '""') + '"' for trigram in list(trigrams)[::stride])


def _ascii_pieces(text: str) -> list[str]:
    """The parts of a text whose upper and lower case SQLite and Python know alike."""
    return [piece for piece in _NOT_ASCII.split(text) if piece]


_NOT_ASCII = re.compile(r"[^\x01-\x7e]+")


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def _write(tx: Tx, index: Index) -> None:
    configurations.put(tx, _STATE, [index.begin, index.end, index.blocks])
