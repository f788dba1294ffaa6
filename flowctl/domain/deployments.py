"""Deployments: flows that a server may run, with their parameters, schedules and limits."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated, Any, ClassVar, Literal, Required, TypeAlias, cast
from uuid import UUID

from annotated_types import Ge, Gt, Le
from typing_extensions import TypedDict

from flowctl.domain import parameter_schema
from flowctl.domain.concurrency_limits import GlobalConcurrencyLimit
from flowctl.domain.events import Check
from flowctl.domain.flow_runs import FlowRunPolicy
from flowctl.domain.schedules import Schedule, ScheduleBody
from flowctl.domain.states import StateCreate
from flowctl.domain.values import OPEN_PART, STRICT_BODY, Actor, JSONObject, KeyValueLabels, Prepared

MOST_SCHEDULED_RUNS = 50
"""What `max_scheduled_runs` of a schedule may be at most (Prefect: deployment_schedule_max_scheduled_runs)."""

MissedRuns: TypeAlias = Literal["skip", "latest", "all"]
"""What becomes of scheduled runs that were due while flowctl did not run."""


class DeploymentStatus(StrEnum):
    """Whether somebody asked for the deployment's runs lately."""

    READY = "READY"
    NOT_READY = "NOT_READY"


class CollisionStrategy(StrEnum):
    """What happens to a run that finds its deployment's limit reached."""

    ENQUEUE = "ENQUEUE"
    CANCEL_NEW = "CANCEL_NEW"


def _schema_or_no_parameters(value: object) -> object:
    return dict(parameter_schema.EMPTY) if value == {} else value


def _check_max_scheduled_runs(value: int | None) -> int | None:
    if value is not None and value > MOST_SCHEDULED_RUNS:
        raise ValueError(f"`max_scheduled_runs` must be less than or equal to {MOST_SCHEDULED_RUNS}.")
    return value


Positive: TypeAlias = Annotated[int, Gt(0)]
MaxScheduledRuns: TypeAlias = Annotated[Positive | None, Check(_check_max_scheduled_runs)]
ParameterSchema: TypeAlias = Annotated[JSONObject, Prepared(_schema_or_no_parameters)]


@dataclass(slots=True, kw_only=True)
class ConcurrencyOptions:
    """How a deployment's limit is kept (Prefect: ConcurrencyOptions)."""

    __pydantic_config__: ClassVar[object] = OPEN_PART

    collision_strategy: CollisionStrategy
    grace_period_seconds: Annotated[int, Ge(60), Le(86400)] | None = None
    """How long a run may take to start before its slot is given to another; None: as the server is set."""


class VersionInfo(TypedDict):
    """What a client knows of the version that it deploys; checked, and not kept (as in Prefect's own server)."""

    __pydantic_config__ = {"extra": "allow"}  # pyright: ignore[reportGeneralTypeIssues] # noqa: RUF012 - pydantic reads it

    type: str
    version: str


@dataclass(slots=True, kw_only=True)
class DeploymentSchedule:
    """A schedule of a deployment as it is stored and answered."""

    id: UUID
    created: datetime
    updated: datetime
    deployment_id: UUID
    schedule: Schedule
    active: bool = True
    max_scheduled_runs: int | None = None
    """How many runs are scheduled ahead at most."""
    parameters: JSONObject = field(default_factory=dict[str, object])
    """Of the runs of this schedule, over those of the deployment."""
    slug: str | None = None


@dataclass(slots=True, kw_only=True)
class DeploymentScheduleCreate:
    """A schedule in the body of `POST /deployments/` and `POST /deployments/{id}/schedules`."""

    __pydantic_config__: ClassVar[object] = STRICT_BODY

    schedule: ScheduleBody
    active: bool = True
    max_scheduled_runs: MaxScheduledRuns = None
    parameters: JSONObject = field(default_factory=dict[str, object])
    slug: str | None = None
    replaces: str | None = None
    """The slug of the schedule that this one is the new version of; means something in `PATCH /deployments/{id}`."""


@dataclass(slots=True, kw_only=True)
class DeploymentScheduleUpdate:
    """A schedule in the body of `PATCH`: what is None stays, but parameters that are not sent are emptied."""

    __pydantic_config__: ClassVar[object] = STRICT_BODY

    schedule: ScheduleBody | None = None
    active: bool | None = None
    max_scheduled_runs: MaxScheduledRuns = None
    parameters: JSONObject = field(default_factory=dict[str, object])
    slug: str | None = None
    replaces: str | None = None


@dataclass(slots=True, kw_only=True)
class Deployment:
    """A deployment as it is answered (Prefect: DeploymentResponse)."""

    id: UUID
    created: datetime
    updated: datetime
    name: str
    flow_id: UUID
    version: str | None = None
    description: str | None = None
    paused: bool = False
    schedules: list[DeploymentSchedule] = field(default_factory=list[DeploymentSchedule])
    """Those changed last first."""
    concurrency_limit: int | None = None
    """Always None; what was asked for is in `global_concurrency_limit`."""
    global_concurrency_limit: GlobalConcurrencyLimit | None = None
    concurrency_options: ConcurrencyOptions | None = None
    job_variables: JSONObject = field(default_factory=dict[str, object])
    parameters: JSONObject = field(default_factory=dict[str, object])
    tags: list[str] = field(default_factory=list[str])
    labels: KeyValueLabels | None = field(default_factory=dict[str, bool | int | float | str])
    work_queue_name: str | None = None
    work_queue_id: UUID | None = None
    last_polled: datetime | None = None
    parameter_openapi_schema: JSONObject | None = field(default_factory=dict[str, object])
    path: str | None = None
    pull_steps: list[JSONObject] | None = field(default_factory=list[dict[str, Any]])
    entrypoint: str | None = None
    storage_document_id: UUID | None = None
    infrastructure_document_id: UUID | None = None
    created_by: Actor | None = None
    updated_by: Actor | None = None
    work_pool_name: str | None = None
    status: DeploymentStatus | None = DeploymentStatus.NOT_READY
    enforce_parameter_schema: bool = True


class DeploymentCreate(TypedDict, total=False):
    """Body of `POST /deployments/`: the keys present are the keys sent, and only these change a known deployment."""

    __pydantic_config__ = STRICT_BODY  # pyright: ignore[reportGeneralTypeIssues] - pydantic reads it from the class

    name: Required[str]
    flow_id: Required[UUID]
    paused: bool
    schedules: list[DeploymentScheduleCreate]
    concurrency_limit: Positive | None
    concurrency_options: ConcurrencyOptions | None
    global_concurrency_limit_id: UUID | None
    enforce_parameter_schema: bool
    parameter_openapi_schema: ParameterSchema | None
    parameters: JSONObject
    tags: list[str]
    labels: KeyValueLabels | None
    pull_steps: list[JSONObject] | None
    work_queue_name: str | None
    work_pool_name: str | None
    storage_document_id: UUID | None
    infrastructure_document_id: UUID | None
    description: str | None
    path: str | None
    version: str | None
    entrypoint: str | None
    job_variables: JSONObject
    version_info: VersionInfo | None


_GONE = frozenset({"worker_pool_queue_id", "worker_pool_name", "worker_pool_queue_name", "work_pool_queue_name"})
"""Fields that clients once sent; Prefect does not look at them any more."""


def _without_what_is_gone(definition: object) -> object:
    if not isinstance(definition, dict):
        return definition
    return {key: value for key, value in cast("JSONObject", definition).items() if key not in _GONE}


def _with_parameters(definition: object) -> object:
    if not isinstance(definition, dict):
        return definition
    return _without_what_is_gone({"parameters": {}, **cast("JSONObject", definition)})


DeploymentCreateBody: TypeAlias = Annotated[DeploymentCreate, Prepared(_with_parameters)]
"""The body as it is sent; error entries show it with its parameters, as Prefect's do."""


class DeploymentUpdate(TypedDict, total=False):
    """Body of `PATCH /deployments/{id}`: the keys present are the keys sent."""

    __pydantic_config__ = STRICT_BODY  # pyright: ignore[reportGeneralTypeIssues] - pydantic reads it from the class

    version: str | None
    description: str | None
    paused: bool
    schedules: list[DeploymentScheduleUpdate]
    concurrency_limit: Positive | None
    concurrency_options: ConcurrencyOptions | None
    global_concurrency_limit_id: UUID | None
    parameters: JSONObject | None
    parameter_openapi_schema: ParameterSchema | None
    tags: list[str]
    work_queue_name: str | None
    work_pool_name: str | None
    path: str | None
    job_variables: JSONObject | None
    pull_steps: list[JSONObject] | None
    entrypoint: str | None
    storage_document_id: UUID | None
    infrastructure_document_id: UUID | None
    enforce_parameter_schema: bool | None
    version_info: VersionInfo | None


DeploymentUpdateBody: TypeAlias = Annotated[DeploymentUpdate, Prepared(_without_what_is_gone)]
"""The body as it is sent."""


@dataclass(slots=True, kw_only=True)
class DeploymentFlowRunCreate:
    """Body of `POST /deployments/{id}/create_flow_run`; without a state the run is SCHEDULED for now."""

    __pydantic_config__: ClassVar[object] = STRICT_BODY

    state: StateCreate | None = None
    name: str | None = None
    parameters: JSONObject = field(default_factory=dict[str, object])
    enforce_parameter_schema: bool | None = None
    context: JSONObject = field(default_factory=dict[str, object])
    infrastructure_document_id: UUID | None = None
    empirical_policy: FlowRunPolicy = field(default_factory=FlowRunPolicy)
    tags: list[str] = field(default_factory=list[str])
    idempotency_key: str | None = None
    labels: KeyValueLabels | None = None
    parent_task_run_id: UUID | None = None
    work_queue_name: str | None = None
    job_variables: JSONObject | None = field(default_factory=dict[str, object])


@dataclass(slots=True, kw_only=True)
class FlowRunCreateResult:
    """What became of one run of a bulk creation."""

    status: Literal["CREATED", "FAILED"]
    flow_run_id: UUID | None = None
    error: str | None = None


@dataclass(slots=True, kw_only=True)
class FlowRunBulkCreateResponse:
    """The answer to a bulk creation, in the order of its request."""

    results: list[FlowRunCreateResult] = field(default_factory=list[FlowRunCreateResult])


@dataclass(slots=True, kw_only=True)
class DeploymentBulkDeleteResponse:
    """The ids of the deployments that were deleted."""

    deleted: list[UUID] = field(default_factory=list[UUID])


@dataclass(frozen=True, slots=True, kw_only=True)
class Horizon:
    """How far ahead runs are scheduled (Prefect: the settings of its scheduler)."""

    start: datetime
    end: datetime
    """No run after it …"""
    min_time: timedelta
    """… but runs until at least this long after the start …"""
    min_runs: int
    """… and at least so many of each schedule …"""
    max_runs: int
    """… but no more than this."""
