"""The watchdog: a tiny process that ends the runs of a runner that was killed and could not end them itself.

It is told of groups of processes through a socket.  When that ends, the runner is dead: the groups get SIGTERM, and
SIGKILL if they do not end in time, and their runs are reported as crashed.  Meanwhile somebody has to read what they
print, or their cleaning up would break off at its first line; so the watchdog has the ends of their pipes too.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import struct
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from uuid import UUID

GRACE_SECONDS = 10

_MESSAGE = struct.Struct("<cq16s")
"""`+` or `-`, the number of a group, and the id of its run; the pipes of a new group come beside."""
_NO_RUN = UUID(int=0)

_SCRIPT = """
import json, os, signal, socket, struct, sys, time, urllib.request, uuid
for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
    signal.signal(number, signal.SIG_IGN)
message, groups, runs = struct.Struct("<cq16s"), {}, {}
with socket.socket(fileno=0) as line:
    while True:
        data, pipes, _, _ = socket.recv_fds(line, message.size, 2)
        if len(data) < message.size:
            break
        sign, group, run = message.unpack(data)
        runs.pop(group, None)
        for pipe in groups.pop(group, ()):
            os.close(pipe)
        if sign == b"+":
            groups[group] = pipes
            if any(run):
                runs[group] = uuid.UUID(bytes=run)
def send(number):
    for group in list(groups):
        try:
            os.killpg(group, number)
        except OSError:
            del groups[group]
def drain():
    for pipe in sum(groups.values(), []):
        os.set_blocking(pipe, False)
        try:
            while os.read(pipe, 65536):
                pass
        except OSError:
            pass
send(signal.SIGTERM)
end = time.monotonic() + float(sys.argv[1])
while groups and time.monotonic() < end:
    drain()
    time.sleep(0.1)
    send(0)
send(signal.SIGKILL)
text = "Its runner was killed, and the processes of the flow run were ended."
body = json.dumps({"state": {"type": "CRASHED", "name": "Crashed", "message": text}}).encode()
headers = {"Content-Type": "application/json", **json.loads(os.environ["HEADERS"])}
for run in runs.values():
    url = f"{os.environ['API']}/flow_runs/{run}/set_state"
    try:
        urllib.request.urlopen(urllib.request.Request(url, body, headers), timeout=10).close()
    except OSError:
        pass  # the server finds it out by itself, later
"""


class Watchdog:
    """The process and the socket to it; it is started again if somebody killed it."""

    def __init__(
        self, api: str, headers: Mapping[str, str] | None = None, *, grace_seconds: float = GRACE_SECONDS
    ) -> None:
        self._environment = {"API": api, "HEADERS": json.dumps(dict(headers or {}))}
        self._grace_seconds = grace_seconds
        self._groups: dict[int, tuple[UUID, list[int]]] = {}
        """Runs and pipes, by group."""
        self._process: subprocess.Popen[bytes] | None = None
        self._socket: socket.socket | None = None
        self._lock = threading.Lock()

    def ready(self) -> None:
        """Have the process run, so that the next group is watched from its first moment."""
        with self._lock:
            self._ensure()

    def add(self, group: int, run_id: UUID | None, pipes: Sequence[int] = ()) -> None:
        """Watch over a group of processes, whose output comes through these pipes.

        run_id  the run that they execute; None if that has ended, and only left them behind
        """
        with self._lock:
            self._close_pipes(group)
            self._groups[group] = (run_id or _NO_RUN, [os.dup(pipe) for pipe in pipes])
            if not self._ensure():
                self._send(b"+", group)

    def discard(self, group: int) -> None:
        """Leave a group alone: it has ended, and its number may be given to others."""
        with self._lock:
            self._close_pipes(group)
            self._send(b"-", group)

    def close(self) -> None:
        """Let the watchdog go, once it has ended what is still watched."""
        with self._lock:
            if self._socket is not None:
                self._socket.close()
            if self._process is not None:
                self._process.wait()
            for group in list(self._groups):
                self._close_pipes(group)
            self._socket = self._process = None

    def _ensure(self) -> bool:
        """Start the process if it is not there, and tell it of all groups; whether that was necessary."""
        if os.name != "posix":  # no groups of processes there; the end of a console ends its processes
            return True
        if self._process is not None and self._process.poll() is None:
            return False
        if self._socket is not None:
            self._socket.close()
        self._socket, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-I", "-S", "-c", _SCRIPT, str(self._grace_seconds)],
                env={**os.environ, **self._environment},
                stdin=theirs.fileno(),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
        for group in self._groups:
            self._send(b"+", group)
        return True

    def _send(self, sign: bytes, group: int) -> None:
        if self._socket is not None:
            with contextlib.suppress(OSError):  # just killed; the next group finds it gone
                run_id, pipes = self._groups.get(group, (_NO_RUN, []))
                socket.send_fds(self._socket, [_MESSAGE.pack(sign, group, run_id.bytes)], pipes)

    def _close_pipes(self, group: int) -> None:
        for pipe in self._groups.pop(group, (_NO_RUN, []))[1]:
            os.close(pipe)
