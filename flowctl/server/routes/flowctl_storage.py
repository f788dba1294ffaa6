"""The database file: its room, its rules of retention, its backups."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, ClassVar

from annotated_types import Ge, Gt

from flowctl.db.database import Tx
from flowctl.domain.errors import Forbidden
from flowctl.domain.values import STRICT_BODY
from flowctl.ops import retention, storage
from flowctl.ops.pruning import Rules
from flowctl.server.endpoint import Call, Routes

routes = Routes("/flowctl", tag="Flowctl")


@dataclass(slots=True, kw_only=True)
class RetentionUpdate:
    """Rules of retention (`ops/pruning.py`); with nothing in it, runs stay until somebody deletes them."""

    __pydantic_config__: ClassVar[object] = STRICT_BODY
    older_than_seconds: Annotated[float, Ge(0)] | None = None
    keep_last: Annotated[int, Ge(0)] | None = None
    states: list[str] | None = None
    max_size_bytes: Annotated[int, Gt(0)] | None = None


@routes.read("GET", "/storage")
def read_storage(tx: Tx, call: Call) -> storage.Storage:
    """Tell what takes how much room in the database file, how it grows, what is deleted by itself, and its backups."""
    return storage.read(tx, call.context.gateway.path)


@routes.write("PUT", "/retention")
def update_retention(tx: Tx, body: RetentionUpdate) -> storage.Retention:
    """Choose which runs are deleted by themselves."""
    limits = (body.older_than_seconds, body.keep_last, body.max_size_bytes)
    rules = None
    if any(limit is not None for limit in limits):
        rules = Rules(
            older_than=body.older_than_seconds,
            keep_last=body.keep_last,
            states=tuple(body.states or ()),
            max_size=body.max_size_bytes,
        )
    retention.choose(tx, rules)
    return storage.read_retention(tx)


@routes.plain("POST", "/backups", status=201)
async def create_backup(call: Call) -> storage.BackupFile:
    """Copy the database into the folder `backups` beside it and check the copy; the last 7 copies stay."""
    gateway = call.context.gateway
    if gateway.read_only:
        raise Forbidden("This server is read-only.")
    return await asyncio.to_thread(storage.back_up, gateway.path, datetime.now().astimezone())
