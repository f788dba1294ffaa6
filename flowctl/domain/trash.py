"""The trash: flow runs that were deleted and can be brought back for some days."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

from flowctl.domain.states import StateType

KEPT = timedelta(days=7)
"""For so long a run stays in the trash."""


@dataclass(slots=True, kw_only=True)
class TrashedRun:
    """A flow run in the trash.

    batch    what it was deleted together with
    expires  from when on it may be forgotten
    """

    id: UUID
    name: str
    flow_id: UUID
    flow_name: str | None
    state_type: StateType | None
    state_name: str | None
    task_runs: int
    log_lines: int
    batch: UUID
    deleted: datetime
    expires: datetime


@dataclass(slots=True, kw_only=True)
class TrashBatch:
    """What was deleted together, as far as it is still in the trash.

    name  of one of its runs
    """

    id: UUID
    deleted: datetime
    expires: datetime
    runs: int
    name: str | None
    flow_name: str | None


@dataclass(slots=True, kw_only=True)
class TrashFound:
    """What is in the trash; the last deleted first.

    batches  those that match, or to which a run that matches belongs, without a limit of their own
    count    all runs in the trash
    """

    runs: list[TrashedRun] = field(default_factory=list[TrashedRun])
    batches: list[TrashBatch] = field(default_factory=list[TrashBatch])
    count: int = 0


@dataclass(slots=True, kw_only=True)
class Extent:
    """How much a deletion takes along.

    subflow_runs  runs that stay, without the parent that is deleted
    """

    runs: int = 0
    task_runs: int = 0
    log_lines: int = 0
    flow_ids: list[UUID] = field(default_factory=list[UUID])
    subflow_runs: list[UUID] = field(default_factory=list[UUID])


@dataclass(slots=True, kw_only=True)
class Deleted:
    """What was deleted.

    batch  what brings it back; None if nothing was put into the trash
    more   more matched than the limit
    """

    batch: UUID | None
    deleted: list[UUID] = field(default_factory=list[UUID])
    more: bool = False


LostPart = Literal["run", "parent", "deployment", "flow", "idempotency_key"]


@dataclass(slots=True, kw_only=True)
class Lost:
    """What could not be brought back.

    what    `run` if nothing of it could, else the link that leads nowhere by now
    detail  a sentence
    """

    id: UUID
    name: str | None
    what: LostPart
    detail: str


@dataclass(slots=True, kw_only=True)
class Restored:
    """What was brought back.

    more  more of the batch is in the trash than the limit
    """

    batch: UUID | None
    restored: list[UUID] = field(default_factory=list[UUID])
    lost: list[Lost] = field(default_factory=list[Lost])
    more: bool = False


@dataclass(slots=True, kw_only=True)
class Emptied:
    """How many runs were forgotten."""

    runs: int
