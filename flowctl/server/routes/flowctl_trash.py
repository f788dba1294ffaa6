"""Deleting flow runs into the trash, and bringing them back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar
from uuid import UUID

from annotated_types import Ge, Le

from flowctl.db.database import Tx
from flowctl.domain.errors import Invalid
from flowctl.domain.flow_run_filters import FlowRunFilter
from flowctl.domain.trash import Deleted, Emptied, Extent, Restored, TrashFound
from flowctl.ops import trash, trash_restore
from flowctl.ops.steps import Steps
from flowctl.server.endpoint import Call, Routes

routes = Routes("/flowctl", tag="Flowctl")

PAGE = 200


@dataclass(slots=True, kw_only=True)
class RunsDelete:
    """Which runs to delete, and how: `ids`, or all that match `flow_runs`.

    batch      go on with this one; None: a batch of their own
    keep_logs  leave the log lines
    purge      put nothing into the trash
    limit      so many runs; the answer tells if there are more
    """

    NULL_IS_DEFAULT: ClassVar[bool] = True

    ids: list[UUID] | None = None
    flow_runs: FlowRunFilter | None = None
    batch: UUID | None = None
    keep_logs: bool = False
    purge: bool = False
    limit: Annotated[int, Ge(1)] | None = None


@dataclass(slots=True, kw_only=True)
class RunsExtent:
    """Runs of which is asked how much hangs on them."""

    ids: list[UUID]


@dataclass(slots=True, kw_only=True)
class TrashFilter:
    """What to look for in the trash.

    batch      only runs of this one
    reference  only runs that are so named or whose id begins so, and batches whose id begins so
    """

    NULL_IS_DEFAULT: ClassVar[bool] = True

    batch: UUID | None = None
    reference: str | None = None
    limit: Annotated[int, Ge(0), Le(PAGE)] = PAGE
    offset: Annotated[int, Ge(0)] = 0


@dataclass(slots=True, kw_only=True)
class TrashRestore:
    """What to bring back: a batch, runs by their `ids`, or with neither what was deleted last."""

    NULL_IS_DEFAULT: ClassVar[bool] = True

    batch: UUID | None = None
    ids: list[UUID] | None = None
    limit: Annotated[int, Ge(1)] | None = None


@dataclass(slots=True, kw_only=True)
class TrashEmpty:
    """What to forget: a batch, runs by their `ids`, or with neither all of it."""

    NULL_IS_DEFAULT: ClassVar[bool] = True

    batch: UUID | None = None
    ids: list[UUID] | None = None


@routes.plain("POST", "/runs/delete")
async def delete_runs(body: RunsDelete, call: Call) -> Deleted:
    """Delete flow runs with what hangs on them; they can be brought back for 7 days, unless `purge` is set."""
    gateway, criteria = call.context.gateway, body.flow_runs
    if (body.ids is None) == (criteria is None):
        raise Invalid("Give `ids` or `flow_runs`, one of them.")
    ids = body.ids or []
    if criteria is not None:  # what matches is looked for while others write
        ids = await gateway.read(lambda tx: trash.matching(tx, criteria, body.limit))
    how = trash.How(batch=body.batch, keep_logs=body.keep_logs, purge=body.purge, matching=criteria, limit=body.limit)
    return await gateway.run(lambda tx: trash.delete(tx, ids, how))


@routes.read("POST", "/runs/extent")
def read_extent(tx: Tx, body: RunsExtent) -> Extent:
    """Tell how much deleting these flow runs would take along."""
    return trash.extent(tx, body.ids)


@routes.read("POST", "/trash/filter")
def read_trash(tx: Tx, body: TrashFilter) -> TrashFound:
    """List the flow runs in the trash, the last deleted first, and what was deleted together."""
    return trash.find(tx, batch=body.batch, reference=body.reference, limit=body.limit, offset=body.offset)


@routes.write("POST", "/trash/restore")
def restore_runs(tx: Tx, body: TrashRestore) -> Steps[Restored]:
    """Bring deleted flow runs back with everything; tells the links that lead nowhere by now."""
    return trash_restore.restore(tx, batch=body.batch, ids=body.ids, limit=body.limit)


@routes.write("POST", "/trash/empty")
def empty_trash(tx: Tx, body: TrashEmpty) -> Steps[Emptied]:
    """Forget what is in the trash for good."""
    return trash.empty(tx, batch=body.batch, ids=body.ids)
