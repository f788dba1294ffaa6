"""SubprocessASGIServer: a server in a child process, for tests and for commands that need one for a moment.

    with SubprocessASGIServer() as server:
        requests.get(server.api_url + "/health")

It has no dashboard, and no services unless they are asked for.  The child takes a free port itself, so that two started
at once cannot collide.  It holds one end of a pipe whose other end its owner has: however the owner ends, also by
SIGKILL, the pipe ends with it, and the child stops.
"""

from __future__ import annotations

import atexit
import json
import os
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import IO, ClassVar, Final, Self

from flowctl.domain.errors import FlowctlError

START_SECONDS: Final = 20.0
STOP_SECONDS: Final = 8.0
_OUTPUT_LINES: Final = 50


class SubprocessASGIServer:
    """A server for one port; asking twice for a port gives the same one.

    port      None: any free one, known once it has started
    db        the database file; the environment's setting if not given
    services  run the background services too, but for those that delete what is old
    """

    _instances: ClassVar[dict[int | None, SubprocessASGIServer]] = {}
    _instances_lock: ClassVar[threading.Lock] = threading.Lock()

    port: int | None
    db: Path | None
    services: bool
    process: subprocess.Popen[str] | None
    _key: int | None
    _lock: threading.Lock
    _api_url: str

    def __new__(cls, port: int | None = None, db: Path | None = None, *, services: bool = False) -> Self:
        with cls._instances_lock:
            known = cls._instances.get(port)
            if isinstance(known, cls):
                return known
            instance = super().__new__(cls)
            instance.port, instance.db, instance.services, instance.process = port, db, services, None
            instance._key, instance._lock, instance._api_url = port, threading.Lock(), ""
            cls._instances[port] = instance
            return instance

    @property
    def running(self) -> bool:
        """Whether the child has started and is still there."""
        return self.process is not None and self.process.poll() is None

    @property
    def address(self) -> str:
        """`http://127.0.0.1:port`."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def api_url(self) -> str:
        """What PREFECT_API_URL should be."""
        return self._api_url or f"{self.address}/api"

    def start(self, timeout: float = START_SECONDS) -> None:
        """Start the child and wait until it answers; does nothing while it runs.

        Raises FlowctlError, with what the child said, if it ends or does not answer within `timeout` seconds.
        """
        with self._lock:
            if self.running:
                return
            process = self._spawn()
            atexit.register(self.stop)
            output: list[str] = []
            threading.Thread(target=_keep_lines, args=(process.stderr, output), daemon=True).start()
            line = _first_line(process, timeout)
            if not line:
                code = process.poll()
                _end(process)
                what = f"did not answer within {timeout:g} s" if code is None else f"ended with code {code}"
                raise FlowctlError(f"The temporary server {what}.\n{''.join(output)}".rstrip())
            ready = json.loads(line)
            self.process, self._api_url = process, ready["api"]
            self.port = int(ready["url"].rpartition(":")[2])

    def stop(self) -> None:
        """Stop the child, and wait for its end."""
        with self._lock:
            if self.process is not None:
                _end(self.process)
            self.process = None
        atexit.unregister(self.stop)
        with self._instances_lock:
            if self._instances.get(self._key) is self:
                del self._instances[self._key]

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self.stop()

    def _spawn(self) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "flowctl.server.run", "--host", "127.0.0.1", "--port", str(self.port or 0)]
        command += ["--leashed", "--ready-json"]
        command += ["--no-ui", "--no-retention"] if self.services else ["--ephemeral"]
        if self.db is not None:
            command += ["--db", str(self.db)]
        # The child finds flowctl where this process does, also inside a zip file.
        path = os.pathsep.join(entry for entry in sys.path if entry)
        return subprocess.Popen(
            command,
            stdin=subprocess.PIPE,  # the leash: this process keeps the other end until it ends
            start_new_session=True,  # Ctrl-C is for whom the server serves
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": path},
        )


def _first_line(process: subprocess.Popen[str], timeout: float) -> str:
    """The child's first line on stdout; empty if it ends or takes too long."""
    lines: list[str] = []
    reader = threading.Thread(target=_keep_lines, args=(process.stdout, lines), daemon=True)
    reader.start()
    until = time.monotonic() + timeout
    while not lines and reader.is_alive() and time.monotonic() < until:
        reader.join(0.02)
    if lines:
        return lines[0]
    if not reader.is_alive():
        with suppress(subprocess.TimeoutExpired):
            process.wait(1)  # it has closed its output, and is about to end
    return ""


def _keep_lines(stream: IO[str] | None, lines: list[str]) -> None:
    """Read a pipe to its end, and keep the last lines."""
    if stream is None:
        return
    with stream:
        for line in stream:
            lines.append(line)
            del lines[:-_OUTPUT_LINES]


def _end(process: subprocess.Popen[str]) -> None:
    process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    if process.stdin:
        process.stdin.close()
