"""The watchdog: a tiny process that ends the runs of a runner that was killed and could not end them itself.

It reads the groups of processes from a pipe.  When the pipe ends without its being told that all is well, the runner
is dead: the groups get SIGTERM, so that clients can report their end, and SIGKILL soon after.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import threading
from collections.abc import Iterable

GRACE_SECONDS = 5

_SCRIPT = """
import os, signal, sys, time
for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
    signal.signal(number, signal.SIG_IGN)
groups = set()
for line in sys.stdin:
    (groups.add if line[0] == "+" else groups.discard)(int(line[1:]))
def send(number):
    for group in list(groups):
        try:
            os.killpg(group, number)
        except OSError:
            groups.discard(group)
send(signal.SIGTERM)
end = time.monotonic() + float(sys.argv[1])
while groups and time.monotonic() < end:
    time.sleep(0.1)
    send(0)
send(signal.SIGKILL)
"""


class Watchdog:
    """The process and its pipe; it is started again if somebody killed it."""

    def __init__(self, grace_seconds: float = GRACE_SECONDS) -> None:
        self._grace_seconds = grace_seconds
        self._groups: set[int] = set()
        self._process: subprocess.Popen[str] | None = None
        self._lock = threading.Lock()

    def ready(self) -> None:
        """Have the process run, so that the next group is watched from its first moment."""
        with self._lock:
            self._write([])

    def add(self, group: int) -> None:
        """Watch over a group of processes."""
        with self._lock:
            self._groups.add(group)
            self._write([f"+{group}"])

    def discard(self, group: int) -> None:
        """Leave a group alone: it has ended, and its number may be given to others."""
        with self._lock:
            self._groups.discard(group)
            self._write([f"-{group}"])

    def close(self) -> None:
        """Let the watchdog go; what is still watched is ended by it."""
        with self._lock:
            if self._process is not None and self._process.stdin is not None:
                with contextlib.suppress(OSError):
                    self._process.stdin.close()
                if not self._groups:
                    self._process.wait()
            self._process = None

    def _write(self, lines: Iterable[str]) -> None:
        if os.name != "posix":
            return  # no groups of processes there; a console's end ends its processes
        if self._process is None or self._process.poll() is not None:
            self._process = self._start()
            lines = [f"+{group}" for group in self._groups]
        pipe = self._process.stdin
        if pipe is not None:
            with contextlib.suppress(BrokenPipeError):  # just killed; the next line finds it gone
                pipe.write("".join(line + "\n" for line in lines))
                pipe.flush()

    def _start(self) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-I", "-S", "-c", _SCRIPT, str(self._grace_seconds)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            text=True,
            start_new_session=True,
        )
