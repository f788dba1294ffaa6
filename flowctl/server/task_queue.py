"""Task queue: hands background tasks (`task.delay()`) to the task workers that are connected.

What waits is in the database; what was handed out is remembered here until the worker reports the next state.  A run
whose worker did not acknowledge it, or that was not reported on before this process ended, is handed out again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Generator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final
from uuid import UUID

from flowctl.db.queries import scheduled_task_runs

if TYPE_CHECKING:
    from flowctl.db.columns import Rows
    from flowctl.db.database import Tx
    from flowctl.domain.task_runs import TaskRun
    from flowctl.server.gateway import Gateway

POLL_SECONDS: Final = 1.0
"""How soon a task run that another process scheduled is seen."""
GONE_AFTER_SECONDS: Final = 1.0
"""How long a worker whose connection broke is still listed; Prefect looks that often."""
_MANY: Final = 500
"""Each time so many states are remembered, those are forgotten that their runs have left."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskWorker:
    """A connected process that serves tasks (Prefect: TaskWorkerResponse)."""

    identifier: str
    task_keys: list[str]
    timestamp: datetime
    """When it was last heard of."""


class TaskQueue:
    """The background tasks of one application and the workers that take them; starts and stops with it."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._handed_out: set[UUID] = set()
        """States in which a run was given to a worker."""
        self._connected: list[tuple[str, list[str]]] = []
        self._news = asyncio.Event()
        self._end: Callable[[], None] | None = None

    async def start(self) -> None:
        """Listen to this process's commits."""
        self._end = self._gateway.on_commit(lambda _events: self._wake())

    async def stop(self) -> None:
        """Stop listening."""
        if self._end is not None:
            self._end()
            self._end = None

    async def take(self, task_keys: Sequence[str]) -> Rows[TaskRun]:
        """The next task run (one row) of these tasks; waits for one.  It is nobody else's until `give_back`."""

        def read(tx: Tx) -> Rows[TaskRun]:
            return scheduled_task_runs.first(tx, task_keys, without=self._handed_out)

        while True:
            news = self._news
            rows = await self._gateway.read(read, quick=True)
            if rows:
                await self._remember(_state_id(rows))
                return rows
            with suppress(TimeoutError):
                await asyncio.wait_for(news.wait(), POLL_SECONDS)

    def give_back(self, rows: Rows[TaskRun]) -> None:
        """Let the next worker that asks have a run that was taken."""
        self._handed_out.discard(_state_id(rows))
        self._wake()

    @contextmanager
    def connected(self, identifier: str, task_keys: Sequence[str]) -> Generator[None]:
        """List a worker as connected, and when it does not take its leave a moment longer."""
        entry = (identifier, list(task_keys))
        self._connected.append(entry)
        gone_after_seconds = GONE_AFTER_SECONDS
        try:
            yield
            gone_after_seconds = 0.0
        finally:
            asyncio.get_running_loop().call_later(gone_after_seconds, self._connected.remove, entry)

    def workers(self, task_keys: Collection[str] = ()) -> list[TaskWorker]:
        """The connected workers, or those of them that serve one of some tasks."""
        keys_of: dict[str, list[str]] = {}
        for identifier, keys in self._connected:
            known = keys_of.setdefault(identifier, [])
            known += [key for key in keys if key not in known]
        now = datetime.now(UTC)
        return [
            TaskWorker(identifier=identifier, task_keys=keys, timestamp=now)
            for identifier, keys in keys_of.items()
            if not task_keys or any(key in task_keys for key in keys)
        ]

    async def _remember(self, state_id: UUID) -> None:
        self._handed_out.add(state_id)
        if len(self._handed_out) % _MANY == 0:
            states = frozenset(self._handed_out)
            waiting = await self._gateway.read(lambda tx: scheduled_task_runs.still_waiting(tx, states), quick=True)
            self._handed_out -= states - waiting

    def _wake(self) -> None:
        """Let all who wait look again."""
        self._news.set()
        self._news = asyncio.Event()


def _state_id(rows: Rows[TaskRun]) -> UUID:
    state_id = rows[0].state_id
    assert state_id is not None  # it is SCHEDULED
    return state_id
