"""Log lines, many at a time: lists, and a flow run's whole log as CSV."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from uuid import UUID

from flowctl.db.columns import Rows
from flowctl.db.database import Tx
from flowctl.db.queries import lists
from flowctl.domain.log_filters import LogFilter, LogSort
from flowctl.domain.logs import Log

LINES_A_CHUNK = 1000

CSV_HEADER = "timestamp,level,flow_run_id,task_run_id,message\r\n"


def find(tx: Tx, filter: LogFilter | None, *, sort: LogSort, limit: int, offset: int) -> Rows[Log]:
    """List log lines that match, by time; those of one instant as they came.

    source  Prefect: POST /logs/filter
    """
    return lists.logs(tx, filter, sort, limit, offset)


@dataclass(frozen=True, slots=True)
class Chunk:
    """Some lines of a log as CSV text, and where to go on; `after` is None behind the last one."""

    text: str
    after: tuple[str, int] | None


def csv_chunk(tx: Tx, flow_run_id: UUID, after: tuple[str, int] | None = None) -> Chunk:
    """The next lines of a flow run's log, oldest first, without the header.

    after   `Chunk.after` of the chunk before
    source  Prefect: GET /flow_runs/{id}/logs/download
    """
    rows = tx.execute(_NEXT_LINES, (str(flow_run_id), *(after or ("", 0)), LINES_A_CHUNK)).fetchall()
    text = io.StringIO()
    writer = csv.writer(text)
    for timestamp, _, level, task_run_id, message in rows:
        # as Python writes the time: a fraction only if there is one
        moment = timestamp.removesuffix(".000000") + "+00:00"
        writer.writerow((moment, level, flow_run_id, task_run_id, message))
    return Chunk(text.getvalue(), rows[-1][:2] if len(rows) == LINES_A_CHUNK else None)


_NEXT_LINES = """
    SELECT timestamp, rowid, level, task_run_id, message
    FROM log INDEXED BY ix_log__flow_run
    WHERE flow_run_id = ? AND (timestamp, rowid) > (?, ?)
    ORDER BY timestamp, rowid
    LIMIT ?
"""
