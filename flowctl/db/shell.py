"""A SQL shell on the database file: SQLite's own where it is installed, else a small one of Python's."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
from code import InteractiveConsole
from contextlib import closing, suppress
from pathlib import Path

from flowctl.db.database import translated
from flowctl.domain.errors import Unusable

_BUSY_SECONDS = 5


def run(path: Path, *, write: bool) -> int:
    """Let the user type SQL until the input ends; the shell's exit code.

    write  the statements may change the database
    Raises Unusable for a file that is not there.
    """
    if not path.is_file():
        raise Unusable(f"{path} is not there.", remedy="flowctl db init")
    program = shutil.which("sqlite3")
    if program is None:
        return _python(path, write=write)
    only_reads = () if write else ("-readonly",)
    sys.stdout.flush()
    # SQLite's shell ends by itself at an interrupt, or goes on where it is interactive: both are its own affair.
    with subprocess.Popen([program, *only_reads, "-cmd", f".timeout {_BUSY_SECONDS * 1000}", os.fspath(path)]) as shell:
        while True:
            try:
                return shell.wait()
            except KeyboardInterrupt:
                continue


def _python(path: Path, *, write: bool) -> int:
    """The same, with Python's SQLite."""
    uri = f"{path.absolute().as_uri()}?mode={'rw' if write else 'ro'}"
    with (
        translated(path),
        closing(sqlite3.connect(uri, uri=True, timeout=_BUSY_SECONDS, isolation_level=None)) as conn,
    ):
        conn.execute("PRAGMA foreign_keys = 1")
        console = _Console(conn)
        if sys.stdin.isatty():
            with suppress(SystemExit):
                console.interact(f"SQLite {sqlite3.sqlite_version} on {path}; .quit ends.", "")
            return 0
        return console.run_all(sys.stdin.read())


class _Console(InteractiveConsole):
    """Reads statements up to their semicolon, and prints their rows as SQLite's shell does: columns parted by `|`."""

    def __init__(self, conn: sqlite3.Connection) -> None:
        super().__init__()
        self._conn = conn

    def raw_input(self, prompt: str = "") -> str:
        return super().raw_input("sqlite> " if prompt == ">>> " else "   ...> " if prompt == "... " else prompt)

    def runsource(self, source: str, filename: str = "", symbol: str = "") -> bool:
        """Run a statement; True as long as it is not complete."""
        text = source.strip()
        if text in (".quit", ".exit"):
            raise SystemExit(0)
        if text and not sqlite3.complete_statement(text):
            return True
        self._answer(text)
        return False

    def run_all(self, text: str) -> int:
        """Run statements that are not typed; 1 as soon as one fails."""
        statement = ""
        for line in [*text.splitlines(keepends=True), ";"]:
            statement += line
            if sqlite3.complete_statement(statement):
                if not self._answer(statement):
                    return 1
                statement = ""
        return 0

    def _answer(self, statement: str) -> bool:
        """Print the rows of a statement; False if SQLite refused it."""
        try:
            for row in self._conn.execute(statement):
                sys.stdout.write("|".join("" if value is None else str(value) for value in row) + "\n")
        except sqlite3.Error as error:
            self.write(f"error: {error}\n")
            return False
        return True
