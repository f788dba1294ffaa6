"""Reading log lines from the database file."""

from __future__ import annotations

import json
from typing import Any

from flowctl.cli import moments
from flowctl.cli.log_lines import LogQuery
from flowctl.db.database import Database, Tx
from flowctl.db.tables.logs import LOG


class Logs:
    """Log lines in the API's shape, oldest first."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._position = 0
        """Up to where the log was followed."""

    def find(self, query: LogQuery, *, head: int | None = None, tail: int | None = None) -> list[dict[str, Any]]:
        """Lines, all or only the first or the last few."""
        with self._database.read() as tx:
            return _find(tx, query, head=head, tail=tail)

    def begin(self, query: LogQuery, *, tail: int | None = None) -> list[dict[str, Any]]:
        """Lines, all or only the last few; `more` goes on behind them."""
        with self._database.read() as tx:
            self._position = tx.scalar("SELECT max(rowid) FROM log") or 0
            return _find(tx, query, tail=tail)

    def more(self, query: LogQuery) -> list[dict[str, Any]]:
        """Lines that have been stored since the last call of this or of `begin`."""
        conditions, parameters = _conditions(query)
        with self._database.read() as tx:
            last: int = tx.scalar("SELECT max(rowid) FROM log") or 0
            position = min(self._position, last)  # rowids begin again where lines at the end were deleted
            where = " AND ".join(["log.rowid > ?", *(_unindexed(condition) for condition in conditions)])
            rows = LOG.rows(tx, f"WHERE {where} ORDER BY timestamp, log.rowid", [position, *parameters])
            self._position = last
            return rows.wire(json.loads)


def _find(tx: Tx, query: LogQuery, *, head: int | None = None, tail: int | None = None) -> list[dict[str, Any]]:
    conditions, parameters = _conditions(query)
    where = f"WHERE {' AND '.join(conditions)}" if conditions else ""
    if tail is not None:
        order, limit = "ORDER BY timestamp DESC, log.rowid DESC", tail
    else:
        order, limit = "ORDER BY timestamp, log.rowid", -1 if head is None else head
    lines = LOG.rows(tx, f"{where} {order} LIMIT ?", [*parameters, limit]).wire(json.loads)
    return lines[::-1] if tail is not None else lines


def _conditions(query: LogQuery) -> tuple[list[str], list[object]]:
    conditions: list[str] = []
    parameters: list[object] = []
    if query.run_ids:
        conditions.append(f"flow_run_id IN ({', '.join('?' * len(query.run_ids))})")
        parameters += query.run_ids
    if query.flow_ids:
        marks = ", ".join("?" * len(query.flow_ids))
        conditions.append(f"flow_run_id IN (SELECT id FROM flow_run WHERE flow_id IN ({marks}))")
        parameters += query.flow_ids
    if query.level:
        conditions.append("level >= ?")
        parameters.append(query.level)
    if query.since:
        conditions.append("timestamp >= ?")
        parameters.append(moments.stored(query.since))
    return conditions, parameters


def _unindexed(condition: str) -> str:
    """The condition kept from choosing an index: what is new is few lines at the end of the table."""
    return f"+{condition}"
