"""Lifespan: starts and stops the parts of an application, once for all who use the same one."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from flowctl.server import background
from flowctl.server.background import Services

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

    from flowctl.db.database import Tx
    from flowctl.server.call import Context

logger = logging.getLogger("flowctl.server")

StartOp = tuple[str, Callable[["Tx"], object]]
"""Work done once at each start, after the migrations, and the setting that permits it."""

START_OPS: Final[tuple[StartOp, ...]] = ()


class Lifespan:
    """The ASGI lifespan protocol, and `start` and `stop` for whoever drives an application by hand.

    A cached application may be entered several times: the first starts it, the last stops it.
    """

    def __init__(self, context: Context, *, run_services: bool) -> None:
        self._context = context
        self._run_services = run_services and context.settings.services_enabled and not context.gateway.read_only
        self._entered = 0

    async def start(self) -> None:
        """Open the database (creating or upgrading it), do the work of a start, start the services."""
        self._entered += 1
        if self._entered > 1:
            return
        context = self._context
        try:
            await asyncio.get_running_loop().run_in_executor(None, context.gateway.start)
            if not context.gateway.read_only:
                for setting, op in START_OPS:
                    if getattr(context.settings, setting):
                        await context.gateway.write(op)
            for part in context.parts:
                await part.start()
            if self._run_services:
                context.services = Services(context.gateway, background.SERVICES)
                context.services.start(context.settings)
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """Stop the services, finish what is queued, close the database."""
        self._entered -= 1
        if self._entered > 0:
            return
        context = self._context
        if context.services is not None:
            await context.services.stop()
            context.services = None
        for part in reversed(context.parts):
            await part.stop()
        await context.gateway.stop()

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
