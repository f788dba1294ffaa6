"""SQL that a user types: it may read, and nothing else, for so long."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from flowctl.db.database import translated
from flowctl.domain.errors import Invalid, Unusable

_INSTRUCTIONS_BETWEEN_LOOKS = 10_000

_READING = {sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_FUNCTION, sqlite3.SQLITE_RECURSIVE}

_TELLING = frozenset(
    (
        "application_id",
        "auto_vacuum",
        "collation_list",
        "compile_options",
        "database_list",
        "encoding",
        "foreign_key_check",
        "foreign_key_list",
        "freelist_count",
        "function_list",
        "index_info",
        "index_list",
        "index_xinfo",
        "integrity_check",
        "journal_mode",
        "page_count",
        "page_size",
        "pragma_list",
        "quick_check",
        "schema_version",
        "table_info",
        "table_list",
        "table_xinfo",
        "user_version",
    )
)
"""Pragmas that tell something."""

_TABLES = "flowctl db query 'SELECT sql FROM sqlite_master' to see what there is"


class TimedOut(Exception):
    """The query took longer than it may."""


@dataclass(frozen=True, slots=True)
class Answer:
    """Names of the columns, and the rows."""

    columns: list[str]
    rows: list[tuple[object, ...]]


def ask(path: Path, sql: str, parameters: Sequence[object] = (), *, seconds: float) -> Answer:
    """Run one statement that reads.

    Raises Invalid for SQL that cannot be read and for a statement that does more than read, Unusable for a file that
    cannot be opened, TimedOut.
    """
    if not path.is_file():
        raise Unusable(f"{path} is not there.", remedy="flowctl db init")
    end = time.monotonic() + seconds
    refused: list[str] = []

    def authorize(action: int, first: str | None, second: str | None, _database: str | None, _inner: str | None) -> int:
        if action in _READING or (action == sqlite3.SQLITE_PRAGMA and first in _TELLING and not _sets(first, second)):
            return sqlite3.SQLITE_OK
        refused.append(sql)
        return sqlite3.SQLITE_DENY

    with translated(path), closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as conn:
        conn.execute("PRAGMA query_only = 1")
        conn.execute("PRAGMA temp_store = MEMORY")
        conn.set_authorizer(authorize)
        conn.set_progress_handler(lambda: time.monotonic() > end, _INSTRUCTIONS_BETWEEN_LOOKS)
        try:
            cursor = conn.execute(sql, tuple(parameters))
            rows = cursor.fetchall()
        except (sqlite3.Error, sqlite3.Warning) as error:
            if refused:
                raise Invalid("Only what reads may be asked here.", remedy="flowctl db query 'SELECT …'") from error
            if getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_INTERRUPT:
                raise TimedOut from error
            if isinstance(error, sqlite3.OperationalError) and error.sqlite_errorcode != sqlite3.SQLITE_ERROR:
                raise
            raise Invalid(f"SQLite cannot answer that: {error}.", remedy=_TABLES) from error
    return Answer([column[0] for column in cursor.description or ()], rows)


def _sets(name: str, argument: str | None) -> bool:
    """Whether a pragma's argument is a value to set, rather than what to tell about."""
    about = name.endswith(("_info", "_xinfo", "_list", "_check"))
    return argument is not None and not about
