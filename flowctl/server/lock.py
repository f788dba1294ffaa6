"""The server's lock: an advisory lock on a file beside the database, which says who serves it.

The lock ends with the process, however it ends; the file stays, and is believed only while it is locked.
"""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import IO, Any, Self

from flowctl.domain.errors import Busy
from flowctl.processes import look_up

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None


class ServerLock:
    """Held by the one server that writes to a database.  Raises Busy when another one holds it."""

    def __init__(self, database: Path) -> None:
        self.path = lock_path(database)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._file = self.path.open("a+", encoding="utf-8")
        is_ours = False
        for _ in range(_TRIES):  # whoever asks who serves holds it for an instant
            if is_ours := _try_lock(self._file):
                break
            time.sleep(_POLL_SECONDS)
        if not is_ours:
            self._file.close()
            who = serving(database)
            at = f" at {who['url']} (process {who['pid']})" if who else ""
            raise Busy(
                f"Another server already serves {database}{at}.",
                remedy=f"export PREFECT_API_URL={who['api']}" if who else "choose another file with --db",
            )
        self.announce()

    def announce(self, **facts: object) -> None:
        """Write who serves: its process, and once it does url, api and the arguments that it was started with."""
        self._file.seek(0)
        self._file.truncate()
        own = look_up(os.getpid())
        started = own.started.isoformat() if own else None
        json.dump({"pid": os.getpid(), "started": started, **facts}, self._file)
        self._file.flush()

    def release(self) -> None:
        """Let go of it."""
        self._file.seek(0)
        self._file.truncate()
        self._file.close()


def found(database: Path, patience: float) -> dict[str, Any] | None:
    """As `serving`, but wait for a server that is starting, so many seconds.  Raises Busy."""
    end = time.monotonic() + patience
    while (who := serving(database)) is None:
        if (starting := holder(database)) is None:
            return None
        if time.monotonic() > end:
            raise Busy(f"The server that starts on {database} (process {starting['pid']}) does not become ready.")
        time.sleep(_POLL_SECONDS)
    return who


_POLL_SECONDS = 0.05
_TRIES = 4


class Users:
    """Says that this process uses the server of a database, whoever has started it.

    One that started a server for a while thus knows when nobody else needs it any more.  Does nothing on Windows.
    """

    def __init__(self, database: Path) -> None:
        self._path = database.with_name(database.name + ".users")

    def __enter__(self) -> Self:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._file = self._path.open("a")
        if fcntl is not None:
            fcntl.flock(self._file, fcntl.LOCK_SH)
        return self

    def __exit__(self, *_error: object) -> None:
        self._file.close()

    def wait_for_others(self) -> None:
        """Wait until no other process uses the server."""
        if fcntl is not None:
            fcntl.flock(self._file, fcntl.LOCK_EX)


def lock_path(database: Path) -> Path:
    """The file of a database's lock."""
    return database.with_name(database.name + ".server")


def serving(database: Path) -> dict[str, Any] | None:
    """Who serves a database now (pid, url, api), or None, also while a server is starting."""
    found = holder(database)
    return {name: found[name] for name in ("pid", "url", "api")} if found and "api" in found else None


def holder(database: Path) -> dict[str, Any] | None:
    """All that the server of a database told, ready or not: pid, started; url, api, arguments.  None without one."""
    try:
        with lock_path(database).open("r+", encoding="utf-8") as file:
            if _try_lock(file):
                return None
            return json.load(file)
    except (OSError, ValueError):
        return None


def _try_lock(file: IO[str]) -> bool:
    try:
        if fcntl is not None:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        else:
            import msvcrt  # noqa: PLC0415 - Windows only

            file.seek(1 << 30)  # beyond the text, which others may read while it is locked
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)  # pyright: ignore - only there on Windows
    except OSError:
        return False
    return True
