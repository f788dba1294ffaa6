"""Log lines one page after the other, in bounded requests, and how many there are of which kind."""

from __future__ import annotations

from uuid import UUID

from flowctl.db.database import Tx
from flowctl.db.queries import log_search as queries
from flowctl.db.tables.logs import LOG
from flowctl.domain.log_export import LogCount, LogPage, LogRead
from flowctl.domain.log_search import LogSelection
from flowctl.ops import log_search

LINES_A_REQUEST = 50_000
"""Lines that one request looks at."""


def read(tx: Tx, body: LogRead) -> LogPage:
    """Read the next lines of a selection."""
    condition = log_search.condition(tx, body)
    last = queries.last_position(tx)
    after = body.after
    since = log_search.since(body)
    if since and (first := queries.first_since(tx, since)):
        after = max(after, first - 1)
    end = after + LINES_A_REQUEST
    rows = tx.execute(_PAGE.format(condition.sql), (after, end, *condition.parameters, body.limit)).fetchall()
    lines = [LOG.entity(row, tx.now) for row in rows]
    reached = int(rows[-1][-1]) if len(rows) == body.limit else end
    return LogPage(lines=lines, after=reached if reached < last else None, last=last)


_PAGE = f"""
    SELECT {", ".join(LOG.expressions)}, log.position FROM log NOT INDEXED
    WHERE position > ? AND position <= ? AND {{}} ORDER BY position LIMIT ?
"""


def count(tx: Tx, body: LogSelection) -> list[LogCount]:
    """Count the lines of a selection by day, level and flow run; all of them are looked at."""
    condition = log_search.condition(tx, body)
    rows = tx.execute(_COUNT.format(condition.sql), condition.parameters)
    return [
        LogCount(day=day, level=level, flow_run_id=run and UUID(run), lines=lines, size=size)
        for day, level, run, lines, size in rows
    ]


_COUNT = """
    SELECT substr(timestamp, 1, 10), level, flow_run_id, count(*), sum(length(CAST(message AS BLOB)))
    FROM log WHERE {} GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
"""
