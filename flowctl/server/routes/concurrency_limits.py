"""Concurrency limits of the first generation: on tags of task runs."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flowctl.db.database import Tx
from flowctl.domain.concurrency_limits import (
    ConcurrencyLimit,
    ConcurrencyLimitCreate,
    LimitsQuery,
    MinimalConcurrencyLimit,
    TagReset,
    TagSlots,
)
from flowctl.ops import concurrency_limits as ops
from flowctl.ops import concurrency_slots as slots
from flowctl.server.endpoint import Reply, Routes

routes = Routes("/concurrency_limits", tag="Concurrency Limits")


@routes.write("POST", "/")
def create_concurrency_limit(tx: Tx, body: ConcurrencyLimitCreate) -> Reply[ConcurrencyLimit]:
    """Create a limit on a tag (201), or set the number of the one that exists (200)."""
    limit, is_new = ops.create_for_tag(tx, body)
    return Reply(limit, status=201 if is_new else 200)


@routes.read("GET", "/{id}")
def read_concurrency_limit(tx: Tx, id: UUID) -> ConcurrencyLimit:
    """Get a limit on a tag by its id."""
    return ops.read_tag_limit(tx, id)


@routes.read("GET", "/tag/{tag}")
def read_concurrency_limit_by_tag(tx: Tx, tag: str) -> ConcurrencyLimit:
    """Get a limit by its tag."""
    return ops.read_by_tag(tx, tag)


@routes.read("POST", "/filter")
def read_concurrency_limits(tx: Tx, body: LimitsQuery) -> list[ConcurrencyLimit]:
    """List limits on tags."""
    return ops.find_tag_limits(tx, limit=body.limit, offset=body.offset)


@routes.write("POST", "/tag/{tag}/reset", status=200)
def reset_concurrency_limit_by_tag(tx: Tx, tag: str, body: TagReset) -> None:
    """Let nobody, or only the named task runs, hold slots."""
    ops.reset_tag(tx, tag, body.slot_override)


@routes.write("DELETE", "/{id}", status=200)
def delete_concurrency_limit(tx: Tx, id: UUID) -> None:
    """Delete a limit by its id."""
    ops.delete_tag_limit(tx, id)


@routes.write("DELETE", "/tag/{tag}", status=200)
def delete_concurrency_limit_by_tag(tx: Tx, tag: str) -> None:
    """Delete a limit by its tag."""
    ops.delete_by_tag(tx, tag)


@routes.write("POST", "/increment")
def increment_concurrency_limits_v1(tx: Tx, body: TagSlots) -> Reply[list[MinimalConcurrencyLimit]]:
    """Take a slot of each limit for a task run, or of none."""
    taken = slots.increment_tags(tx, body)
    if not isinstance(taken, slots.Locked):
        return Reply(taken)
    wait = taken.retry_after_seconds
    locked: Any = {"detail": taken.detail}
    return Reply(locked, status=423, headers=None if wait is None else {"Retry-After": str(wait)})


@routes.write("POST", "/decrement")
def decrement_concurrency_limits_v1(tx: Tx, body: TagSlots) -> list[MinimalConcurrencyLimit]:
    """Give back the slots that a task run holds."""
    return slots.decrement_tags(tx, body)
