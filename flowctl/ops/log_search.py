"""Searching log messages, and the service that fills the index behind it when there is time.

Storing a line costs nothing more than without the index: it is filled later, in small transactions, and what is not in
it yet is read line by line.  `FLOWCTL_LOG_SEARCH=off` leaves the index alone; searches then read all lines.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from flowctl.db import where
from flowctl.db.clauses import Clause, joined, within
from flowctl.db.columns import encode_time
from flowctl.db.database import Tx
from flowctl.db.queries import log_search as queries
from flowctl.db.tables import logs as table
from flowctl.domain.errors import Refused
from flowctl.domain.filters import Operator
from flowctl.domain.log_search import (
    LogMatch,
    LogPattern,
    LogSearch,
    LogSearchResult,
    LogSearchRun,
    LogSelection,
    parse,
)
from flowctl.domain.logs import Log
from flowctl.ops.steps import Steps

LINES_A_REQUEST = 200_000
"""Lines that one request looks at, about: some 200 ms."""

LINES_A_BATCH, CHARACTERS_A_BATCH = 1024, 200_000
"""What one transaction indexes, about: some 5 ms."""

QUIET_LINES, QUIET_SPAN = 2000, timedelta(seconds=10)
"""While more lines than this come in such a span, the writer is left to those who write them."""

MOST_WAITING = 1_000_000
"""Lines that wait to be indexed: from then on some are at each tick, however many come in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """How far the index is.

    is_on    the file has an index and the settings do not switch it off
    blocks   rows of the index
    waiting  lines, about, that are not in it yet
    """

    is_on: bool
    blocks: int
    waiting: int


def search(tx: Tx, body: LogSearch) -> LogSearchResult:
    """Find the newest lines that match, or as many as a bounded look at the log finds.  Raises Invalid."""
    pattern = parse(body.pattern, regex=body.regex, fixed=body.fixed)
    found = queries.find(
        tx,
        pattern,
        condition(tx, body),
        since=since(body),
        before=body.before,
        limit=body.limit,
        budget=LINES_A_REQUEST,
    )
    matches = _matches(tx, pattern, found.lines, body.context)
    return LogSearchResult(matches=matches, runs=_runs(tx, matches), looked=found.looked, before=found.before)


def status(tx: Tx) -> Status:
    """How far the index is."""
    is_on = tx.settings.log_search_enabled and queries.exists(tx)
    return Status(is_on=is_on, blocks=queries.read(tx).blocks, waiting=queries.waiting(tx) if is_on else 0)


def run_once(tx: Tx) -> int:
    """Index some lines, unless the writer is busy; returns how many, 0 when there is nothing to do for now."""
    if not tx.settings.log_search_enabled or not queries.exists(tx):
        return 0
    waiting = queries.waiting(tx)
    if waiting < queries.LINES_A_BLOCK:
        if queries.is_mostly_stale(tx) and queries.may_restart(tx):
            queries.restart(tx)
            return 1
        return 0
    is_quiet = _is_quiet(tx)
    if not is_quiet and waiting < MOST_WAITING:
        return 0
    done = queries.fill(tx, lines=LINES_A_BATCH, characters=CHARACTERS_A_BATCH)
    return done if is_quiet else 0  # when it is not, one batch a tick


def fill(tx: Tx, *, anew: bool = False) -> Steps[int]:
    """Index all lines that wait, in bounded steps; returns how many.

    anew  empty the index before; raises Refused while there are log lines in the trash
    """
    total = 0
    if anew:
        if not queries.may_restart(tx):
            raise Refused(
                "Runs in the trash have log lines that belong into the index.", remedy="flowctl runs trash empty"
            )
        queries.restart(tx)
        tx = yield 0
    while done := queries.fill(tx, lines=LINES_A_BATCH, characters=CHARACTERS_A_BATCH):
        total += done
        tx = yield done
    return total


def _is_quiet(tx: Tx) -> bool:
    """Whether few lines came lately."""
    position = queries.last_position(tx) - QUIET_LINES
    created = tx.scalar("SELECT created FROM log WHERE position <= ? ORDER BY position DESC LIMIT 1", (position,))
    return created is None or created < encode_time(tx.now - QUIET_SPAN)


def since(body: LogSelection) -> str | None:
    """The stored time before which no line can match; None if there is none."""
    if body.logs is None or body.logs.operator is Operator.or_ or body.logs.timestamp is None:
        return None
    after = body.logs.timestamp.after_
    return encode_time(after) if after else None


def condition(tx: Tx, body: LogSelection) -> Clause:
    """The condition on table log that a line is one of the selection."""
    clauses = [where.log(body.logs)]
    if body.logger:
        has_wildcards = any(character in body.logger for character in "*?[")
        below = body.logger if has_wildcards else f"{body.logger}.*"
        clauses.append(Clause("(log.name = ? OR log.name GLOB ?)", (body.logger, below)))
    if body.flows is not None:
        named = where.flow(body.flows)
        ids = [row[0] for row in tx.execute(f"SELECT id FROM flow WHERE {named.sql}", named.parameters)]
        of_them = within("flow_run.flow_id", ids)
        # looked up for the lines that pass all else: the runs of a flow may be very many
        clauses.append(
            Clause(f"EXISTS (SELECT 1 FROM flow_run WHERE id = log.flow_run_id AND {of_them.sql})", of_them.parameters)
        )
    return joined(clauses)


def _matches(tx: Tx, pattern: LogPattern, lines: Sequence[tuple[int, str]], context: int) -> list[LogMatch]:
    if not lines:
        return []
    positions = within("log.position", [position for position, _ in lines])
    rows = tx.execute(f"{_ENTITY} WHERE {positions.sql}", positions.parameters).fetchall()
    logs = {row[-1]: table.LOG.entity(row, tx.now) for row in rows}
    return [
        LogMatch(
            position=position,
            log=logs[position],
            spans=pattern.spans(message),
            earlier=_neighbours(tx, logs[position], position, context, "<", "DESC")[::-1],
            later=_neighbours(tx, logs[position], position, context, ">", "ASC"),
        )
        for position, message in lines
    ]


_ENTITY = f"SELECT {', '.join(table.LOG.expressions)}, log.position FROM log"


def _neighbours(tx: Tx, log: Log, position: int, count: int, side: str, direction: str) -> list[Log]:
    """Lines of the same run next to a line."""
    if not count or log.flow_run_id is None:
        return []
    sql = f"""
        {_ENTITY} INDEXED BY ix_log__flow_run
        WHERE flow_run_id = ? AND (timestamp, position) {side} (?, ?)
        ORDER BY timestamp {direction}, position {direction} LIMIT ?
    """
    rows = tx.execute(sql, (str(log.flow_run_id), encode_time(log.timestamp), position, count))
    return [table.LOG.entity(row, tx.now) for row in rows]


def _runs(tx: Tx, matches: Sequence[LogMatch]) -> list[LogSearchRun]:
    ids = {str(match.log.flow_run_id) for match in matches if match.log.flow_run_id}
    named = within("flow_run.id", sorted(ids))
    rows = tx.execute(_RUNS.format(named.sql), named.parameters)
    return [
        LogSearchRun(id=UUID(id), name=name, flow_id=UUID(flow_id), flow_name=flow_name)
        for id, name, flow_id, flow_name in rows
    ]


_RUNS = """
    SELECT flow_run.id, flow_run.name, flow_run.flow_id, flow.name
    FROM flow_run LEFT JOIN flow ON flow.id = flow_run.flow_id
    WHERE {} ORDER BY flow_run.id
"""
