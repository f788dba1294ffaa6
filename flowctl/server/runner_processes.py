"""Learns which processes execute flow runs: whoever moved a run to Running, over loopback, is looked up beside.

A handler only puts a note into a queue.  A thread finds the process at the other end of the connection, which clients
keep open for a while, and has it written down for the reaper (`ops/reap.py`).
"""

from __future__ import annotations

import asyncio
import logging
import queue
import threading
from collections import deque
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
"""A run, and the two ends of the connection."""


class RunnerProcesses:
    """The thread and its queue: a part of an application."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._notes: queue.SimpleQueue[_Note | None] = queue.SimpleQueue()
        self._known: deque[Process] = deque(maxlen=16)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None

    def note(self, flow_run_id: UUID, result: OrchestrationResult, scope: Scope) -> None:
        """Note that a client has proposed a state; at once, and for any thread."""
        if result.created and result.state is not None and result.state.type is StateType.RUNNING:
            self._notes.put((flow_run_id, scope.get("client"), scope.get("server")))

    async def start(self) -> None:
        """Start the thread."""
        self._loop = asyncio.get_running_loop()
        self._thread = threading.Thread(target=self._work, name="flowctl-processes", daemon=True)
        self._thread.start()

    async def stop(self) -> None:
        """Let the thread end, once it is through with what is queued."""
        if self._thread is not None:
            self._notes.put(None)
            await asyncio.to_thread(self._thread.join)
            self._thread = None

    def _work(self) -> None:
        while (note := self._notes.get()) is not None:
            try:
                self._learn(*note)
            except Exception:
                logger.exception("The process of run %s could not be looked up", note[0])

    def _learn(self, flow_run_id: UUID, client: Any, server: Any) -> None:
        """Write down the process of a run; if it cannot be known, forget the one of an earlier attempt."""
        process = self._look_up(client, server)

        def write(tx: Tx) -> None:
            if process is None:
                flow_run_processes.delete(tx, flow_run_id)
            else:
                flow_run_processes.put(tx, flow_run_id, process)

        if self._loop is not None:
            asyncio.run_coroutine_threadsafe(self._gateway.write(write), self._loop)

    def _look_up(self, client: Any, server: Any) -> Process | None:
        if not client or not server or not processes.is_loopback(client[0]):
            return None
        process = processes.peer((client[0], client[1]), (server[0], server[1]), self._known)
        if process is not None and process not in self._known:
            self._known.appendleft(process)
        return process
