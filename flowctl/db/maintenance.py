"""Room inside the file: how much is free, and giving it back to the disk, by and by or by writing the file anew.

Files that flowctl makes have `auto_vacuum = INCREMENTAL`: free pages can be given back some at a time, for 2-3 % of
the CPU of a write.  In others the whole file must be written anew, once, which brings them to this as well.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass

from flowctl.db.database import Database, Tx, translated

PAGES_A_STEP = 250
"""Pages that one transaction gives back: some 5 ms."""

_INCREMENTAL = 2


@dataclass(frozen=True, slots=True)
class Room:
    """Bytes of a file.

    size            all
    free            in pages that hold nothing
    is_incremental  whether free pages can be given back without writing the file anew
    """

    size: int
    free: int
    page_size: int
    is_incremental: bool

    @property
    def used(self) -> int:
        """Bytes in pages that hold something."""
        return self.size - self.free


def room(tx: Tx) -> Room:
    """The room in the file, as this transaction sees it."""
    names = ("page_count", "freelist_count", "page_size", "auto_vacuum")
    pages, free, page_size, mode = (int(tx.scalar(f"PRAGMA {name}")) for name in names)
    return Room(pages * page_size, free * page_size, page_size, mode == _INCREMENTAL)


def give_back(tx: Tx, pages: int = PAGES_A_STEP) -> int:
    """Give some free pages back to the disk; returns how many: none if the file is not incremental."""
    before: int = tx.scalar("PRAGMA page_count")
    tx.execute(f"PRAGMA incremental_vacuum({pages})").fetchall()
    return before - int(tx.scalar("PRAGMA page_count"))


def checkpoint(database: Database) -> None:
    """Copy what is in the log (WAL) into the file, as far as others let it, so that the file gets its true size."""
    with translated(database.path), closing(database.connect()) as conn:
        conn.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()  # the other kinds keep writers waiting


def rewrite(database: Database, tick: Callable[[], None]) -> None:
    """Write the whole file anew, without gaps, and incremental from now on; nobody else can write meanwhile.

    tick  called now and then
    Raises Busy, and Unusable when the disk is full.
    """

    def keep_on() -> int:
        tick()
        return 0

    with translated(database.path), closing(database.connect()) as conn:
        conn.set_progress_handler(keep_on, 1_000_000)
        conn.execute(f"PRAGMA auto_vacuum = {_INCREMENTAL}")
        conn.execute("PRAGMA temp_store = FILE")  # the copy shall not be made in memory
        conn.execute("VACUUM")
        conn.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
