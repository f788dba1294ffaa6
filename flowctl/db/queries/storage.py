"""Where the bytes of a file are, what is in it, and how it grows."""

from __future__ import annotations

import sqlite3
from typing import NamedTuple

from flowctl.db.database import Tx


class TableSize(NamedTuple):
    """A table with its indices."""

    name: str
    rows: int
    size: int


class Day(NamedTuple):
    """What began on one day (UTC)."""

    day: str
    flow_runs: int
    task_runs: int
    log_lines: int


_BEGINNINGS = {
    "flow_run": ("coalesce(start_time, expected_start_time)", "ix_flow_run__start"),
    "task_run": ("expected_start_time", "ix_task_run__expected"),
    "log": ("timestamp", "ix_log__timestamp"),
}
"""Table -> the time at which a row's thing began, and the index that holds it."""


def table_sizes(tx: Tx) -> list[TableSize]:
    """All tables that have rows, the largest first; every page of the file is read for it.

    Where this SQLite cannot tell sizes, they are estimated by some rows of each table.
    """
    names = [str(name) for (name,) in tx.execute(_TABLES)]
    rows = {name: int(tx.scalar(f'SELECT count(*) FROM "{name}"')) for name in names}
    try:
        sizes = {str(name): int(size) for name, size in tx.execute(_SIZES)}
    except sqlite3.OperationalError:
        sizes = {name: rows[name] * _row_size(tx, name) for name in names}
    parts = {str(part): str(whole) for part, whole in tx.execute(_PARTS)}
    found = [TableSize(name, rows[name], sizes.get(name, 0)) for name in names if rows[name] and name not in parts]
    for whole in set(parts.values()):
        own = [part for part in names if parts.get(part) == whole]
        found.append(TableSize(whole, sum(rows[part] for part in own), sum(sizes.get(part, 0) for part in own)))
    return sorted(found, key=lambda table: (-table.size, table.name))


def runs_by_state(tx: Tx) -> dict[str, int]:
    """How many flow runs are in a state of each name."""
    rows = tx.execute(
        "SELECT state_name, count(*) FROM flow_run WHERE state_name IS NOT NULL GROUP BY 1 ORDER BY 2 DESC, 1"
    )
    return dict(rows.fetchall())


def days(tx: Tx, since: str, until: str) -> list[Day]:
    """What began on each day between two days, both included; days without anything are left out."""
    counts: dict[str, dict[str, int]] = {}
    for table, (moment, index) in _BEGINNINGS.items():
        sql = f"""
            SELECT substr({moment}, 1, 10), count(*) FROM {table} INDEXED BY {index}
            WHERE {moment} >= ? AND {moment} < ? GROUP BY 1
        """
        for day, count in tx.execute(sql, (since, until + "~")):
            counts.setdefault(str(day), {})[table] = int(count)
    return [Day(day, *(counts[day].get(table, 0) for table in _BEGINNINGS)) for day in sorted(counts)]


def busiest_minute(tx: Tx, since: str, until: str) -> tuple[str, int] | None:
    """The minute between two stored times in which most runs and task runs began, and how many; None if none did."""
    counts: dict[str, int] = {}
    for table in ("flow_run", "task_run"):
        moment, index = _BEGINNINGS[table]
        sql = f"""
            SELECT substr({moment}, 1, 16), count(*) FROM {table} INDEXED BY {index}
            WHERE {moment} >= ? AND {moment} < ? GROUP BY 1
        """
        for minute, count in tx.execute(sql, (since, until)):
            counts[str(minute)] = counts.get(str(minute), 0) + int(count)
    return max(counts.items(), key=lambda item: item[1], default=None)


# a virtual table has no root page: what it stores is in tables of its own
_TABLES = """
    SELECT name FROM sqlite_master
    WHERE type = 'table' AND rootpage AND substr(name, 1, 7) <> 'sqlite_' AND substr(name, 1, 1) <> '_'
"""

_PARTS = """
    SELECT part.name, whole.name
    FROM sqlite_master AS whole
    JOIN sqlite_master AS part ON substr(part.name, 1, length(whole.name) + 1) = whole.name || '_'
    WHERE whole.type = 'table' AND NOT whole.rootpage AND part.type = 'table'
"""

_SIZES = """
    SELECT sqlite_master.tbl_name, sum(dbstat.pgsize)
    FROM dbstat
    JOIN sqlite_master ON sqlite_master.name = dbstat.name
    WHERE dbstat.aggregate = 1
    GROUP BY 1
"""

_SAMPLE = 200

_WITH_INDICES = 2.0
"""How much larger a table is than its rows alone, about."""


def _row_size(tx: Tx, table: str) -> int:
    """About how many bytes a row takes, by the first and the last rows."""
    columns = [str(row[1]) for row in tx.execute(f'PRAGMA table_info("{table}")')]
    length = " + ".join(f'coalesce(length(CAST("{column}" AS BLOB)), 0) + 1' for column in columns)
    half = f'SELECT * FROM (SELECT {length} AS bytes FROM "{table}" ORDER BY rowid {{}} LIMIT {_SAMPLE})'
    try:
        average = tx.scalar(f"SELECT avg(bytes) FROM ({half.format('')} UNION ALL {half.format('DESC')})")
    except sqlite3.OperationalError:  # a table without rowid
        average = tx.scalar(f'SELECT avg(bytes) FROM (SELECT {length} AS bytes FROM "{table}" LIMIT {_SAMPLE})')
    return round((average or 0.0) * _WITH_INDICES)
