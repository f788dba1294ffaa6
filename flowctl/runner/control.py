"""The control channel: tells a run, before it is signalled, what the signal means.

Prefect's newer clients connect to a port of the runner, say their token, and wait for one byte.  They
answers it when its handler of SIGTERM is in place; then it ends as cancelled, or leaves its state to the runner, where
it would report a crash.  Older clients never connect.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from dataclasses import dataclass, field
from typing import Literal, TypeAlias
from uuid import UUID

Intent: TypeAlias = Literal["cancel", "reschedule"]

ANSWER_SECONDS = 1.0
_BYTES: dict[Intent, bytes] = {"cancel": b"c", "reschedule": b"r"}


@dataclass(slots=True)
class _Line:
    """The connection of one run, once it is there."""

    writer: asyncio.StreamWriter | None = None
    answered: asyncio.Event = field(default_factory=asyncio.Event)


class ControlChannel:
    """A listener on a free port of the loopback interface."""

    def __init__(self) -> None:
        self._server: asyncio.Server | None = None
        self._port = 0
        self._tokens: dict[str, UUID] = {}
        self._lines: dict[UUID, _Line] = {}

    async def start(self) -> None:
        """Listen; where that is not possible, runs are signalled without notice."""
        with contextlib.suppress(OSError):
            self._server = await asyncio.start_server(self._connected, "127.0.0.1", 0, limit=256)
            self._port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        """Close the listener and all connections."""
        for run_id in list(self._lines):
            self.forget(run_id)
        if self._server is not None:
            self._server.close()

    def expect(self, run_id: UUID) -> dict[str, str]:
        """Expect a run to connect; the variables that tell it where to."""
        self.forget(run_id)
        if self._server is None:
            return {}
        token = secrets.token_hex(16)
        self._tokens[token] = run_id
        self._lines[run_id] = _Line()
        return {"PREFECT__CONTROL_PORT": str(self._port), "PREFECT__CONTROL_TOKEN": token}

    def forget(self, run_id: UUID) -> None:
        """Close the connection of a run."""
        self._tokens = {token: known for token, known in self._tokens.items() if known != run_id}
        line = self._lines.pop(run_id, None)
        if line is not None and line.writer is not None:
            line.writer.close()

    async def tell(self, run_id: UUID, intent: Intent) -> bool:
        """Announce what the signal that follows means; whether the run has understood."""
        line = self._lines.get(run_id)
        if line is None or line.writer is None or line.writer.is_closing():
            return False
        try:
            line.writer.write(_BYTES[intent])
            await asyncio.wait_for(line.answered.wait(), ANSWER_SECONDS)
        except (TimeoutError, OSError):
            return False
        return True

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            token = (await asyncio.wait_for(reader.readline(), 5)).strip().decode("ascii", "replace")
            line = self._lines.get(self._tokens.pop(token, UUID(int=0)))
            if line is not None:
                line.writer = writer
                if await reader.read(1) == b"a":
                    line.answered.set()
        except (TimeoutError, OSError, ValueError):
            pass
        finally:
            writer.close()
