"""The worker's socket: a worker says who it is, and then that it lives; it hears of each change of its pool.

It is one more way of what workers do by HTTP, and spares them asking for their pool again and again.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Final, TypeVar
from uuid import UUID

from flowctl import wire
from flowctl.db.tables import events as event_table
from flowctl.db.tables import work_pools
from flowctl.domain.errors import FlowctlError, Forbidden, Invalid, NotFound
from flowctl.domain.event_filters import EventFilter, EventNameFilter, EventResourceFilter
from flowctl.domain.worker_channel import (
    CAPABILITIES,
    VERSION,
    Frame,
    FrameType,
    HeartbeatFrame,
    Hello,
    HelloFrame,
    Ready,
    Snapshot,
)
from flowctl.ops import work_pool_slots, workers
from flowctl.server.sockets import GOING_AWAY, INTERNAL_ERROR, POLICY_VIOLATION, PROTOCOL_ERROR, Refused, Socket

if TYPE_CHECKING:
    from flowctl.db.database import Tx
    from flowctl.domain.events import ReceivedEvent
    from flowctl.server.feed import Feed, Subscription
    from flowctl.server.gateway import Gateway

T = TypeVar("T")

REFUSAL: Final = "authentication_failed"
"""What a worker is told that is turned away before it has said who it is."""

_PATH: Final = re.compile(r"/work_pools/([^/]+)/workers/connect$")

_BROKEN: Final = Refused(PROTOCOL_ERROR, "protocol_error")
_NOT_ALLOWED: Final = Refused(POLICY_VIOLATION, "authorization_failed")
_CHANGES: Final = ("updated", "paused", "ready", "not-ready", "deleted")


class WorkerChannel:
    """Serves workers, one socket each."""

    def __init__(self, gateway: Gateway, feed: Feed) -> None:
        self._gateway = gateway
        self._feed = feed

    async def serve(self, socket: Socket) -> None:
        """Greet a worker, note its heartbeats and send it what becomes of its pool."""
        name = _pool_name(socket)
        hello = await _receive(socket, HelloFrame)
        _check(hello.payload)
        frame, pool_id, position = await self._write(lambda tx: _greet(tx, name, hello.payload))
        await socket.send_json(frame)
        subscription = await self._feed.events.subscribe(_changes_of(pool_id), after=position)
        tasks = [
            asyncio.create_task(self._note_heartbeats(socket, name, hello.payload)),
            asyncio.create_task(self._send_snapshots(socket, pool_id, subscription)),
        ]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            subscription.close()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _note_heartbeats(self, socket: Socket, name: str, hello: Hello) -> None:
        while True:
            heartbeat = (await _receive(socket, HeartbeatFrame)).payload
            if (heartbeat.consumer_id, heartbeat.worker_name) != (hello.consumer_id, hello.worker_name):
                raise _BROKEN
            seconds = heartbeat.heartbeat_interval_seconds
            await self._write(lambda tx, seconds=seconds: workers.note_heartbeat(tx, name, hello.worker_name, seconds))

    async def _send_snapshots(
        self, socket: Socket, pool_id: UUID, changes: Subscription[ReceivedEvent, EventFilter]
    ) -> None:
        sequence = 1
        while await changes.next():
            sequence += 1
            frame = await self._gateway.read(lambda tx, sequence=sequence: _snapshot(tx, pool_id, sequence))
            if frame is None:
                raise _NOT_ALLOWED
            await socket.send_json(frame)
        await socket.close(GOING_AWAY)

    async def _write(self, work: Callable[[Tx], T]) -> T:
        try:
            return await self._gateway.write(work)
        except (NotFound, Forbidden):
            raise _NOT_ALLOWED from None
        except Invalid:
            raise _BROKEN from None
        except FlowctlError:  # busy: the worker comes back, and reports by HTTP meanwhile
            raise Refused(INTERNAL_ERROR, "transient_server_error") from None


def _pool_name(socket: Socket) -> str:
    match = _PATH.search(socket.scope["path"])
    assert match is not None  # by this pattern the socket was found
    return match[1]


async def _receive(socket: Socket, hint: type[T]) -> T:
    try:
        return wire.validate(hint, await socket.receive_json())
    except (Refused, Invalid):
        raise _BROKEN from None


def _check(hello: Hello) -> None:
    if not set(CAPABILITIES) <= set(hello.requested_capabilities):
        raise _BROKEN
    if VERSION not in hello.supported_channel_versions:
        raise Refused(POLICY_VIOLATION, "unsupported_version")


def _greet(tx: Tx, name: str, hello: Hello) -> tuple[Frame, UUID, int]:
    """The greeting, the pool, and the position of the events after which the worker has to hear of it."""
    ready = workers.greet(tx, name, hello)
    pool_id = ready.initial_snapshot.work_pool.id
    return _frame(tx, "worker.ready.v1", ready), pool_id, event_table.last_position(tx)


def _snapshot(tx: Tx, pool_id: UUID, sequence: int) -> Frame | None:
    """The pool as it is now; None if it is gone."""
    pool = work_pools.get(tx, pool_id)
    if pool is None:
        return None
    pool = work_pool_slots.counted_pool(tx, pool)
    payload = Snapshot(snapshot_sequence=sequence, reason="work_pool_updated", work_pool=pool)
    return _frame(tx, "work_pool.snapshot.v1", payload)


def _frame(tx: Tx, type: FrameType, payload: Ready | Snapshot) -> Frame:
    return Frame(type=type, id=tx.new_time_id(), sent_at=tx.now, payload=payload)


def _changes_of(pool_id: UUID) -> EventFilter:
    return EventFilter(
        event=EventNameFilter(name=[f"prefect.work-pool.{change}" for change in _CHANGES]),
        resource=EventResourceFilter(id=[f"prefect.work-pool.{pool_id}"]),
    )
