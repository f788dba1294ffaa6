"""Commands in a pseudo-terminal: what a person sees, and types."""

from __future__ import annotations

import os
import select
import struct
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

pty = pytest.importorskip("pty", reason="terminals of this kind are POSIX's")


class Terminal:
    """A command in a pseudo-terminal."""

    def __init__(self, db: Path, arguments: Sequence[str], *, columns: int = 80, rows: int = 24, **env: str) -> None:
        import fcntl
        import termios

        self._main, side = pty.openpty()
        fcntl.ioctl(side, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        skipped = {"NO_COLOR", "FORCE_COLOR", "COLUMNS", "LESS", "PAGER"}
        inherited = {name: value for name, value in os.environ.items() if name not in skipped}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "flowctl", *arguments],
            stdin=side,
            stdout=side,
            stderr=side,
            env={**inherited, "FLOWCTL_DB": str(db), "TERM": "xterm", "PYTHONIOENCODING": "utf-8", **env},
            start_new_session=True,
        )
        os.close(side)
        self.seen = ""

    def until(self, text: str) -> str:
        """Read until the text has appeared."""
        deadline = time.monotonic() + 20
        while text not in self.seen and self._is_ready(deadline - time.monotonic()) and self._read():
            pass
        assert text in self.seen, self.seen
        return self.seen

    def write(self, text: str) -> None:
        os.write(self._main, text.encode())

    def end(self) -> tuple[int, str]:
        """Read to the end; exit code and everything that was shown."""
        deadline = time.monotonic() + 60
        while self._is_ready(deadline - time.monotonic()) and self._read():
            pass
        os.close(self._main)
        return self.process.wait(20), self.seen.replace("\r\n", "\n")

    def _is_ready(self, seconds: float) -> bool:
        return bool(select.select([self._main], [], [], max(seconds, 0))[0])

    def _read(self) -> bool:
        try:
            data = os.read(self._main, 65536)
        except OSError:  # Linux's way to say that nobody is at the other end
            return False
        self.seen += data.decode(errors="replace")
        return bool(data)
