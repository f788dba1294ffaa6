"""Copies of a database file while it is in use, and putting one in the place of another.

In WAL mode a copy is made from one snapshot, which no writer waits for and none disturbs: SQLite's backup would begin
again after each commit of another process otherwise.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Generator
from contextlib import closing, contextmanager
from pathlib import Path

from flowctl.db import migrate
from flowctl.db.database import translated
from flowctl.domain.errors import Busy, Unusable

_PAGES_A_STEP = 500
"""Some 2 MB."""

_SIDE_FILES = ("-wal", "-shm")


def schema_version(path: Path) -> int:
    """The schema version of a database file.  Raises Unusable if it is not one of flowctl's, or of a newer one."""
    with _reading(path) as conn:
        version = migrate.check(conn, path)
        if version == 0:
            raise Unusable(f"{path} is empty.", remedy="choose another file")
        return version


def size(path: Path) -> int:
    """Bytes of the database in a file, with what only its log (WAL) has so far."""
    with _reading(path) as conn:
        pages, page_size = (conn.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_count", "page_size"))
        return pages * page_size


def copy(source: Path, target: Path, progress: Callable[[int], None]) -> None:
    """Copy a database, as it is at this moment, into a new file; safe on disk when this returns.

    progress  called with the number of pages that were copied since the last call
    Raises Unusable.
    """
    copied = 0

    def tell(_status: int, remaining: int, total: int) -> None:
        nonlocal copied
        progress(total - remaining - copied)
        copied = total - remaining

    with _reading(source) as conn, translated(target), closing(sqlite3.connect(target)) as copy:
        if conn.execute("PRAGMA journal_mode").fetchone()[0] == "wal":
            conn.execute("BEGIN")
            conn.execute("SELECT 1 FROM sqlite_master").fetchone()  # from here on the snapshot is held
        conn.backup(copy, pages=_PAGES_A_STEP, progress=tell, sleep=0.05)
        copy.execute("PRAGMA journal_mode = DELETE")  # one file, which can be read where nothing can be written


def problems(path: Path, *, quick: bool = False) -> list[str]:
    """What SQLite finds wrong with a file's structure; nothing if it is sound.

    quick  leave out the comparison of indices with their tables
    Raises Unusable if it cannot be read at all.
    """
    pragma = "quick_check" if quick else "integrity_check"
    with _reading(path) as conn:
        found = [str(row[0]) for row in conn.execute(f"PRAGMA {pragma}")]
    return [] if found == ["ok"] else found


def replace(database: Path, copy: Path, kept: Path) -> None:
    """Put a copy in the place of a database, which is kept under another name.

    Raises Busy if somebody has the database open.
    """
    with translated(copy), closing(sqlite3.connect(copy)) as conn:
        conn.execute("PRAGMA journal_mode = WAL")
    if database.exists():
        with translated(database), closing(sqlite3.connect(database, timeout=1)) as conn:
            conn.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        if side_files(database):  # the last one to close a database removes them
            raise Busy(f"Another process has {database} open.", remedy="end it, or restore beside it with --to PATH")
        database.rename(kept)
    os.replace(copy, database)


def side_files(database: Path) -> list[Path]:
    """The files that SQLite keeps beside a database that is open, or was not closed."""
    named = (database.with_name(database.name + suffix) for suffix in _SIDE_FILES)
    return [path for path in named if path.exists()]


@contextmanager
def _reading(path: Path) -> Generator[sqlite3.Connection]:
    with translated(path), closing(_connect(path)) as conn:
        yield conn


def _connect(path: Path) -> sqlite3.Connection:
    if not path.is_file():
        raise Unusable(f"{path} is not there.", remedy="check the path")
    return sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, isolation_level=None)
