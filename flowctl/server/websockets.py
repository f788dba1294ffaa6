"""The websockets of the API: events in and out, log lines out, background tasks for task workers, and workers."""

from __future__ import annotations

import asyncio
import logging
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast

import orjson

from flowctl import wire
from flowctl.db.queries import event_pages
from flowctl.db.tables import events as event_table
from flowctl.domain.errors import Invalid
from flowctl.domain.event_filters import END, EventFilter, EventOccurredFilter, EventOrder
from flowctl.domain.events import Event
from flowctl.domain.log_filters import LogFilter
from flowctl.server.feed import Feed, Subscription, frame
from flowctl.server.intake import Intake, incoming
from flowctl.server.sockets import (
    GOING_AWAY,
    INTERNAL_ERROR,
    POLICY_VIOLATION,
    PROTOCOL_ERROR,
    Refused,
    Socket,
    endpoint,
)
from flowctl.server.task_queue import TaskQueue
from flowctl.server.worker_channel import REFUSAL, WorkerChannel

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

    from flowctl.db.columns import Rows
    from flowctl.db.database import Tx
    from flowctl.db.queries.event_pages import Cursor
    from flowctl.domain.task_runs import TaskRun
    from flowctl.server.call import Context

T = TypeVar("T")

logger = logging.getLogger("flowctl.server")

WORKERS: Final = "/work_pools/{work_pool_name}/workers/connect"
PROTOCOL_VIOLATION: Final = 4001
"""Close code of the socket for task workers."""


def endpoints(context: Context) -> dict[str, ASGIApp]:
    """The websockets by path; the parts that they need join the application's."""
    feed, queue = Feed(context.gateway), TaskQueue(context.gateway)
    context.parts += [feed, queue]
    sockets = Sockets(context, feed, queue)
    auth_string = context.settings.api_auth_string
    serve = {
        "/events/in": sockets.events_in,
        "/events/out": sockets.events_out,
        "/logs/out": sockets.logs_out,
        "/task_runs/subscriptions/scheduled": sockets.scheduled_task_runs,
        WORKERS: WorkerChannel(context.gateway, feed).serve,
    }
    return {
        path: _counted(endpoint(each, auth_string, refusal=REFUSAL if path == WORKERS else None), path, context)
        for path, each in serve.items()
    }


def socket_path(path: str) -> str:
    """A path as `endpoints` has it, which is the same for the workers of all pools."""
    is_workers = path.startswith("/work_pools/") and path.endswith("/workers/connect") and path.count("/") == 4
    return WORKERS if is_workers else path


def _counted(application: ASGIApp, path: str, context: Context) -> ASGIApp:
    """Count the sockets that are open."""

    async def counted(scope: Scope, receive: Receive, send: Send) -> None:
        context.tally.sockets[path] += 1
        try:
            await application(scope, receive, send)
        finally:
            context.tally.sockets[path] -= 1

    return counted


class Sockets:
    """What is done on each kind of socket after the handshake."""

    def __init__(self, context: Context, feed: Feed, queue: TaskQueue) -> None:
        self._settings = context.settings
        self._gateway = context.gateway
        self._feed = feed
        self._queue = queue

    async def events_in(self, socket: Socket) -> None:
        """Take one event per frame, and answer nothing.  A frame that is no event ends the connection (1011)."""
        if self._gateway.read_only:
            raise Refused(POLICY_VIOLATION, "This server is read-only.")
        intake = Intake(self._gateway)
        try:
            while True:
                data = await socket.receive()
                if len(data) > self._settings.events_maximum_event_size:
                    logger.warning("An event of %d bytes was refused", len(data))
                    continue
                await intake.put(incoming(wire.loads(Event, data)))
        except Invalid as error:
            logger.warning("A frame on /events/in is no event: %s", error.entries)
            raise Refused(INTERNAL_ERROR, "") from None
        finally:
            await intake.close()

    async def events_out(self, socket: Socket) -> None:
        """Send the events that pass the client's filter: stored ones, oldest first, then those that happen."""
        message = await _filter_message(socket)
        criteria = _validated(EventFilter, message)
        criteria.occurred = self._clamped(criteria.occurred)
        criteria.order = EventOrder.ASC
        position = await self._gateway.read(event_table.last_position, quick=True)
        if message.get("backfill", True):
            await self._send_stored(socket, criteria, newest=position)
        await _follow(socket, await self._feed.events.subscribe(criteria, after=position))

    async def logs_out(self, socket: Socket) -> None:
        """Send the log lines that pass the client's filter, as they are written."""
        criteria = _validated(LogFilter, await _filter_message(socket))
        if self._settings.logs_stream_out_enabled:
            await _follow(socket, await self._feed.logs.subscribe(criteria))
        else:
            await socket.wait_for_end()

    async def scheduled_task_runs(self, socket: Socket) -> None:
        """Hand out background tasks one by one, each to be acknowledged before the next."""
        task_keys, client_id = _task_subscription(await _task_message(socket))
        with self._queue.connected(client_id, task_keys):
            while (run := await self._next_task_run(socket, task_keys)) is not None:
                is_done = False
                try:
                    await socket.send_json(run.wire(orjson.Fragment)[0])
                    answer = (await _task_message(socket)).get("type")
                    is_done = answer == "ack"
                finally:
                    if not is_done:
                        self._queue.give_back(run)
                if answer == "quit":
                    return
                if answer != "ack":
                    raise Refused(PROTOCOL_VIOLATION, "Protocol violation: expected 'ack' message")

    def _clamped(self, occurred: EventOccurredFilter) -> EventOccurredFilter:
        """The range of a live filter: it looks back so far and no further, and without an end it has none."""
        now = datetime.now(UTC)
        earliest = now - timedelta(seconds=self._settings.events_maximum_websocket_backfill)
        until = END - timedelta.resolution if occurred.until is END else occurred.until
        return EventOccurredFilter(since=max(earliest, occurred.since), until=until)

    async def _send_stored(self, socket: Socket, criteria: EventFilter, *, newest: int) -> None:
        """Send what is stored up to a position, page by page."""
        limit = self._settings.events_websocket_backfill_page_size
        end: Cursor | None = None

        def read(tx: Tx) -> tuple[list[str], Cursor | None]:
            rows, last = event_pages.page(tx, criteria, limit=limit, after=end, newest=newest)
            return [frame("event", event) for event in rows.wire(orjson.Fragment)], last

        while True:
            frames, end = await self._gateway.read(read)
            for each in frames:
                await socket.send(each)
            if len(frames) < limit:
                return

    async def _next_task_run(self, socket: Socket, task_keys: list[str]) -> Rows[TaskRun] | None:
        """The next task run; None when the worker quits.  Raises Disconnected."""
        taking = asyncio.create_task(self._queue.take(task_keys))
        listening = asyncio.create_task(_task_message(socket))
        taken: Rows[TaskRun] | None = None
        try:
            while not taking.done():
                await asyncio.wait((taking, listening), return_when=asyncio.FIRST_COMPLETED)
                if listening.done():
                    if listening.result().get("type") == "quit":
                        return None
                    listening = asyncio.create_task(_task_message(socket))  # Prefect lets other frames pass here
            taken = taking.result()
            return taken
        finally:
            listening.cancel()
            if taken is None and taking.done() and not taking.cancelled() and not taking.exception():
                self._queue.give_back(taking.result())
            taking.cancel()


async def _follow(socket: Socket, subscription: Subscription[Any, Any]) -> None:
    """Send what a subscription brings until the client leaves or the server stops."""

    async def watch() -> None:
        await socket.wait_for_end()
        subscription.close()

    watching = asyncio.create_task(watch())
    try:
        while frames := await subscription.next():
            for each in frames:
                await socket.send(each)
        await socket.close(GOING_AWAY)
    finally:
        watching.cancel()
        subscription.close()


async def _filter_message(socket: Socket) -> dict[str, Any]:
    message = await socket.receive_json()
    if message.get("type") != "filter":
        raise Refused(PROTOCOL_ERROR, "Expected 'filter' message")
    return message


def _validated(hint: type[T], message: dict[str, Any]) -> T:
    try:
        return wire.validate(hint, message.get("filter"), ("filter",))
    except Invalid as error:
        entries = "; ".join(f"{'.'.join(map(str, entry['loc']))}: {entry['msg']}" for entry in error.entries)
        number = "1 validation error" if len(error.entries) == 1 else f"{len(error.entries)} validation errors"
        raise Refused(PROTOCOL_ERROR, f"Invalid filter: {number}: {entries}") from None  # Prefect begins it like this


async def _task_message(socket: Socket) -> dict[str, Any]:
    try:
        return await socket.receive_json()
    except Refused as error:
        raise Refused(PROTOCOL_VIOLATION, f"Protocol violation: {error.reason}") from None


def _task_subscription(message: dict[str, Any]) -> tuple[list[str], str]:
    """The task keys and the name of a worker that introduces itself."""
    if message.get("type") != "subscribe":
        raise Refused(PROTOCOL_VIOLATION, "Protocol violation: expected 'subscribe' message")
    task_keys, client_id = message.get("keys"), message.get("client_id")
    if not isinstance(task_keys, list) or not task_keys:
        raise Refused(PROTOCOL_VIOLATION, "Protocol violation: expected 'keys' in subscribe message")
    if not client_id:
        raise Refused(PROTOCOL_VIOLATION, "Protocol violation: expected 'client_id' in subscribe message")
    return [str(key) for key in cast("list[object]", task_keys)], str(client_id)
