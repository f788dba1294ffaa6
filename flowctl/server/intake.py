"""Intake: events from clients on their way into the database, with what they say about task runs.

Events are checked where they arrive; the writer only stores.  What comes in over one socket is written in order, one
batch at a time: the next is collected while the writer is busy, and while that is full the socket is not read.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from flowctl import wire
from flowctl.db.database import Tx
from flowctl.domain.errors import Busy, Invalid
from flowctl.domain.events import Event
from flowctl.domain.task_run_reports import TaskRunPayload, TaskRunReport, is_report, report
from flowctl.ops import events, recorder
from flowctl.server.gateway import Gateway

logger = logging.getLogger("flowctl.server")

BATCH: Final = 100
"""Events of one write."""
BACKLOG: Final = 400
"""Events that one socket may have waiting before it is no longer read."""
ATTEMPTS: Final = 6
"""How often a batch is tried while another process holds the database, each time for `busy_timeout`."""


@dataclass(frozen=True, slots=True)
class Incoming:
    """An event, and what it says about a task run, if that makes sense."""

    event: Event
    report: TaskRunReport | None = None


def incoming(event: Event) -> Incoming:
    """Read what an event says about a task run."""
    if not is_report(event):
        return Incoming(event)
    try:
        return Incoming(event, report(event, wire.validate(TaskRunPayload, event.payload)))
    except (Invalid, ValueError) as error:
        details = error.entries if isinstance(error, Invalid) else error
        logger.warning("Event %s (%s) says nothing about a task run: %s", event.id, event.event, details)
        return Incoming(event)


def store(tx: Tx, batch: Sequence[Incoming]) -> None:
    """Store events, and record the task runs of those that are new."""
    records = tx.settings.services_task_run_recorder_enabled
    for each in batch:
        if events.emit(tx, each.event.receive(tx.now)) and each.report is not None and records:
            recorder.record(tx, [each.report])


class Intake:
    """Writes the events of one socket; `put` each, and `close` at the end."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._waiting: list[Incoming] = []
        self._writing: asyncio.Task[None] | None = None

    async def put(self, item: Incoming) -> None:
        """Take an event; waits until all are written when too many are waiting.

        Raises what stopped the writing of an earlier one.
        """
        self._waiting.append(item)
        if self._writing is None or self._writing.done():
            await self.close()
            self._writing = asyncio.create_task(self._write())
        elif len(self._waiting) >= BACKLOG:
            await self.close()

    async def close(self) -> None:
        """Wait until all is written.  Raises what stopped it."""
        if self._writing is not None:
            await self._writing

    async def _write(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting[:BATCH], self._waiting[BATCH:]
            await write(self._gateway, batch)


async def write(gateway: Gateway, batch: Sequence[Incoming]) -> None:
    """Store a batch; one event that cannot be stored does not take the others with it.

    Raises Busy when another process holds the database for longer than ATTEMPTS allow.
    """
    for attempt in range(1, ATTEMPTS + 1):
        try:
            await gateway.write(lambda tx: store(tx, batch))
        except Busy:
            if attempt == ATTEMPTS:
                raise
        except Exception:
            if len(batch) == 1:
                logger.exception("Event %s could not be stored", batch[0].event.id)
                return
            for each in batch:
                await write(gateway, [each])
            return
        else:
            return
        await asyncio.sleep(0.05 * 2**attempt)
