"""Effects: what a transition causes besides its state, as data.

`RunEffect`s change the run itself, after bookkeeping; the engine applies them.  The others are left to
`ops/effects.py`, which has one function for each.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypeAlias
from uuid import UUID

from flowctl.domain.concurrency_limits import HolderType
from flowctl.domain.flow_runs import FlowRun
from flowctl.domain.states import State
from flowctl.domain.task_runs import TaskRun


@dataclass(frozen=True, slots=True, kw_only=True)
class AcquireSlots:
    """Take one slot of each limit under a new lease."""

    lease_id: UUID
    limit_ids: tuple[UUID, ...]
    seconds: float | None
    """Until the lease runs out; None: never."""
    holder_type: HolderType | None = None
    holder_id: UUID | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RenewLease:
    """Let a lease run out that many seconds from now."""

    lease_id: UUID
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class KeepLease:
    """Let a lease never run out: whoever holds it does not know how to renew it."""

    lease_id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseDeploymentSlot:
    """Give back what a flow run holds of its deployment's limit."""

    lease_id: UUID | None
    """The lease that the state named."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseTagSlots:
    """Give back what a task run holds of the limits on these tags."""

    task_run_id: UUID
    tags: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class InsertCachedState:
    """Let later task runs with this cache key take over the state that is being written."""

    cache_key: str
    cache_expiration: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ResetFailedTaskRuns:
    """Put the failed task runs of a flow run into AwaitingRetry and forget how often they ran."""

    flow_run_id: UUID
    scheduled_time: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateParentTaskRun:
    """Give the placeholder task run of a subflow a copy of the subflow's state."""

    task_run_id: UUID
    state: State


Effect: TypeAlias = (
    AcquireSlots
    | RenewLease
    | KeepLease
    | ReleaseDeploymentSlot
    | ReleaseTagSlots
    | InsertCachedState
    | ResetFailedTaskRuns
    | UpdateParentTaskRun
)


@dataclass(frozen=True, slots=True)
class RecordPauseKey:
    """Remember that this pause has fired."""

    key: str

    def apply(self, run: FlowRun | TaskRun) -> None:
        """Add the key to `empirical_policy.pause_keys`."""
        if isinstance(run, FlowRun):
            keys = run.empirical_policy.pause_keys or []
            run.empirical_policy = replace(run.empirical_policy, pause_keys=[*keys, self.key])


@dataclass(frozen=True, slots=True)
class MarkResuming:
    """Remember that the run left a pause, so that its next RUNNING does not count as another attempt."""

    def apply(self, run: FlowRun | TaskRun) -> None:
        """Set `empirical_policy.resuming`."""
        if isinstance(run, FlowRun):
            run.empirical_policy = replace(run.empirical_policy, resuming=True)


@dataclass(frozen=True, slots=True)
class TrackFlowRunAttempt:
    """Remember in which attempt of its flow run a task run started."""

    flow_run_run_count: int

    def apply(self, run: FlowRun | TaskRun) -> None:
        """Set `flow_run_run_count`."""
        if isinstance(run, TaskRun):
            run.flow_run_run_count = self.flow_run_run_count


RunEffect: TypeAlias = RecordPauseKey | MarkResuming | TrackFlowRunAttempt
RUN_EFFECTS = (RecordPauseKey, MarkResuming, TrackFlowRunAttempt)
