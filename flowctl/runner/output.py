"""What runs print: to the terminal, and into their logs on the server.

Prefect's client sends what a flow logs by itself, and prints it too.  So that nothing arrives twice, its console is
told to mark such records (`console_formats`); whatever else a process prints is sent from here.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
from collections import deque
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from flowctl.domain.errors import FlowctlError
from flowctl.runner.client import Api, Unreachable

if TYPE_CHECKING:
    from uuid import UUID

    from flowctl.domain.values import JSONObject
    from flowctl.runner.process import Stream

logger = logging.getLogger("flowctl.runner")
terminal = logging.getLogger("flowctl.runner.output")
"""Prints the lines of runs."""

BEGIN, END = "\x1e", "\x1d"
"""Around each record that the client sends by itself: the control characters for parts of a text."""

_PREFIX = "PREFECT_LOGGING_FORMATTERS_STANDARD_"
_FORMATS = {
    f"{_PREFIX}FLOW_RUN_FMT": "%(asctime)s.%(msecs)03d | %(levelname)-7s | Flow run %(flow_run_name)r - %(message)s",
    f"{_PREFIX}TASK_RUN_FMT": "%(asctime)s.%(msecs)03d | %(levelname)-7s | Task run %(task_run_name)r - %(message)s",
}
_ENGINE = " | prefect.engine - "
"""The engine repeats here what it has logged for its run."""
_TRACEBACK = "Traceback (most recent call last)"
_BETWEEN_TRACEBACKS = (
    "The above exception was the direct cause of the following exception:",
    "During handling of the above exception, another exception occurred:",
)

MOST_LINES = 20_000
"""Lines that wait for the server; beyond, the oldest are left out."""
BATCH = 500
EVERY_SECONDS = 0.5


def console_formats(environ: Mapping[str, str]) -> dict[str, str]:
    """The variables that make a client mark what it sends itself, in the user's own formats if he has set some."""
    return {name: f"{BEGIN}{environ.get(name, default)}{END}" for name, default in _FORMATS.items()}


class Unmarker:
    """Tells which lines of a stream are the client's own records, with the tracebacks after them, and which are not."""

    def __init__(self) -> None:
        self._in_record = False
        self._after_record = False
        self._in_traceback = False

    def read(self, line: str) -> tuple[str, bool]:
        """The line without marks, and whether it is still to be sent."""
        text = line.replace(BEGIN, "").replace(END, "")
        if BEGIN in line or self._in_record:
            ends = END in line
            self._in_record, self._after_record, self._in_traceback = not ends, ends, False
            return text, False
        if _ENGINE in text:
            self._after_record, self._in_traceback = True, False
            return text, False
        return text, not self._is_traceback(text)

    def _is_traceback(self, line: str) -> bool:
        if not self._after_record:
            return False
        if _TRACEBACK in line:
            self._in_traceback = True
        elif self._in_traceback:
            self._in_traceback = line.startswith((" ", "\t")) or not line
        elif line and line not in _BETWEEN_TRACEBACKS:
            self._after_record = False
        return self._after_record


class RunOutput:
    """The lines of one process, from its reader threads."""

    def __init__(self, logs: LogShipper, run_id: UUID, run_name: str) -> None:
        self._logs = logs
        self._run_id = run_id
        self._run_name = run_name
        self._streams: dict[Stream, Unmarker] = {"stdout": Unmarker(), "stderr": Unmarker()}

    def line(self, stream: Stream, line: str) -> None:
        """Print a line, and send it unless the client does."""
        text, is_ours = self._streams[stream].read(line)
        if is_ours and text.strip():
            self._logs.add(self._run_id, f"flowctl.runner.{stream}", logging.INFO, text)
        terminal.info("%s | %s", self._run_name, text) if is_ours else terminal.info("%s", text)


class LogShipper:
    """Sends lines to `POST /logs/` in batches; takes them from any thread."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._lines: deque[JSONObject] = deque()
        self._lock = threading.Lock()
        self._dropped = 0

    def add(self, run_id: UUID, name: str, level: int, message: str) -> None:
        """Take a line for the logs of a run."""
        line: JSONObject = {
            "name": name,
            "level": level,
            "message": message.replace("\0", ""),
            "timestamp": datetime.now(UTC),
            "flow_run_id": run_id,
        }
        with self._lock:
            if len(self._lines) >= MOST_LINES:
                self._lines.popleft()
                self._dropped += 1
            self._lines.append(line)

    async def run(self) -> None:
        """Send, until cancelled."""
        while True:
            await asyncio.sleep(EVERY_SECONDS)
            with contextlib.suppress(Unreachable):  # the lines wait
                await self.flush()

    async def flush(self, *, patience: float = 0) -> None:
        """Send all lines that wait.  Raises Unreachable; they wait on, then."""
        while batch := self._take():
            try:
                await self._api.call("POST", "/logs/", batch, patience=patience)
            except Unreachable:
                with self._lock:
                    self._lines.extendleft(reversed(batch))
                raise
            except FlowctlError as error:  # a run that was deleted, or a line that is too long for the server
                logger.warning("%d lines of output were refused: %s", len(batch), error)

    def _take(self) -> list[JSONObject]:
        with self._lock:
            if self._dropped:
                logger.warning("%d lines of output were left out: the server did not take them", self._dropped)
                self._dropped = 0
            return [self._lines.popleft() for _ in range(min(BATCH, len(self._lines)))]
