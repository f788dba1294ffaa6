"""Database and Tx: connections, transactions, and what a transaction carries.

One SQLite file in WAL mode.  A write is `BEGIN IMMEDIATE`: the lock is taken before anything is read, so a decision and
what follows from it are one step, for every process that opens the file.  Foreign keys are not enforced by SQLite: the
ops check what they refer to inside the same transaction, and deletes take children along in bounded batches, which
`ON DELETE CASCADE` cannot.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from queue import Empty, LifoQueue
from typing import TYPE_CHECKING, Any, TypeVar
from uuid import UUID

from flowctl.db import migrate
from flowctl.domain.errors import INTEGRITY, Busy, Conflict, FlowctlError, Unusable
from flowctl.settings import Settings

if TYPE_CHECKING:
    from flowctl.domain.events import ReceivedEvent

T = TypeVar("T")

_PAGES_A_CHECKPOINT = 4000
"""Some 16 MB of WAL: pages that are written again and again are copied into the database a quarter as often."""


class Tx:
    """An open transaction: SQL, the instant it happens at, fresh ids, and the events it has emitted so far."""

    __slots__ = ("_last_id", "conn", "emitted", "is_discarded", "now", "settings")

    def __init__(self, conn: sqlite3.Connection, settings: Settings, now: datetime | None = None) -> None:
        self.conn = conn
        self.settings = settings
        self.now = now or datetime.now(UTC)
        """UTC; the same for everything in this transaction."""
        self.emitted: list[ReceivedEvent] = []
        """Events written by this transaction, to be told to listeners after its commit."""
        self.is_discarded = False
        self._last_id = 0

    def execute(self, sql: str, parameters: Sequence[object] | dict[str, object] = ()) -> sqlite3.Cursor:
        """Run one statement.  A broken uniqueness rule is a Conflict."""
        try:
            return self.conn.execute(sql, parameters)
        except sqlite3.IntegrityError as error:
            raise integrity_conflict(error) from error

    def executemany(self, sql: str, parameters: Sequence[Sequence[object]]) -> sqlite3.Cursor:
        """Run one statement for each row of parameters.  A broken uniqueness rule is a Conflict."""
        try:
            return self.conn.executemany(sql, parameters)
        except sqlite3.IntegrityError as error:
            raise integrity_conflict(error) from error

    def scalar(self, sql: str, parameters: Sequence[object] | dict[str, object] = ()) -> Any:
        """First column of the first row, or None."""
        row = self.conn.execute(sql, parameters).fetchone()
        return None if row is None else row[0]

    def discard(self) -> None:
        """Let nothing stay of what this transaction has written and will write: it only shows what would happen."""
        self.is_discarded = True

    def new_id(self) -> UUID:
        """A random id (UUID version 4)."""
        return UUID(bytes=os.urandom(16), version=4)

    def new_time_id(self) -> UUID:
        """An id that sorts by time (UUID version 7), for states, events and task runs.

        Ids of one transaction ascend in the order in which they were asked for.
        """
        noise = int.from_bytes(os.urandom(9), "big")
        ticks = (int(self.now.timestamp() * 1000) << 12) | (noise & 0x3FF)
        self._last_id = ticks = max(ticks, self._last_id + 1)
        milliseconds, sequence = ticks >> 12, ticks & 0xFFF
        return UUID(int=(milliseconds << 80) | (7 << 76) | (sequence << 64) | (2 << 62) | (noise >> 10))


class Database:
    """A SQLite file, opened, checked and migrated.

    path       the file; its directory is made when missing
    read_only  never write, not even to create or to upgrade
    clock      gives the `now` of each transaction; tests set it

    Raises Unusable when the file is not flowctl's, has a newer schema, is damaged or must not be written.
    """

    def __init__(
        self,
        path: Path,
        settings: Settings | None = None,
        *,
        read_only: bool = False,
        clock: Callable[[], datetime] | None = None,
    ) -> None:
        self.path = path
        self.settings = settings or Settings()
        self.read_only = read_only
        self.clock: Callable[[], datetime] = clock or _utc_now
        self._idle: LifoQueue[sqlite3.Connection] = LifoQueue()
        with translated(path):
            if not read_only:
                path.parent.mkdir(parents=True, exist_ok=True)
            conn = self.connect()
            try:
                migrate.ensure_schema(conn, path, read_only=read_only or not os.access(path, os.W_OK))
            except BaseException:
                conn.close()
                raise
            self._idle.put(conn)

    def connect(self) -> sqlite3.Connection:
        """Open a connection with flowctl's pragmas; the caller closes it."""
        uri = f"{self.path.absolute().as_uri()}?mode={'ro' if self.read_only else 'rwc'}"
        conn = sqlite3.connect(
            uri,
            uri=True,
            isolation_level=None,
            check_same_thread=False,
            timeout=self.settings.busy_timeout,
            cached_statements=512,
        )
        conn.execute(f"PRAGMA synchronous = {self.settings.synchronous}")
        conn.execute("PRAGMA temp_store = MEMORY")
        conn.execute("PRAGMA cache_size = -16000")  # KiB
        return conn

    @contextmanager
    def read(self) -> Generator[Tx]:
        """A snapshot to read from; never blocked by writers.  Anything written in it is rolled back."""
        conn = self._take()
        try:
            with translated(self.path):
                conn.execute("BEGIN")
                try:
                    yield Tx(conn, self.settings, self.clock())
                finally:
                    conn.execute("ROLLBACK")
        finally:
            self._idle.put(conn)

    @contextmanager
    def write(self) -> Generator[Tx]:
        """A transaction that holds the write lock from its first instant; commits at the end, or undoes everything.

        It does so after an error, and when it was discarded.

        Raises Busy when another process keeps the lock longer than `busy_timeout`.
        """
        conn = self._take()
        try:
            with translated(self.path):
                conn.execute("BEGIN IMMEDIATE")
                try:
                    tx = Tx(conn, self.settings, self.clock())
                    yield tx
                    if not tx.is_discarded:
                        conn.execute("COMMIT")
                finally:
                    if conn.in_transaction:
                        conn.execute("ROLLBACK")
        finally:
            self._idle.put(conn)

    def writer(self) -> Writer:
        """A connection for one thread that commits many writes together."""
        return Writer(self)

    def close(self) -> None:
        """Close the idle connections."""
        while True:
            try:
                self._idle.get_nowait().close()
            except Empty:
                return

    def _take(self) -> sqlite3.Connection:
        try:
            return self._idle.get_nowait()
        except Empty:
            return self.connect()


class Writer:
    """Group commit: `begin`, then `run` any number of writes, each undone alone if it raises, then `commit`.

    The first write of a group needs no SAVEPOINT: undoing it is undoing the group.  Not for more than one thread.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._conn = database.connect()
        self._conn.execute("PRAGMA journal_mode = WAL")  # a backup that was put here by hand has another
        self._conn.execute(f"PRAGMA wal_autocheckpoint = {_PAGES_A_CHECKPOINT}")
        self._is_empty = True

    @property
    def in_transaction(self) -> bool:
        """Whether the group is still open: SQLite itself ends it when the disk is full or memory runs out."""
        return self._conn.in_transaction

    def begin(self) -> None:
        """Take the write lock.  Raises Busy when another process keeps it longer than `busy_timeout`."""
        with translated(self._database.path):
            self._conn.execute("BEGIN IMMEDIATE")
            self._is_empty = True

    def run(self, work: Callable[[Tx], T]) -> tuple[T, Tx]:
        """Do one write of the group; returns its result and its Tx, whose events may be told after `commit`."""
        tx = Tx(self._conn, self._database.settings, self._database.clock())
        with translated(self._database.path):
            if not self._is_empty:
                self._conn.execute("SAVEPOINT job")
            try:
                result = work(tx)
            except BaseException:
                self._undo()
                raise
            if tx.is_discarded:
                self._undo()
                tx.emitted.clear()
                return result, tx
            if not self._is_empty:
                self._conn.execute("RELEASE job")
            self._is_empty = False
            return result, tx

    def _undo(self) -> None:
        """Undo the last write of the group."""
        if self._conn.in_transaction:
            for statement in ("ROLLBACK", "BEGIN IMMEDIATE") if self._is_empty else ("ROLLBACK TO job", "RELEASE job"):
                self._conn.execute(statement)

    def commit(self) -> None:
        """Make the group durable; after an error nothing of it is."""
        with translated(self._database.path):
            self._conn.execute("COMMIT")

    def rollback(self) -> None:
        """Undo the whole group."""
        if self._conn.in_transaction:
            self._conn.execute("ROLLBACK")

    def close(self) -> None:
        """Close the connection."""
        self._conn.close()


def integrity_conflict(error: sqlite3.IntegrityError) -> Conflict:
    """The Conflict that stands for a broken constraint (Prefect answers 409 with this sentence)."""
    conflict = Conflict(INTEGRITY)
    conflict.add_note(str(error))
    return conflict


def is_locked(error: BaseException) -> bool:
    """Whether SQLite refused something because somebody else holds the database."""
    if not isinstance(error, sqlite3.OperationalError):
        return False
    name = getattr(error, "sqlite_errorname", None) or ""
    return name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")) or "database is locked" in error.args


@contextmanager
def translated(path: Path) -> Generator[None]:
    """Turn SQLite's errors that a user can mend into flowctl's."""
    try:
        yield
    except sqlite3.OperationalError as error:
        raise _explain(error, path) from error
    except sqlite3.DatabaseError as error:
        if error.sqlite_errorcode in (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT):
            raise _explain(error, path) from error
        raise
    except PermissionError as error:
        raise Unusable(f"{path} cannot be opened: {error.strerror}.", remedy="choose another file with --db") from error


def _explain(error: sqlite3.DatabaseError, path: Path) -> FlowctlError | sqlite3.DatabaseError:
    code = (getattr(error, "sqlite_errorcode", None) or 0) & 0xFF
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return Busy(f"Another process is writing to {path}.", remedy="try again, or wait longer with --wait-lock 30s")
    if code == sqlite3.SQLITE_NOTADB:
        return Unusable(f"{path} is not a SQLite database.", remedy="choose another file with --db")
    if code == sqlite3.SQLITE_CORRUPT:
        return Unusable(
            f"{path} is damaged: {error}.", remedy="restore a backup, or recover it with `sqlite3 FILE .recover`"
        )
    if code in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM):
        return Unusable(
            f"{path} cannot be written.", remedy="check the file's permissions, or choose another with --db"
        )
    if code == sqlite3.SQLITE_CANTOPEN:
        return Unusable(
            f"{path} cannot be opened.", remedy="check the path and its permissions, or choose another with --db"
        )
    if code in (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR):
        return Unusable(f"Writing to {path} failed: {error}.", remedy="free some disk space and try again")
    return error


def _utc_now() -> datetime:
    return datetime.now(UTC)
