"""Answers about many runs at once: histories and counts."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from flowctl.domain.states import StateType

MAXIMUM_INTERVALS = 500


@dataclass(slots=True, kw_only=True)
class HistoryResponseState:
    """The runs of one interval that are in one state now; durations in seconds."""

    state_type: StateType
    state_name: str
    count_runs: int
    sum_estimated_run_time: float
    sum_estimated_lateness: float


@dataclass(slots=True, kw_only=True)
class HistoryResponse:
    """One interval of a history."""

    interval_start: datetime
    interval_end: datetime
    states: list[HistoryResponseState] = field(default_factory=list[HistoryResponseState])


@dataclass(slots=True, kw_only=True)
class SimpleFlowRun:
    """A flow run as a point of a chart; durations in seconds."""

    id: UUID
    state_type: StateType | None
    timestamp: datetime | None
    """When it started, or is expected to."""
    duration: float
    lateness: float


@dataclass(slots=True, kw_only=True)
class SimpleNextFlowRun:
    """The run of a flow that is due first."""

    id: UUID
    flow_id: UUID
    name: str
    state_name: str
    state_type: StateType
    next_scheduled_start_time: datetime


@dataclass(slots=True, kw_only=True)
class TaskRunCount:
    """Task runs of one interval that ended well, and that did not."""

    completed: int = 0
    failed: int = 0


@dataclass(slots=True, kw_only=True)
class CountByState:
    """How many runs are in a state of each type."""

    COMPLETED: int = 0
    PENDING: int = 0
    RUNNING: int = 0
    FAILED: int = 0
    CANCELLED: int = 0
    CRASHED: int = 0
    PAUSED: int = 0
    CANCELLING: int = 0
    SCHEDULED: int = 0


def edges(start: datetime, end: datetime, interval: timedelta) -> list[datetime]:
    """The bounds of a history's intervals: one more than intervals, of which there is always one and never over 500.

    The last interval reaches `end` or beyond.  As in Prefect, bounds after the first are in whole milliseconds.
    """
    found = [start, _milliseconds(start + interval)]
    while found[-2] + interval < end and len(found) <= MAXIMUM_INTERVALS:
        found.append(_milliseconds(found[-1] + interval))
    return found


def _milliseconds(moment: datetime) -> datetime:
    rounded = moment + timedelta(microseconds=500)
    return rounded.replace(microsecond=rounded.microsecond // 1000 * 1000)
