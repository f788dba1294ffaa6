"""The runner: polls for the runs of its deployments, executes them on this machine, and ends in good order."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import shutil
import signal
from collections.abc import Awaitable, Coroutine
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Literal, TypeAlias, TypeVar
from uuid import UUID

from flowctl.domain.errors import FlowctlError
from flowctl.domain.values import JSONObject
from flowctl.runner import status, webserver
from flowctl.runner.cancellations import Cancellations
from flowctl.runner.client import Api
from flowctl.runner.control import ControlChannel
from flowctl.runner.execution import Code, Execution, Machine
from flowctl.runner.output import LogShipper
from flowctl.runner.poller import Deployments, Poller
from flowctl.runner.watchdog import Watchdog
from flowctl.settings import Settings

logger = logging.getLogger("flowctl.runner")

T = TypeVar("T")
OnStop: TypeAlias = Literal["finish", "handback"]

INTERRUPTED = 130
LAST_STATES_SECONDS = 30
"""How long runs that were handed back may take to say so to a server that is away."""
LAST_WORDS_SECONDS = 10
"""How long the last lines of output wait for a server that is away."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How to run.

    limit              runs at a time
    python             interpreter for all runs; None: that of each script's environment
    on_stop            what becomes of the runs when the runner is told to stop; a second request hands them back
    pause_on_shutdown  pause the deployments when the runner stops
    grace_seconds      how long a run may take to end once it is told to
    webserver          serve `/health` and its like
    """

    name: str = "runner"
    limit: int = 5
    python: str | None = None
    on_stop: OnStop = "finish"
    pause_on_shutdown: bool = False
    grace_seconds: float = 30.0
    webserver: bool = False


class Runner:
    """A runner; made inside the event loop in which it runs."""

    def __init__(self, api: Api, settings: Settings, options: Options, deployments: Deployments) -> None:
        self.api = api
        self.settings = settings
        self.options = options
        self.executions: dict[UUID, Execution] = {}
        self.started = datetime.now(UTC)
        self.is_stopping = False
        self.poller = Poller(
            api,
            deployments=deployments,
            submit=self._submit,
            every_seconds=settings.runner_poll_frequency,
            prefetch_seconds=settings.runner_prefetch_seconds,
        )
        self._loop = asyncio.get_running_loop()
        self._tasks: set[asyncio.Task[Any]] = set()
        self._stop = asyncio.Event()
        self._hand_back = asyncio.Event()
        self._signal: int | None = None
        self._storage = status.folder().with_name("code") / str(os.getpid())
        self._control = ControlChannel()
        self._watchdog = Watchdog(api.url, api.credentials)
        self._logs = LogShipper(api)
        self._machine = Machine(
            api=api,
            control=self._control,
            logs=self._logs,
            watchdog=self._watchdog,
            python=options.python,
            storage=self._storage,
            grace_seconds=options.grace_seconds,
        )

    @property
    def last_polled(self) -> datetime:
        """When the server last answered a poll."""
        return self.poller.last_polled

    @property
    def deployments(self) -> dict[UUID, JSONObject]:
        """What it polls for, by id."""
        return self.poller.deployments

    @property
    def python(self) -> str | None:
        """The interpreter that was given for all runs."""
        return self.options.python

    def has_slots_available(self) -> bool:
        """Whether there is room for one more run."""
        return not self.is_stopping and len(self.executions) < self.options.limit

    async def run(self) -> int:
        """Run until told to stop, by a signal or `stop()`; the exit code.  Raises FlowctlError when it cannot start."""
        with contextlib.suppress(OSError):  # only deployments that pull their code miss it
            self._storage.mkdir(parents=True, exist_ok=True)
        await self._control.start()
        self._watchdog.ready()
        cancellations = Cancellations(
            self.api,
            watched=lambda: self.executions,
            cancel=self.cancel,
            every_seconds=self.settings.runner_poll_frequency,
        )
        try:
            with self._signals():
                server = await webserver.open_server(self) if self.options.webserver else None
                background = [cancellations.run(), self._logs.run(), self._keep_status(server)]
                loops = [asyncio.create_task(loop) for loop in (self.poller.run(), *background)]
                if server is not None:
                    loops.append(asyncio.create_task(server.serve_quietly()))
                stop = asyncio.create_task(self._stop.wait())
                await asyncio.wait([stop, *loops], return_when=asyncio.FIRST_COMPLETED)
                loops[0].cancel()
                await self._end_runs()
                await self._cancel_all([stop, *loops])
        finally:
            await self._close()
        return INTERRUPTED if self._signal == signal.SIGINT else 0

    def stop(self, on_stop: OnStop | None = None) -> None:
        """Stop polling, and end as `on_stop` says; called again, runs are handed back.  For the runner's own loop."""
        if self._stop.is_set() or (on_stop or self.options.on_stop) == "handback":
            self._hand_back.set()
        self.is_stopping = True
        self._stop.set()

    def cancel(self, run_id: UUID) -> None:
        """Cancel a run that is executed here."""
        if run_id in self.executions:
            self._spawn(self.executions[run_id].cancel())

    def execute(self, run: JSONObject, code: Code) -> bool:
        """Begin to execute a run; False when there is no room for it, or it is executed already."""
        run_id = UUID(run["id"])
        if run_id in self.executions or not self.has_slots_available():
            return False
        execution = self.executions[run_id] = Execution(self._machine, run, code)
        self._spawn(self._execute(execution))
        return True

    async def call(self, work: Coroutine[Any, Any, T]) -> T:
        """Do work in the runner's own loop, from whatever loop this is called in."""
        if asyncio.get_running_loop() is self._loop:
            return await work
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work, self._loop))

    def _submit(self, run: JSONObject, deployment: JSONObject) -> bool:
        return UUID(run["id"]) in self.executions or self.execute(run, Code.of(deployment))

    async def _execute(self, execution: Execution) -> None:
        try:
            await execution.run()
        finally:
            self.executions.pop(execution.id, None)
            self.poller.wake()

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            logger.error("An unexpected error", exc_info=error)

    async def _end_runs(self) -> None:
        """Pause the deployments if so asked; wait for the runs, or hand them back."""
        if self.options.pause_on_shutdown:
            await self._pause_deployments()
        if self.executions and not self._hand_back.is_set():
            count = len(self.executions)
            logger.warning("Finishing %d run%s; stop again to hand back what is left", count, "" if count == 1 else "s")
            hand_back = asyncio.create_task(self._hand_back.wait())
            while self._tasks and not hand_back.done():
                await asyncio.wait([*self._tasks, hand_back], return_when=asyncio.FIRST_COMPLETED)
            hand_back.cancel()
        if self.executions:
            await asyncio.gather(*(execution.hand_back() for execution in list(self.executions.values())))
        if self._tasks:
            _, left = await asyncio.wait(self._tasks, timeout=self.options.grace_seconds + LAST_STATES_SECONDS)
            if left:
                logger.error("%d runs were left as they are: the server is away", len(self.executions))
                await self._cancel_all([*left])
        with contextlib.suppress(FlowctlError):
            await self._logs.flush(patience=LAST_WORDS_SECONDS)

    async def _pause_deployments(self) -> None:
        for deployment_id in self.deployments:
            try:
                await self.api.call("POST", f"/deployments/{deployment_id}/pause_deployment", {}, patience=5)
            except FlowctlError as error:
                logger.warning("A deployment could not be paused: %s", error)

    async def _keep_status(self, server: webserver.RunnerServer | None) -> None:
        about = status.RunnerStatus(
            pid=os.getpid(),
            name=self.options.name,
            api=self.api.url,
            started=self.started,
            last_polled=self.last_polled,
            limit=self.options.limit,
            webserver=server.url if server else None,
        )
        while True:
            status.write(
                replace(
                    about,
                    last_polled=self.last_polled,
                    deployments=[str(each["name"]) for each in self.deployments.values()],
                    runs=[execution.name for execution in self.executions.values()],
                    is_stopping=self.is_stopping,
                )
            )
            await asyncio.sleep(1)

    @staticmethod
    async def _cancel_all(tasks: list[asyncio.Task[Any]]) -> None:
        for task in tasks:
            task.cancel()
        for result in await asyncio.gather(*tasks, return_exceptions=True):
            if isinstance(result, Exception):
                raise result

    async def _close(self) -> None:
        status.remove(os.getpid())
        closing: list[Awaitable[None]] = [execution.kill() for execution in self.executions.values()]
        await asyncio.gather(*closing)
        await self._control.close()
        self._watchdog.close()
        await self.api.close()
        shutil.rmtree(self._storage, ignore_errors=True)

    @contextlib.contextmanager
    def _signals(self) -> Any:
        """SIGINT and SIGTERM stop the runner, where it has the main thread."""

        def stop(number: int) -> None:
            self._signal = self._signal or number
            self.stop()

        handled = (signal.SIGINT, signal.SIGTERM)
        originals = {number: signal.getsignal(number) for number in handled}
        try:
            for number in handled:
                self._loop.add_signal_handler(number, stop, number)
        except (NotImplementedError, RuntimeError, ValueError):  # Windows, or not the main thread
            yield
            return
        try:
            yield
        finally:
            for number, original in originals.items():
                self._loop.remove_signal_handler(number)
                signal.signal(number, original)
