"""Single keys of the keyboard, as they are pressed; the terminal's own ways come back at the end."""

from __future__ import annotations

import os
import select
import sys
import time
from types import TracebackType
from typing import Any

try:
    import termios
    import tty
except ImportError:  # Windows
    termios = tty = None

_NAMES = {"\x1b[A": "up", "\x1b[B": "down", "\x1bOA": "up", "\x1bOB": "down", "\x1b": "escape"}
"""What keys send; the longer sequences come first, as they begin with the last."""

_MOST = 1024
"""Bytes that are read at once."""


class Keys:
    """Reads keys while it is entered: `q`, `up`, `down`, `escape`; elsewhere than on POSIX there are none."""

    def __init__(self) -> None:
        self._file = sys.stdin.fileno()
        self._before: list[Any] | None = None
        self._pending = ""

    def __enter__(self) -> Keys:
        if termios is not None and tty is not None:
            self._before = termios.tcgetattr(self._file)
            tty.setcbreak(self._file)  # Ctrl-C goes on to interrupt
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if termios is not None and self._before is not None:
            termios.tcsetattr(self._file, termios.TCSADRAIN, self._before)

    def next(self, seconds: float) -> str:
        """The next key, or nothing if none is pressed in time."""
        if self._before is None:
            time.sleep(seconds)
            return ""
        if not self._pending:
            ready, _, _ = select.select([self._file], [], [], seconds)
            if not ready:
                return ""
            self._pending = _read(self._file)
        sequence = next((each for each in _NAMES if self._pending.startswith(each)), self._pending[0])
        self._pending = self._pending[len(sequence) :]
        return _NAMES.get(sequence, sequence)


def _read(file: int) -> str:
    """What was typed.  Raises KeyboardInterrupt when the terminal is gone."""
    try:
        text = os.read(file, _MOST).decode(errors="replace")
    except OSError:
        text = ""
    if not text:
        raise KeyboardInterrupt
    return text
