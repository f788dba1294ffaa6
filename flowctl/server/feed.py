"""Feed: live events and log lines, told to whoever subscribes, in the order of their commits.

Both are followed in the database: after each commit of this process, and once a second for what others (the CLI) wrote,
the rows behind the last known position are read once for all subscribers.  What a subscriber cannot take at once waits
in a short queue; when that is full it is emptied, and the subscriber reads on from the database at its own pace.  So
nothing is lost or told twice, and nobody's slowness costs memory.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, Generic, Protocol, TypeVar

import orjson

from flowctl import wire
from flowctl.db.tables import events as event_table
from flowctl.db.tables import logs as log_table
from flowctl.domain import event_filters, log_matching
from flowctl.domain.event_filters import EventFilter
from flowctl.domain.events import ReceivedEvent
from flowctl.domain.log_filters import LogFilter
from flowctl.domain.logs import Log

if TYPE_CHECKING:
    from flowctl.db.columns import Columns
    from flowctl.db.database import Tx
    from flowctl.server.gateway import Gateway

logger = logging.getLogger("flowctl.server")

POLL_SECONDS: Final = 1.0
"""How soon what another process wrote is seen."""
BACKLOG: Final = 256
"""Items that one subscriber may have waiting in memory."""
_CHUNK: Final = 100
"""Rows of one read: some 2 ms of the event loop."""

T = TypeVar("T")
F = TypeVar("F")
F_contra = TypeVar("F_contra", contravariant=True)


class Source(Protocol[T, F_contra]):
    """A table that is only added to, as far as a feed cares."""

    kind: str
    """The type of the frames, and the key of the item in them."""
    columns: Columns[T]

    def last_position(self, tx: Tx) -> int:
        """Of the newest row; 0 if there is none."""
        ...

    def after(self, tx: Tx, position: int, *, limit: int) -> list[tuple[Any, ...]]:
        """The next rows of `columns`, each with its position behind."""
        ...

    def passes(self, criteria: F_contra, value: T) -> bool:
        """Whether a subscriber with this filter wants to hear of it."""
        ...


class EventSource:
    """The table events."""

    kind = "event"
    columns = event_table.EVENT

    def last_position(self, tx: Tx) -> int:
        return event_table.last_position(tx)

    def after(self, tx: Tx, position: int, *, limit: int) -> list[tuple[Any, ...]]:
        return event_table.after(tx, position, limit=limit)

    def passes(self, criteria: EventFilter, value: ReceivedEvent) -> bool:
        return event_filters.includes(criteria, value)


class LogSource:
    """The table log."""

    kind = "log"
    columns = log_table.LOG

    def last_position(self, tx: Tx) -> int:
        return log_table.last_position(tx)

    def after(self, tx: Tx, position: int, *, limit: int) -> list[tuple[Any, ...]]:
        return log_table.after(tx, position, limit=limit)

    def passes(self, criteria: LogFilter, value: Log) -> bool:
        return log_matching.includes(criteria, value)


class Item(Generic[T, F]):
    """A row on its way to subscribers: read and written as JSON once for all of them, when first needed."""

    def __init__(self, source: Source[T, F], row: tuple[Any, ...], tx: Tx) -> None:
        self._source = source
        self._row = row
        self._now = tx.now
        self.position: int = row[-1]

    @cached_property
    def value(self) -> T:
        """The entity."""
        return self._source.columns.entity(self._row, self._now)

    @cached_property
    def frame(self) -> str:
        """The message that tells it."""
        return frame(self._source.kind, self._source.columns.wire(self._row, self._now, orjson.Fragment))


def frame(kind: str, value: object) -> str:
    """The message that tells an event or a log line."""
    return wire.dumps({"type": kind, kind: value}).decode()


class Subscription(Generic[T, F]):
    """What one subscriber wants to hear, and how far it has."""

    def __init__(self, channel: Channel[T, F], criteria: F, position: int) -> None:
        self._channel = channel
        self._criteria = criteria
        self._position = position
        self._queue: deque[Item[T, F]] = deque()
        self._is_behind = True
        """Whether there may be something in the database that is not in the queue."""
        self._news = asyncio.Event()
        self._closed = False

    async def next(self) -> list[str]:
        """The next frames, at least one; none when the subscription is closed."""
        while not self._closed:
            if self._is_behind:
                frames = await self._catch_up()
                await asyncio.sleep(0)  # requests go on between two chunks
            elif self._queue:
                frames = [item.frame for item in self._queue]
                self._position = self._queue[-1].position
                self._queue.clear()
            else:
                self._news.clear()
                await self._news.wait()
                continue
            if frames:
                return frames
        return []

    def offer(self, items: Sequence[Item[T, F]]) -> None:
        """Queue those that the filter lets pass."""
        if self._is_behind:
            return
        wanted = [
            item
            for item in items
            if item.position > self._position and self._channel.source.passes(self._criteria, item.value)
        ]
        if len(self._queue) + len(wanted) > BACKLOG:
            self._queue.clear()
            self._is_behind = True
        elif wanted or self._queue:
            self._queue += wanted
        else:
            self._position = max(self._position, items[-1].position)
        if wanted:
            self._news.set()

    def close(self) -> None:
        """End it; whoever waits in `next` gets nothing more."""
        self._closed = True
        self._news.set()
        self._channel.remove(self)

    async def _catch_up(self) -> list[str]:
        """Read on in the database."""
        items = await self._channel.read_after(self._position)
        self._position = items[-1].position if items else max(self._position, self._channel.position)
        self._is_behind = self._position < self._channel.position  # if not, `offer` has all that follows
        return [item.frame for item in items if self._channel.source.passes(self._criteria, item.value)]


class Channel(Generic[T, F]):
    """One table, its follower and its subscribers.  The follower runs only while there are some."""

    def __init__(self, gateway: Gateway, source: Source[T, F]) -> None:
        self.source = source
        self.position = 0
        """How far the table has been read for all."""
        self._gateway = gateway
        self._subscriptions: set[Subscription[T, F]] = set()
        self._follower: asyncio.Task[None] | None = None
        self._news = asyncio.Event()

    async def subscribe(self, criteria: F, *, after: int | None = None) -> Subscription[T, F]:
        """Tell what is stored after a position (default: from now on) and passes the filter."""
        if after is None:
            after = await self._gateway.read(self.source.last_position, quick=True)
        subscription = Subscription(self, criteria, after)
        self._subscriptions.add(subscription)
        if self._follower is None:
            self.position = after
            self._follower = asyncio.create_task(self._follow(), name=f"feed of {self.source.kind}s")
        return subscription

    def remove(self, subscription: Subscription[T, F]) -> None:
        """Forget a subscription."""
        self._subscriptions.discard(subscription)
        if not self._subscriptions and self._follower is not None:
            self._follower.cancel()
            self._follower = None

    def wake(self) -> None:
        """Look at the table now."""
        self._news.set()

    def close(self) -> None:
        """End all subscriptions."""
        for subscription in tuple(self._subscriptions):
            subscription.close()

    async def read_after(self, position: int) -> list[Item[T, F]]:
        """The next items after a position."""

        def read(tx: Tx) -> list[Item[T, F]]:
            return [Item(self.source, row, tx) for row in self.source.after(tx, position, limit=_CHUNK)]

        return await self._gateway.read(read, quick=True)

    async def _follow(self) -> None:
        while True:
            self._news.clear()
            try:
                await self._tell_news()
            except Exception:  # the supervisor: whatever it is, it must not end the feed
                logger.exception("The feed of %ss failed, and will be tried again", self.source.kind)
                await asyncio.sleep(POLL_SECONDS)
            with suppress(TimeoutError):
                await asyncio.wait_for(self._news.wait(), POLL_SECONDS)

    async def _tell_news(self) -> None:
        while items := await self.read_after(self.position):
            self.position = items[-1].position
            for subscription in tuple(self._subscriptions):
                subscription.offer(items)
            await asyncio.sleep(0)  # requests go on between two chunks


class Feed:
    """The channels of one application; starts and stops with it."""

    def __init__(self, gateway: Gateway) -> None:
        self.events: Channel[ReceivedEvent, EventFilter] = Channel(gateway, EventSource())
        self.logs: Channel[Log, LogFilter] = Channel(gateway, LogSource())
        self._gateway = gateway
        self._end: Callable[[], None] | None = None

    async def start(self) -> None:
        """Listen to this process's commits."""
        self._end = self._gateway.on_commit(self._wake)

    async def stop(self) -> None:
        """End all subscriptions."""
        if self._end is not None:
            self._end()
            self._end = None
        self.events.close()
        self.logs.close()

    def _wake(self, _events: list[ReceivedEvent]) -> None:
        self.events.wake()
        self.logs.wake()
