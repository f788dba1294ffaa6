"""Learns which processes execute flow runs: the Prefect client that moved a run to Running, over loopback.

A handler only puts a note into a queue.  A thread finds the process at the other end of the connection, which clients
keep open for a while, and has it written down for the reaper (`ops/reap.py`).
"""

from __future__ import annotations

import asyncio
import logging
import queue
import threading
import time
from collections import deque
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any
from uuid import UUID

from flowctl import processes
from flowctl.db.tables import flow_run_processes
from flowctl.domain.processes import Process
from flowctl.domain.states import StateType

if TYPE_CHECKING:
    from starlette.types import Scope

    from flowctl.db.database import Tx
    from flowctl.domain.orchestration import OrchestrationResult
    from flowctl.server.gateway import Gateway

logger = logging.getLogger("flowctl.server")

_Note = tuple[UUID, Any, Any]
"""A run, and the two ends of the connection: client and server."""

SAME_CONNECTION_SECONDS = 2.0
"""How long an address is taken for the same connection without another look."""

SHARE = 0.1
"""How much of its time the thread may spend on looking, for others need the interpreter."""

NOTES_A_WRITE = 100


class RunnerProcesses:
    """The thread and its queue: a part of an application."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._notes: queue.SimpleQueue[_Note | None] = queue.SimpleQueue()
        self._known: deque[Process] = deque(maxlen=16)
        self._seen: dict[Any, tuple[float, Process | None]] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._stopping = threading.Event()

    def note(self, flow_run_id: UUID, result: OrchestrationResult, executor: Scope | None) -> None:
        """Note that a client has proposed a state; at once, and for any thread.

        executor  its request; None when the one who asks is not the one who executes: a person's command, a script
        """
        if result.created and result.state is not None and result.state.type is StateType.RUNNING:
            scope = executor or {}
            self._notes.put((flow_run_id, scope.get("client"), scope.get("server")))

    async def start(self) -> None:
        """Start the thread."""
        self._loop = asyncio.get_running_loop()
        self._stopping.clear()
        self._thread = threading.Thread(target=self._work, name="flowctl-processes", daemon=True)
        self._thread.start()

    async def stop(self) -> None:
        """Let the thread end; what it has not looked at stays unknown."""
        if self._thread is not None:
            self._stopping.set()
            self._notes.put(None)
            await asyncio.to_thread(self._thread.join)
            self._thread = None

    def _work(self) -> None:
        while not self._stopping.is_set() and (note := self._notes.get()) is not None:
            try:
                self._write([self._learn(each) for each in (note, *self._queued())])
            except Exception:
                logger.exception("The process of run %s could not be looked up", note[0])

    def _queued(self) -> Iterator[_Note]:
        """More notes that have come meanwhile."""
        for _ in range(NOTES_A_WRITE - 1):
            try:
                note = self._notes.get_nowait()
            except queue.Empty:
                return
            if note is None:
                return
            yield note

    def _learn(self, note: _Note) -> tuple[UUID, Process | None]:
        """A run and its process, if that can be known."""
        flow_run_id, client, server = note
        if not client or not server or not processes.is_loopback(client[0]):
            return flow_run_id, None
        now = time.monotonic()
        at, process = self._seen.get(client, (-SAME_CONNECTION_SECONDS, None))
        if now - at >= SAME_CONNECTION_SECONDS:
            process = self._look_up(client, server)
            if len(self._seen) >= NOTES_A_WRITE:
                self._seen.clear()
            self._seen[client] = now, process
        return flow_run_id, process

    def _look_up(self, client: Any, server: Any) -> Process | None:
        begin = time.monotonic()
        process = processes.peer((client[0], client[1]), (server[0], server[1]), self._known)
        if process is not None and process not in self._known:
            self._known.appendleft(process)
        self._stopping.wait((time.monotonic() - begin) * (1 / SHARE - 1))
        return process

    def _write(self, learned: list[tuple[UUID, Process | None]]) -> None:
        """Write down the processes of runs; where none can be known, forget the one of an earlier attempt."""

        def write(tx: Tx) -> None:
            for flow_run_id, process in learned:
                if process is None:
                    flow_run_processes.delete(tx, flow_run_id)
                else:
                    flow_run_processes.put(tx, flow_run_id, process)

        if self._loop is not None:
            asyncio.run_coroutine_threadsafe(self._gateway.write(write), self._loop)
