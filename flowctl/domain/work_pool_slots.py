"""Who holds the slots of work pools and work queues: runs that are PENDING or RUNNING."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from flowctl.domain.states import StateType


@dataclass(slots=True, kw_only=True)
class FlowRunSlotSummary:
    """A run that holds a slot; times in its state in seconds."""

    id: UUID
    name: str
    state_type: StateType | None = None
    state_name: str | None = None
    start_time: datetime | None = None
    state_timestamp: datetime | None = None
    time_in_current_state: float | None = None


@dataclass(slots=True, kw_only=True)
class WorkQueueConcurrencyStatusDetail:
    """One queue in the status of its pool; `flow_runs` are the first of `flow_run_count`."""

    queue_id: UUID
    queue_name: str
    active_slots: int
    concurrency_limit: int | None = None
    flow_runs: list[FlowRunSlotSummary] = field(default_factory=list[FlowRunSlotSummary])
    flow_run_count: int | None = None


@dataclass(slots=True, kw_only=True)
class WorkPoolConcurrencyStatus:
    """The slots of a pool, and a page of its queues."""

    active_slots: int
    count: int
    limit: int
    pages: int
    page: int
    concurrency_limit: int | None = None
    queues: list[WorkQueueConcurrencyStatusDetail] = field(default_factory=list[WorkQueueConcurrencyStatusDetail])


@dataclass(slots=True, kw_only=True)
class WorkQueueConcurrencyStatus:
    """The slots of a queue, and a page of the runs that hold them."""

    active_slots: int
    count: int
    limit: int
    pages: int
    page: int
    concurrency_limit: int | None = None
    flow_runs: list[FlowRunSlotSummary] = field(default_factory=list[FlowRunSlotSummary])
