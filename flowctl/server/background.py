"""Background services: a table of ops that run again and again, and the supervised loop of each.

A service's op does one bounded batch in a write transaction and returns how much it did; the loop repeats it until it
does nothing, then rests for the interval.  An error is logged, and the loop tries again later and later.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Final

from flowctl.db.shapes import wire_time
from flowctl.ops import (
    absences,
    cancellation_cleanup,
    foreman,
    late_runs,
    leases,
    log_search,
    pause_expirations,
    reap,
    retention,
    scheduling,
)

if TYPE_CHECKING:
    from flowctl.db.database import Tx
    from flowctl.server.gateway import Gateway
    from flowctl.settings import Settings

logger = logging.getLogger("flowctl.services")

LONGEST_REST: Final = 300.0
"""Seconds: how rarely a service that fails each time is tried."""


@dataclass(frozen=True, slots=True)
class Service:
    """A row of the table.

    interval  seconds between two ticks, or the setting that tells them
    op        does one batch; returns how many things it did
    enabled   the setting that switches it
    """

    name: str
    interval: float | str
    op: Callable[[Tx], int]
    enabled: str

    def seconds(self, settings: Settings) -> float:
        """Between two ticks."""
        return getattr(settings, self.interval) if isinstance(self.interval, str) else self.interval


SERVICES: Final[tuple[Service, ...]] = (
    Service("Clock", 15.0, absences.run_once, "services_enabled"),
    Service("Scheduler", 5.0, scheduling.run_once, "services_scheduler_enabled"),
    Service("MarkLateRuns", "services_late_runs_loop_seconds", late_runs.run_once, "services_late_runs_enabled"),
    Service(
        "FailExpiredPauses",
        "services_pause_expirations_loop_seconds",
        pause_expirations.run_once,
        "services_pause_expirations_enabled",
    ),
    Service(
        "CancellationCleanup",
        "services_cancellation_cleanup_loop_seconds",
        cancellation_cleanup.run_once,
        "services_cancellation_cleanup_enabled",
    ),
    Service("Repossessor", "services_repossessor_loop_seconds", leases.run_once, "services_repossessor_enabled"),
    Service("Foreman", "services_foreman_loop_seconds", foreman.run_once, "services_foreman_enabled"),
    Service("Reaper", 15.0, reap.run_once, "services_reaper_enabled"),
    Service("LogSearch", 5.0, log_search.run_once, "log_search_enabled"),
    Service("Retention", 3600.0, retention.run_once, "services_retention_enabled"),
)


@dataclass(slots=True)
class Status:
    """What one loop has done so far."""

    last_tick: datetime | None = None
    done: int = 0
    failures: int = 0
    """In a row."""
    last_error: str | None = None
    ticks: int = 0
    failed_ticks: int = 0

    def report(self) -> dict[str, object]:
        """As `/ready` shows it."""
        tick = self.last_tick and wire_time(self.last_tick)
        return {"last_tick": tick, "done": self.done, "failures": self.failures, "last_error": self.last_error}


@dataclass(slots=True)
class Services:
    """The loops of one application."""

    gateway: Gateway
    services: Sequence[Service]
    status: dict[str, Status] = field(default_factory=dict[str, Status])
    _tasks: list[asyncio.Task[None]] = field(default_factory=list["asyncio.Task[None]"])
    _stop: asyncio.Event = field(default_factory=asyncio.Event)

    def start(self, settings: Settings) -> None:
        """Start the loop of each service that the settings enable."""
        self._stop.clear()
        for service in self.services:
            if getattr(settings, service.enabled):
                self.status[service.name] = Status()
                task = asyncio.create_task(self._loop(service), name=f"service {service.name}")
                task.add_done_callback(lambda task, name=service.name: _log_exit(name, task))
                self._tasks.append(task)

    async def stop(self) -> None:
        """End the loops, each after the batch it is at."""
        self._stop.set()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks.clear()

    def report(self) -> dict[str, dict[str, object]]:
        """The state of each service by name."""
        return {name: status.report() for name, status in self.status.items()}

    async def tick(self, service: Service) -> None:
        """Run a service's op until it does nothing.

        Between two batches it rests as long as the last one took: requests find the writer free half of the time.
        """
        status = self.status.setdefault(service.name, Status())

        def batch(tx: Tx) -> tuple[int, datetime]:
            return service.op(tx), tx.now

        done = 1
        status.ticks += 1
        while done and not self._stop.is_set():
            began = time.monotonic()
            done, status.last_tick = await self.gateway.write(batch)
            status.done += done
            if done:
                await self._rest(time.monotonic() - began)

    async def _loop(self, service: Service) -> None:
        status = self.status[service.name]
        interval = service.seconds(self.gateway.settings)
        while not self._stop.is_set():
            try:
                await self.tick(service)
                status.failures = 0
            except Exception as error:  # the supervisor: the one place that catches everything
                status.failures += 1
                status.failed_ticks += 1
                status.last_error = f"{type(error).__name__}: {error}"
                logger.exception("%s service failed, and will be tried again", service.name)
            await self._rest(rest(interval, status.failures))

    async def _rest(self, seconds: float) -> None:
        """Wait, but not beyond `stop`."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._stop.wait(), seconds)


def rest(interval: float, failures: int) -> float:
    """Seconds to wait: the interval, doubled for each failure in a row."""
    return min(interval * 2 ** min(failures, 16), max(interval, LONGEST_REST))


def _log_exit(name: str, task: asyncio.Task[None]) -> None:
    if task.cancelled() or task.exception() is None:
        logger.info("%s service stopped", name)
    else:
        logger.error("%s service ended with an error", name, exc_info=task.exception())
