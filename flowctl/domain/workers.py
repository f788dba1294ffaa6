"""Workers: the processes that take runs from a work pool."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from flowctl.domain.filters import Filter, OperatorFilter, TimeFilter
from flowctl.domain.flow_runs import ScheduledFlowRun


class WorkerStatus(StrEnum):
    """Whether a worker's heartbeats arrive."""

    ONLINE = "ONLINE"
    OFFLINE = "OFFLINE"


@dataclass(slots=True, kw_only=True)
class Worker:
    """A worker as it is stored and answered (Prefect: WorkerResponse)."""

    id: UUID
    created: datetime
    updated: datetime
    name: str
    work_pool_id: UUID
    last_heartbeat_time: datetime
    heartbeat_interval_seconds: int | None = None
    status: WorkerStatus = WorkerStatus.OFFLINE


@dataclass(slots=True, kw_only=True)
class WorkerStatusFilter(Filter):
    """By status, in or out of a list."""

    any_: list[WorkerStatus] | None = None
    not_any_: list[WorkerStatus] | None = None


@dataclass(slots=True, kw_only=True)
class WorkerFilter(OperatorFilter):
    """Which workers (Prefect: WorkerFilter)."""

    last_heartbeat_time: TimeFilter | None = None
    status: WorkerStatusFilter | None = None


@dataclass(slots=True, kw_only=True)
class WorkerFlowRun:
    """A run that a worker may take, and where it waits (Prefect: WorkerFlowRunResponse)."""

    work_pool_id: UUID
    work_queue_id: UUID
    flow_run: ScheduledFlowRun
