"""Task runs: one call of a task each, recorded from the client's events or created over HTTP."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, ClassVar, Literal, TypeAlias
from uuid import UUID

from annotated_types import Ge, MaxLen
from typing_extensions import TypedDict

from flowctl.domain.states import State, StateCreate, StateType
from flowctl.domain.values import OPEN_PART, STRICT_BODY, KeyValueLabels

RetryDelays: TypeAlias = Annotated[list[int] | list[float], MaxLen(50)]
"""Seconds of each retry."""


@dataclass(slots=True, kw_only=True)
class TaskRunPolicy:
    """How often and when a task run is tried again (Prefect: TaskRunPolicy)."""

    __pydantic_config__: ClassVar[object] = OPEN_PART

    max_retries: int = 0
    """Deprecated in Prefect: stands for `retries` when that is not given."""
    retry_delay_seconds: float = 0.0
    """Deprecated in Prefect: stands for `retry_delay` when that is not given."""
    retries: int | None = None
    retry_delay: int | float | RetryDelays | None = None
    """Seconds, or seconds of each retry."""
    retry_jitter_factor: Annotated[float, Ge(0)] | None = None

    def __post_init__(self) -> None:
        self.retries = self.retries or self.max_retries or self.retries
        seconds = self.retry_delay_seconds
        delay = int(seconds) if seconds == int(seconds) else seconds
        self.retry_delay = self.retry_delay or delay or self.retry_delay


@dataclass(slots=True, kw_only=True)
class TaskRunResult:
    """An input that is the result of another task run."""

    __pydantic_config__: ClassVar[object] = OPEN_PART

    id: UUID
    input_type: Literal["task_run"] = "task_run"


@dataclass(slots=True, kw_only=True)
class FlowRunResult:
    """An input that is the result of a subflow run."""

    __pydantic_config__: ClassVar[object] = OPEN_PART

    id: UUID
    input_type: Literal["flow_run"] = "flow_run"


@dataclass(slots=True, kw_only=True)
class Parameter:
    """An input that is a parameter of the flow run."""

    __pydantic_config__: ClassVar[object] = OPEN_PART

    name: str
    input_type: Literal["parameter"] = "parameter"


@dataclass(slots=True, kw_only=True)
class Constant:
    """An input that is a plain value, named by its type."""

    __pydantic_config__: ClassVar[object] = OPEN_PART

    type: str
    input_type: Literal["constant"] = "constant"


TaskRunInput: TypeAlias = TaskRunResult | FlowRunResult | Parameter | Constant


@dataclass(slots=True, kw_only=True)
class TaskRun:
    """A task run as it is stored and answered (Prefect: TaskRun)."""

    id: UUID
    created: datetime
    updated: datetime
    name: str
    flow_run_id: UUID | None
    task_key: str
    dynamic_key: str
    cache_key: str | None = None
    cache_expiration: datetime | None = None
    task_version: str | None = None
    empirical_policy: TaskRunPolicy = field(default_factory=TaskRunPolicy)
    tags: list[str] = field(default_factory=list[str])
    labels: KeyValueLabels | None = field(default_factory=dict[str, bool | int | float | str])
    state_id: UUID | None = None
    task_inputs: dict[str, list[TaskRunInput]] = field(default_factory=dict[str, list[TaskRunInput]])
    state_type: StateType | None = None
    state_name: str | None = None
    run_count: int = 0
    flow_run_run_count: int = 0
    """The flow run's `run_count` when the task run last started."""
    expected_start_time: datetime | None = None
    next_scheduled_start_time: datetime | None = None
    start_time: datetime | None = None
    end_time: datetime | None = None
    total_run_time: float = 0.0
    """Seconds in RUNNING states that are over."""
    estimated_run_time: float = 0.0
    estimated_start_time_delta: float = 0.0
    state: State | None = None


@dataclass(slots=True, kw_only=True)
class TaskRunCreate:
    """Body of `POST /task_runs/`; the same (flow_run_id, task_key, dynamic_key) answers the existing run."""

    __pydantic_config__: ClassVar[object] = STRICT_BODY

    task_key: str
    dynamic_key: str
    id: UUID | None = None
    state: StateCreate | None = None
    name: str | None = None
    flow_run_id: UUID | None = None
    cache_key: Annotated[str, MaxLen(2000)] | None = None
    cache_expiration: datetime | None = None
    task_version: str | None = None
    empirical_policy: TaskRunPolicy = field(default_factory=TaskRunPolicy)
    tags: list[str] = field(default_factory=list[str])
    labels: KeyValueLabels | None = field(default_factory=dict[str, bool | int | float | str])
    task_inputs: dict[str, list[TaskRunInput]] = field(default_factory=dict[str, list[TaskRunInput]])


class TaskRunUpdate(TypedDict, total=False):
    """Body of `PATCH /task_runs/{id}`: the keys present are the keys sent."""

    __pydantic_config__ = STRICT_BODY  # pyright: ignore[reportGeneralTypeIssues] - pydantic reads it from the class

    name: str
