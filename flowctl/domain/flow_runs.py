"""Flow runs: one execution of a flow each."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import ClassVar, Literal
from uuid import UUID

from typing_extensions import TypedDict

from flowctl.domain.states import State, StateCreate, StateType
from flowctl.domain.values import OPEN_PART, STRICT_BODY, Actor, JSONObject, KeyValueLabels


@dataclass(slots=True, kw_only=True)
class FlowRunPolicy:
    """How often and when a run is tried again, and which of its pauses have fired (Prefect: FlowRunPolicy)."""

    __pydantic_config__: ClassVar[object] = OPEN_PART

    max_retries: int = 0
    """Deprecated in Prefect: stands for `retries` when that is not given."""
    retry_delay_seconds: float = 0.0
    """Deprecated in Prefect: stands for `retry_delay` when that is not given."""
    retries: int | None = None
    retry_delay: int | None = None
    """Seconds."""
    pause_keys: list[str] | None = field(default_factory=list[str])
    """Prefect keeps a set; flowctl keeps the order in which the pauses fired."""
    resuming: bool | None = False
    retry_type: Literal["in_process", "reschedule"] | None = None

    def __post_init__(self) -> None:
        self.retries = self.retries or self.max_retries or self.retries
        self.retry_delay = self.retry_delay or int(self.retry_delay_seconds) or self.retry_delay


@dataclass(slots=True, kw_only=True)
class FlowRun:
    """A flow run as it is stored and answered (Prefect: FlowRunResponse)."""

    id: UUID
    created: datetime
    updated: datetime
    name: str
    flow_id: UUID
    state_id: UUID | None = None
    deployment_id: UUID | None = None
    deployment_version: str | None = None
    work_queue_id: UUID | None = None
    work_queue_name: str | None = None
    flow_version: str | None = None
    parameters: JSONObject = field(default_factory=dict[str, object])
    idempotency_key: str | None = None
    context: JSONObject = field(default_factory=dict[str, object])
    empirical_policy: FlowRunPolicy = field(default_factory=FlowRunPolicy)
    tags: list[str] = field(default_factory=list[str])
    labels: KeyValueLabels = field(default_factory=dict[str, bool | int | float | str])
    parent_task_run_id: UUID | None = None
    state_type: StateType | None = None
    state_name: str | None = None
    run_count: int = 0
    expected_start_time: datetime | None = None
    next_scheduled_start_time: datetime | None = None
    start_time: datetime | None = None
    end_time: datetime | None = None
    total_run_time: float = 0.0
    """Seconds in RUNNING states that are over."""
    estimated_run_time: float = 0.0
    """Seconds in RUNNING states, the present one included, as of the transaction's `now`."""
    estimated_start_time_delta: float = 0.0
    """Seconds by which the run started late, or is late by now."""
    auto_scheduled: bool = False
    infrastructure_document_id: UUID | None = None
    infrastructure_pid: str | None = None
    created_by: Actor | None = None
    work_pool_id: UUID | None = None
    work_pool_name: str | None = None
    state: State | None = None
    job_variables: JSONObject | None = field(default_factory=dict[str, object])


@dataclass(slots=True, kw_only=True)
class ScheduledFlowRun:
    """A run as workers get it: without its pool, and `state` is always None (Prefect: FlowRun)."""

    id: UUID
    created: datetime
    updated: datetime
    name: str
    flow_id: UUID
    state_id: UUID | None = None
    deployment_id: UUID | None = None
    deployment_version: str | None = None
    work_queue_id: UUID | None = None
    work_queue_name: str | None = None
    flow_version: str | None = None
    parameters: JSONObject = field(default_factory=dict[str, object])
    idempotency_key: str | None = None
    context: JSONObject = field(default_factory=dict[str, object])
    empirical_policy: FlowRunPolicy = field(default_factory=FlowRunPolicy)
    tags: list[str] = field(default_factory=list[str])
    labels: KeyValueLabels = field(default_factory=dict[str, bool | int | float | str])
    parent_task_run_id: UUID | None = None
    state_type: StateType | None = None
    state_name: str | None = None
    run_count: int = 0
    expected_start_time: datetime | None = None
    next_scheduled_start_time: datetime | None = None
    start_time: datetime | None = None
    end_time: datetime | None = None
    total_run_time: float = 0.0
    estimated_run_time: float = 0.0
    estimated_start_time_delta: float = 0.0
    auto_scheduled: bool = False
    infrastructure_document_id: UUID | None = None
    infrastructure_pid: str | None = None
    created_by: Actor | None = None
    job_variables: JSONObject | None = field(default_factory=dict[str, object])
    state: State | None = None


@dataclass(slots=True, kw_only=True)
class FlowRunCreate:
    """Body of `POST /flow_runs/`; without a state the run is PENDING, without a name it gets a made-up one."""

    __pydantic_config__: ClassVar[object] = STRICT_BODY

    flow_id: UUID
    name: str | None = None
    state: StateCreate | None = None
    flow_version: str | None = None
    parameters: JSONObject = field(default_factory=dict[str, object])
    context: JSONObject = field(default_factory=dict[str, object])
    parent_task_run_id: UUID | None = None
    infrastructure_document_id: UUID | None = None
    empirical_policy: FlowRunPolicy = field(default_factory=FlowRunPolicy)
    tags: list[str] = field(default_factory=list[str])
    labels: KeyValueLabels | None = field(default_factory=dict[str, bool | int | float | str])
    idempotency_key: str | None = None
    work_pool_name: str | None = None
    work_queue_name: str | None = None
    job_variables: JSONObject | None = None
    deployment_id: UUID | None = None


class FlowRunUpdate(TypedDict, total=False):
    """Body of `PATCH /flow_runs/{id}`: the keys present are the keys sent."""

    __pydantic_config__ = STRICT_BODY  # pyright: ignore[reportGeneralTypeIssues] - pydantic reads it from the class

    name: str | None
    flow_version: str | None
    parameters: JSONObject
    empirical_policy: FlowRunPolicy
    tags: list[str]
    infrastructure_pid: str | None
    job_variables: JSONObject | None


@dataclass(slots=True, kw_only=True)
class FlowRunInput:
    """A value sent to a run under a key (Prefect: FlowRunInput); `value` is JSON text."""

    id: UUID
    created: datetime
    updated: datetime
    flow_run_id: UUID
    key: str
    value: str
    sender: str | None = None
