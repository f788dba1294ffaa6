"""Run a server in this process until it is told to stop: uvicorn on a socket of ours, with the app.

`flowctl serve` calls `serve`; `python -m flowctl.server.run` does the same without the command line's dependencies.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Generator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import uvicorn

from flowctl import __version__
from flowctl.domain.errors import FlowctlError
from flowctl.server import logs
from flowctl.server.app import App, create_app
from flowctl.server.lock import ServerLock
from flowctl.server.logs import LogFormat
from flowctl.server.ports import listen
from flowctl.settings import Settings, database_path, load

if TYPE_CHECKING:
    import socket

logger = logging.getLogger("flowctl.server")

INTERRUPTED = 130
GRACE_SECONDS = 5
"""How long requests that run may take once the server is told to stop."""
SOCKET_GRACE_SECONDS = 1.5
"""How long websockets may take; a client that does not read would hold the server up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How to run, besides the settings.

    ready_json  print one line of JSON when the server answers, instead of the line to export
    ephemeral   no dashboard, no services
    leashed     stop when standard input ends: whoever started this process is gone
    arguments   those of `flowctl serve`, for whoever wants to start it again
    """

    read_only: bool = False
    ready_json: bool = False
    ephemeral: bool = False
    leashed: bool = False
    arguments: tuple[str, ...] = ()
    log_format: LogFormat = "text"


def serve(settings: Settings, options: Options) -> int:
    """Serve until SIGTERM (0) or SIGINT (130).

    Raises Busy when another server has the database, Unusable when the file cannot be used, FlowctlError when the port
    is taken.
    """
    started = time.monotonic()
    logs.configure(settings.log_level, options.log_format)
    sock = listen(settings.host, settings.port)
    try:
        settings = replace(settings, port=sock.getsockname()[1])
        lock = None if options.read_only else ServerLock(database_path(settings))
        try:
            app = create_app(settings, options.ephemeral, final=True, read_only=options.read_only)
            server = _Server(app, sock, _Announcement(app, options, lock, started))
            with asyncio.Runner(loop_factory=server.config.get_loop_factory()) as runner:
                return runner.run(server.serve_app())
        finally:
            if lock is not None:
                lock.release()
    finally:
        sock.close()


class _Server(uvicorn.Server):
    """uvicorn's server with our start and stop: it does not poll ten times a second, nor raise its signal again."""

    def __init__(self, app: App, sock: socket.socket, announcement: _Announcement) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                interface="asgi3",
                lifespan="off",
                log_config=None,
                access_log=False,
                server_header=False,
                timeout_keep_alive=app.settings.keepalive_timeout,
                timeout_graceful_shutdown=GRACE_SECONDS,
            )
        )
        self._app = app
        self._sock = sock
        self._announcement = announcement
        self._is_leashed = announcement.options.leashed
        self._stopped = asyncio.Event()
        self._signal: int | None = None

    async def serve_app(self) -> int:
        """Start the application, serve, stop it; the exit code."""
        await self._app.lifespan.start()
        try:
            await self.serve(sockets=[self._sock])
        finally:
            await self._app.lifespan.stop()
        return INTERRUPTED if self._signal == signal.SIGINT else 0

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to accept, then say so."""
        await super().startup(sockets)
        if self.started:
            await self._announcement.make()

    async def main_loop(self) -> None:
        """Sleep until told to stop; once a second the Date header moves on."""
        counter = 0
        while not await self.on_tick(counter):
            counter += 10
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stopped.wait(), 1)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Close all connections; websockets whose closing frame does not get through are cut off."""
        asyncio.get_running_loop().call_later(SOCKET_GRACE_SECONDS, self._cut_websockets)
        await super().shutdown(sockets)

    def _cut_websockets(self) -> None:
        for connection in tuple(self.server_state.connections):
            if type(connection).__module__.startswith("uvicorn.protocols.websockets"):
                connection.transport.abort()

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """SIGINT and SIGTERM end the main loop; a second SIGINT does not wait for running requests."""
        loop = asyncio.get_running_loop()
        originals = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

        def stop(number: int) -> None:
            self._signal = self._signal or number
            self.handle_exit(number, None)
            self._stopped.set()

        for number in originals:
            try:
                loop.add_signal_handler(number, stop, number)
            except NotImplementedError:  # Windows
                signal.signal(number, lambda number, _frame: loop.call_soon_threadsafe(stop, number))
        if self._is_leashed:
            threading.Thread(target=_outlive_nobody, args=(loop, stop), daemon=True).start()
        try:
            yield
        finally:
            for number, original in originals.items():
                with contextlib.suppress(NotImplementedError):
                    loop.remove_signal_handler(number)
                signal.signal(number, original)


def _outlive_nobody(loop: asyncio.AbstractEventLoop, stop: Callable[[int], None]) -> None:
    """Wait for the end of standard input, then stop the server."""
    with contextlib.suppress(OSError):
        while os.read(0, 64):
            pass
    with contextlib.suppress(RuntimeError):  # the loop is over
        loop.call_soon_threadsafe(stop, signal.SIGTERM)


@dataclass(frozen=True, slots=True)
class _Announcement:
    """What a server says when it is ready: a line to export on stdout, a line about itself on stderr."""

    app: App
    options: Options
    lock: ServerLock | None
    started: float

    async def make(self) -> None:
        """Say it, and once for each file what becomes of its runs."""
        await self._say_ready()
        settings = self.app.settings
        if self.lock is None or self.options.ephemeral:
            return
        if settings.services_enabled and settings.services_retention_enabled:
            await self._introduce_retention()

    async def _introduce_retention(self) -> None:
        from flowctl.ops import retention  # noqa: PLC0415 - start-up budget

        gateway = self.app.context.gateway
        if await gateway.read(retention.read) is None and (told := await gateway.write(retention.introduce)):
            if self.options.ready_json:
                logger.warning(told)
            else:
                sys.stderr.write(told + "\n")

    async def _say_ready(self) -> None:
        url = server_url(self.app.settings)
        api = url + self.app.api_base
        path = database_path(self.app.settings)
        if self.lock is not None:
            self.lock.announce(url=url, api=api, arguments=self.options.arguments)
        if self.options.ready_json:
            facts = {"url": url, "api": api, "pid": os.getpid(), "db": str(path), "version": __version__}
            self._write(json.dumps(facts))
            return
        runs = await self.app.context.gateway.read(lambda tx: tx.scalar("SELECT count(*) FROM flow_run"))
        seconds = time.monotonic() - self.started
        sys.stderr.write(
            f"flowctl {__version__}  {url}   api {self.app.api_base}   "
            f"db {_short(path)} ({_size(path)}, {runs:,} runs)   ready in {seconds:.1f} s\n"
        )
        self._write(f"export PREFECT_API_URL={api}")

    @staticmethod
    def _write(line: str) -> None:
        sys.stdout.write(line + "\n")
        sys.stdout.flush()


def server_url(settings: Settings) -> str:
    """Where this machine reaches the server."""
    host = {"0.0.0.0": "127.0.0.1", "::": "[::1]", "": "127.0.0.1"}.get(settings.host, settings.host)
    if ":" in host and not host.startswith("["):
        host = f"[{host}]"
    return f"http://{host}:{settings.port}"


def _short(path: Path) -> str:
    home = Path.home()
    return f"~/{path.relative_to(home)}" if path.is_relative_to(home) else str(path)


def _size(path: Path) -> str:
    size = float(path.stat().st_size)
    for unit in ("bytes", "kB", "MB", "GB"):
        if size < 1000:
            return f"{size:.0f} {unit}"
        size /= 1000
    return f"{size:.1f} TB"


def main(arguments: list[str] | None = None) -> int:
    """Serve with the settings of the environment and a few flags; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m flowctl.server.run")
    parser.add_argument("--host")
    parser.add_argument("--port", type=int)
    parser.add_argument("--db", type=Path)
    parser.add_argument("--ephemeral", action="store_true", help="no dashboard, no services")
    parser.add_argument("--no-ui", action="store_true", help="no dashboard")
    parser.add_argument("--no-retention", action="store_true", help="let runs and events stay")
    parser.add_argument("--leashed", action="store_true", help="stop when standard input ends")
    parser.add_argument("--ready-json", action="store_true", help="print one line of JSON when ready")
    given = parser.parse_args(arguments)
    names = ("host", "port", "db")
    changes: dict[str, Any] = {name: getattr(given, name) for name in names if getattr(given, name) is not None}
    if given.no_ui:
        changes["ui_enabled"] = False
    if given.no_retention:
        changes["services_retention_enabled"] = False
    options = Options(ephemeral=given.ephemeral, ready_json=given.ready_json, leashed=given.leashed)
    try:
        return serve(replace(load(profile=True), **changes), options)
    except (FlowctlError, ValueError) as error:
        sys.stderr.write(f"{error}\n")
        return 1


if __name__ == "__main__":
    sys.exit(main())
