"""Lifespan: starts and stops the parts of an application, once for all who use the same one."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

    from flowctl.db.database import Tx
    from flowctl.server.background import Services
    from flowctl.server.call import Context

logger = logging.getLogger("flowctl.server")

StartOp = tuple[str, Callable[["Tx"], object]]
"""Work done once at each start, after the migrations, and the setting that permits it."""

START_OPS: tuple[StartOp, ...] = ()

SERVICES_AFTER_SECONDS: float = 0.5
"""How long the services leave a server that has just started to those who wait for it."""


class Lifespan:
    """The ASGI lifespan protocol, and `start` and `stop` for whoever drives an application by hand.

    A cached application may be entered several times: the first starts it, the last stops it.
    """

    def __init__(self, context: Context, *, run_services: bool) -> None:
        self._context = context
        self._run_services = run_services and context.settings.services_enabled and not context.gateway.read_only
        self._entered = 0
        self._starting: asyncio.Task[None] | None = None
        self._begun: asyncio.Future[None] | None = None

    async def begin(self) -> None:
        """Start an application that is called although nobody entered its lifespan, as a test or an embedder may do.

        It runs until the process ends, or `stop` is called.  Raises what starting raises, also for later calls.
        """
        if self._begun is None:
            if self._context.is_entered:
                return
            self._begun = asyncio.ensure_future(self.start())
        if self._begun.done():
            self._begun.result()
        else:
            await asyncio.shield(self._begun)

    async def start(self) -> None:
        """Open the database (creating or upgrading it), do the work of a start, start the services."""
        self._entered += 1
        if self._entered > 1:
            return
        context = self._context
        context.is_entered = True
        try:
            await asyncio.get_running_loop().run_in_executor(None, context.gateway.start)
            if not context.gateway.read_only:
                for setting, op in START_OPS:
                    if getattr(context.settings, setting):
                        await context.gateway.write(op)
            await context.start_parts()
            if self._run_services:
                self._starting = asyncio.create_task(self._start_services(), name="start of the services")
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """Stop the services, finish what is queued, close the database."""
        self._entered -= 1
        if self._entered > 0:
            return
        context = self._context
        if self._starting is not None:
            self._starting.cancel()
            await asyncio.wait((self._starting,))
            self._starting = None
        if context.services is not None:
            await context.services.stop()
            context.services = None
        await context.stop_parts()
        await context.gateway.stop()

    async def _start_services(self) -> None:
        await asyncio.sleep(SERVICES_AFTER_SECONDS)
        try:
            services = await asyncio.to_thread(_services, self._context)
            services.start(self._context.settings)
        except Exception:
            logger.exception("The background services could not be started")
        else:
            self._context.services = services

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve the ASGI lifespan protocol."""
        await receive()
        try:
            await self.start()
        except Exception as error:
            await send({"type": "lifespan.startup.failed", "message": str(error)})
            raise
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await self.stop()
        await send({"type": "lifespan.shutdown.complete"})


def _services(context: Context) -> Services:
    from flowctl.server import background  # noqa: PLC0415 - start-up budget

    return background.Services(context.gateway, background.SERVICES)
