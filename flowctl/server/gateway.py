"""The only bridge from async to sync: `await gateway.read(fn)`, `await gateway.write(fn)`; fn gets a Tx.

Reads run on a few threads with read-only connections, which writers never block.  Writes queue for one thread and
share commits: each has its own SAVEPOINT, a group is short, and nobody hears of a write before its commit.
"""

from __future__ import annotations

import asyncio
import queue
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeVar

from flowctl.db.database import Database, Tx, Writer
from flowctl.domain.errors import Busy, Forbidden
from flowctl.server.tally import WriterTally
from flowctl.settings import Settings, database_path

if TYPE_CHECKING:
    from flowctl.domain.events import ReceivedEvent
    from flowctl.ops.steps import Steps

T = TypeVar("T")
Listener = Callable[[list["ReceivedEvent"]], None]

GROUP_SECONDS = 0.008
"""How long a group may take writes in: another process's write waits this long, and its own time."""
GROUP_JOBS = 256
READ_THREADS = 2
"""More would only contend for the interpreter: a list is mostly made in Python."""


@dataclass(slots=True, eq=False)
class _Job:
    """A queued write and the future of whoever waits for it."""

    work: Callable[[Tx], Any]
    future: asyncio.Future[Any]
    loop: asyncio.AbstractEventLoop
    result: Any = None
    error: Exception | None = None
    tx: Tx | None = None


class Gateway:
    """Access to one database for any number of tasks.

    `start` opens it (and creates or upgrades it), `stop` ends what is queued and closes it; both may be called again.
    """

    def __init__(
        self, settings: Settings, *, read_only: bool = False, clock: Callable[[], datetime] | None = None
    ) -> None:
        self.settings = settings
        self.path = database_path(settings)
        self.read_only = read_only
        self.tally = WriterTally()
        self._clock = clock
        self._listeners: list[tuple[asyncio.AbstractEventLoop, Listener]] = []
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._reader: Database | None = None
        self._readers: ThreadPoolExecutor | None = None
        self._thread: threading.Thread | None = None

    @property
    def is_running(self) -> bool:
        """Whether `start` has been called, and `stop` has not."""
        return self._reader is not None

    @property
    def queued(self) -> int:
        """Writes that wait for the writer."""
        return self._jobs.qsize()

    def start(self) -> None:
        """Open the database and start the threads.  Raises Unusable or Busy."""
        if self.is_running:
            return
        if not self.read_only:
            if not self.settings.database_migrate_on_start:
                Database(self.path, self.settings, read_only=True).close()  # refuses a schema that is not up to date
            database = Database(self.path, self.settings, clock=self._clock)
            database.close()  # its writer has a connection of its own
            writer = database.writer()
            self._thread = threading.Thread(
                target=self._write_groups, args=(writer,), name="flowctl-writer", daemon=True
            )
            self._thread.start()
        self._reader = Database(self.path, self.settings, read_only=True, clock=self._clock)
        self._readers = ThreadPoolExecutor(READ_THREADS, thread_name_prefix="flowctl-reader")

    async def stop(self) -> None:
        """Finish the reads and the queued writes, then close the database."""
        reader, readers, thread = self._reader, self._readers, self._thread
        self._reader = self._readers = self._thread = None
        loop = asyncio.get_running_loop()
        if thread is not None:
            self._jobs.put(None)
            await loop.run_in_executor(None, thread.join)
        if readers is not None:
            await loop.run_in_executor(None, readers.shutdown)
        if reader is not None:
            reader.close()

    async def read(self, work: Callable[[Tx], T], *, quick: bool = False) -> T:
        """Do a read in its own snapshot.

        quick  on the event loop itself: for point reads, which cost less than the way to a thread and back
        """
        reader, readers = self._reader, self._readers
        if reader is None or readers is None:
            raise _not_running()
        if quick:
            return _read(reader, work)
        return await asyncio.get_running_loop().run_in_executor(readers, _read, reader, work)

    async def write(self, work: Callable[[Tx], T]) -> T:
        """Do a write; returns once it is committed.

        An error that `work` raises undoes this write alone; an error of the commit reaches every write of the group.
        If the caller is cancelled the write is still done, or never begun.  Raises Busy and Forbidden (read-only).
        """
        if self.read_only:
            raise Forbidden("This server is read-only.")
        if self._thread is None:
            raise _not_running()
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        self._jobs.put(_Job(work, future, loop))
        return await future

    async def run(self, start: Callable[[Tx], Steps[T]]) -> T:
        """Do all steps of a long piece of work, each as a write of its own."""
        return await self.finish(*await self.write(lambda tx: first_step(start(tx))))

    async def finish(self, steps: Steps[T] | None, result: T | None) -> T:
        """Go on with steps whose first one is done (`first_step`), and return their result."""
        while steps is not None:
            steps, result = await self.write(lambda tx, steps=steps: next_step(steps, tx))
        return result  # pyright: ignore[reportReturnType] - the last step's

    def on_commit(self, listener: Listener) -> Callable[[], None]:
        """Call `listener(events)` on the present event loop after each commit, with what it emitted, in order.

        Returns the function that ends it.
        """
        entry = (asyncio.get_running_loop(), listener)
        self._listeners.append(entry)

        def end() -> None:
            with suppress(ValueError):
                self._listeners.remove(entry)

        return end

    # -- on the writer thread

    def _write_groups(self, writer: Writer) -> None:
        """Take jobs until the None that `stop` puts behind the last one."""
        try:
            while (job := self._jobs.get()) is not None:
                if not self._write_group(writer, job):
                    return
        finally:
            writer.close()

    def _write_group(self, writer: Writer, first: _Job) -> bool:
        """Do the first job and the ones that queue behind it, and commit.  False if the queue's end came up."""
        try:
            writer.begin()
        except Exception as error:
            self.tally.failures += 1
            return self._fail_all(first, error)
        group: list[_Job] = []
        job: _Job | None = first
        lost: Exception | None = None
        until = time.monotonic() + GROUP_SECONDS
        while job is not None:
            if not job.future.cancelled():
                group.append(job)
                _do(job, writer)
                if not writer.in_transaction:  # SQLite gave up the whole group: disk full, out of memory
                    lost = job.error
                    break
            if len(group) >= GROUP_JOBS or time.monotonic() >= until:
                break
            try:
                job = self._jobs.get_nowait()
            except queue.Empty:
                break
        begun = time.perf_counter()
        try:
            writer.commit()
            self.tally.commit(time.perf_counter() - begun, len(group))
        except Exception as error:
            self.tally.failures += 1
            writer.rollback()
            for each in group:
                each.error = each.error or lost or error
        self._settle(group)
        return job is not None

    def _fail_all(self, first: _Job, error: Exception) -> bool:
        """Fail a job and all that queue behind it, which have waited as long.  False if the queue's end came up."""
        group = [first]
        more = True
        with suppress(queue.Empty):
            while (job := self._jobs.get_nowait()) is not None:
                group.append(job)
            more = False
        for job in group:
            job.error = error
        self._settle(group)
        return more

    def _settle(self, group: list[_Job]) -> None:
        """Tell the listeners and those who wait, each on its own loop."""
        done = [job.tx for job in group if job.tx and not job.error]
        if done:
            events = [event for tx in done for event in tx.emitted]
            for loop, listener in tuple(self._listeners):
                _call_on(loop, listener, events)
        for loop in {job.loop for job in group}:
            _call_on(loop, _resolve, [job for job in group if job.loop is loop])


def first_step(steps: Steps[T]) -> tuple[Steps[T] | None, T | None]:
    """Do the first step: the steps to go on with, or None and the result."""
    try:
        next(steps)
    except StopIteration as end:
        return None, end.value
    return steps, None


def _do(job: _Job, writer: Writer) -> None:
    try:
        job.result, job.tx = writer.run(job.work)
    except Exception as error:
        job.error = error


def next_step(steps: Steps[T], tx: Tx) -> tuple[Steps[T] | None, T | None]:
    """Do one more step in a new transaction: the steps to go on with, or None and the result."""
    try:
        steps.send(tx)
    except StopIteration as end:
        return None, end.value
    return steps, None


def _read(database: Database, work: Callable[[Tx], T]) -> T:
    with database.read() as tx:
        return work(tx)


def _resolve(jobs: list[_Job]) -> None:
    for job in jobs:
        if job.future.done():  # cancelled: its client has gone
            continue
        if job.error is not None:
            job.future.set_exception(job.error)
        else:
            job.future.set_result(job.result)


def _call_on(loop: asyncio.AbstractEventLoop, function: Callable[[Any], None], argument: object) -> None:
    with suppress(RuntimeError):  # the loop is closed: nobody is there to hear it
        loop.call_soon_threadsafe(function, argument)


def _not_running() -> Busy:
    return Busy("The server is starting or stopping.")
