"""Work pools, and the queues in them that workers take runs from."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Annotated, ClassVar, cast
from uuid import UUID

from annotated_types import Gt
from typing_extensions import TypedDict

from flowctl.domain.values import OPEN_PART, PROPER_NAME, STRICT_BODY, Checked, JSONObject, NonNegative, Prepared

AGENT_POOL = "default-agent-pool"
"""The pool of queues that are named without a pool."""
AGENT_TYPE = "prefect-agent"
"""The type of pools that had agents instead of workers; they have no status."""
DEFAULT_QUEUE = "default"


class WorkPoolStatus(StrEnum):
    """Whether somebody takes runs from a pool."""

    READY = "READY"
    NOT_READY = "NOT_READY"
    PAUSED = "PAUSED"


@dataclass(slots=True, kw_only=True)
class StorageConfiguration:
    """Where code and results of a pool's runs are kept (Prefect: WorkPoolStorageConfiguration)."""

    __pydantic_config__: ClassVar[object] = STRICT_BODY

    bundle_upload_step: JSONObject | None = None
    bundle_execution_step: JSONObject | None = None
    default_result_storage_block_id: UUID | None = None


@dataclass(slots=True, kw_only=True)
class WorkPool:
    """A work pool as it is stored and answered."""

    id: UUID
    created: datetime
    updated: datetime
    name: str
    type: str
    description: str | None = None
    base_job_template: JSONObject = field(default_factory=dict[str, object])
    is_paused: bool = False
    concurrency_limit: int | None = None
    status: WorkPoolStatus | None = None
    default_queue_id: UUID | None = None
    storage_configuration: StorageConfiguration = field(default_factory=StorageConfiguration)
    active_slots: int | None = None
    """PENDING and RUNNING runs; None without a concurrency limit."""


_PLACEHOLDER = re.compile(r"\{\{\s*([\w.\-\[\]$]+)\s*\}\}")


def check_template(template: JSONObject | None) -> JSONObject | None:
    """Raise ValueError, in Prefect's words, unless a job template declares each variable that its configuration has."""
    if template is None:
        raise ValueError("The `base_job_template` must be an object.")
    if not template:
        return template
    configuration, variables = template.get("job_configuration"), template.get("variables")
    if not (configuration and variables and isinstance(configuration, dict) and isinstance(variables, dict)):
        raise ValueError("The `base_job_template` must contain both a `job_configuration` key and a `variables` key.")
    parts = cast("JSONObject", configuration).values()
    used = {name for part in parts for name in _PLACEHOLDER.findall(json.dumps(part))}
    missing = {name for name in used if "." not in name} - set(cast("JSONObject", variables).get("properties") or {})
    if missing:
        raise ValueError(
            "The variables specified in the job configuration template must be present as properties in the variables "
            f"schema. Your job configuration uses the following undeclared variable(s): {' ,'.join(sorted(missing))}."
        )
    return template


def _not_blank(name: object) -> object:
    if isinstance(name, str) and not name.strip("' \""):
        raise ValueError("name cannot be an empty string")
    return name


@dataclass(slots=True, kw_only=True)
class WorkPoolCreate:
    """Body of `POST /work_pools/`."""

    __pydantic_config__: ClassVar[object] = STRICT_BODY

    name: Annotated[str, PROPER_NAME, Prepared(_not_blank)]
    description: str | None = None
    type: str = AGENT_TYPE
    base_job_template: Annotated[JSONObject, Checked(check_template)] = field(default_factory=dict[str, object])
    is_paused: bool = False
    concurrency_limit: NonNegative | None = None
    storage_configuration: StorageConfiguration = field(default_factory=StorageConfiguration)


class WorkPoolUpdate(TypedDict, total=False):
    """Body of `PATCH /work_pools/{name}`: the keys present are the keys sent."""

    __pydantic_config__ = STRICT_BODY  # pyright: ignore[reportGeneralTypeIssues] - pydantic reads it from the class

    description: str | None
    is_paused: bool | None
    base_job_template: Annotated[JSONObject | None, Checked(check_template)]
    concurrency_limit: NonNegative | None
    storage_configuration: StorageConfiguration | None


class WorkQueueStatus(StrEnum):
    """Whether somebody takes runs from a queue."""

    READY = "READY"
    NOT_READY = "NOT_READY"
    PAUSED = "PAUSED"


@dataclass(slots=True, kw_only=True)
class QueueFilter:
    """What an agent's queue once chose deployments by; nothing sets it any more."""

    __pydantic_config__: ClassVar[object] = OPEN_PART

    tags: list[str] | None = None
    deployment_ids: list[UUID] | None = None


@dataclass(slots=True, kw_only=True)
class WorkQueue:
    """A work queue as `work_queue_check` answers it (Prefect: core.WorkQueue)."""

    id: UUID
    created: datetime
    updated: datetime
    name: str
    description: str | None = ""
    is_paused: bool = False
    concurrency_limit: int | None = None
    priority: int = 1
    """1 is the highest."""
    work_pool_id: UUID | None = None
    filter: QueueFilter | None = None
    last_polled: datetime | None = None


@dataclass(slots=True, kw_only=True)
class WorkQueueCreate:
    """Body of `POST /work_pools/{name}/queues`."""

    __pydantic_config__: ClassVar[object] = STRICT_BODY

    name: Annotated[str, PROPER_NAME]
    description: str | None = ""
    is_paused: bool = False
    concurrency_limit: NonNegative | None = None
    priority: Annotated[int, Gt(0)] | None = None
    filter: QueueFilter | None = None


class WorkQueueUpdate(TypedDict, total=False):
    """Body of `PATCH` of a queue: the keys present are the keys sent."""

    __pydantic_config__ = STRICT_BODY  # pyright: ignore[reportGeneralTypeIssues] - pydantic reads it from the class

    name: Annotated[str, PROPER_NAME] | None  # Prefect takes any name, and cannot list the pool's queues afterwards.
    description: str | None
    is_paused: bool
    concurrency_limit: NonNegative | None
    priority: Annotated[int, Gt(0)] | None
    last_polled: datetime | None
    filter: QueueFilter | None


@dataclass(slots=True, kw_only=True)
class WorkQueueResponse:
    """A work queue as the operations of its pool answer it (Prefect: WorkQueueResponse)."""

    id: UUID
    created: datetime
    updated: datetime
    name: str
    description: str | None
    is_paused: bool
    concurrency_limit: int | None
    priority: int
    work_pool_id: UUID | None
    work_pool_name: str | None
    filter: QueueFilter | None
    last_polled: datetime | None
    status: WorkQueueStatus
    active_slots: int | None
    """Runs that take a slot; None without a concurrency limit."""


@dataclass(slots=True, kw_only=True)
class WorkQueueHealthPolicy:
    """When a queue counts as healthy."""

    maximum_late_runs: int | None = 0
    maximum_seconds_since_last_polled: int | None = 60


@dataclass(slots=True, kw_only=True)
class WorkQueueStatusDetail:
    """How a queue does (Prefect: WorkQueueStatusDetail)."""

    healthy: bool
    late_runs_count: int = 0
    last_polled: datetime | None = None
    health_check_policy: WorkQueueHealthPolicy = field(default_factory=WorkQueueHealthPolicy)
