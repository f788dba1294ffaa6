"""Frames of the worker's socket (Prefect: client/schemas/worker_channel.py)."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, ClassVar, Literal, TypeAlias
from uuid import UUID

from annotated_types import Gt, MinLen

from flowctl.domain.values import STRICT_BODY, JSONObject, NonNegative
from flowctl.domain.work_pools import WorkPool

VERSION = "work_pool_worker_channel.v1"
CAPABILITIES = ("worker_heartbeat.v1", "work_pool_snapshot.v1")
"""What both sides have to offer; cleaning up after other workers is not among it."""

FrameType: TypeAlias = Literal["worker.ready.v1", "work_pool.snapshot.v1"]
Text: TypeAlias = Annotated[str, MinLen(1)]


@dataclass(slots=True, kw_only=True)
class Hello:
    """Who a worker is, and what it wants."""

    __pydantic_config__: ClassVar[object] = STRICT_BODY

    consumer_id: UUID
    worker_name: Text
    worker_type: Text
    heartbeat_interval_seconds: Annotated[int, Gt(0)]
    supported_channel_versions: Annotated[list[Text], MinLen(1)]
    requested_capabilities: Annotated[list[Text], MinLen(1)]
    work_queue_names: list[Text] = field(default_factory=list[str])
    handled_cleanup_kinds: list[str] = field(default_factory=list[str])
    max_cleanup_concurrency: NonNegative = 0
    create_pool_if_not_found: bool = False
    default_base_job_template: JSONObject = field(default_factory=dict[str, object])
    worker_metadata: JSONObject | None = None


@dataclass(slots=True, kw_only=True)
class Heartbeat:
    """A worker lives."""

    __pydantic_config__: ClassVar[object] = STRICT_BODY

    consumer_id: UUID
    worker_name: Text
    heartbeat_interval_seconds: Annotated[int, Gt(0)]


@dataclass(slots=True, kw_only=True)
class HelloFrame:
    """The first frame of a worker."""

    __pydantic_config__: ClassVar[object] = STRICT_BODY

    type: Literal["worker.hello.v1"]
    id: UUID
    sent_at: datetime
    payload: Hello


@dataclass(slots=True, kw_only=True)
class HeartbeatFrame:
    """Each further frame of a worker."""

    __pydantic_config__: ClassVar[object] = STRICT_BODY

    type: Literal["worker.heartbeat.v1"]
    id: UUID
    sent_at: datetime
    payload: Heartbeat


@dataclass(slots=True, kw_only=True)
class Snapshot:
    """A pool as it is now; numbered from 1 on each socket."""

    snapshot_sequence: int
    reason: str
    work_pool: WorkPool


@dataclass(slots=True, kw_only=True)
class ResolvedQueue:
    """A queue that a worker takes runs from."""

    id: UUID
    name: str


@dataclass(slots=True, kw_only=True)
class Ready:
    """The answer to `Hello`."""

    consumer_id: UUID
    worker_id: UUID | None
    selected_channel_version: str
    effective_heartbeat_interval_seconds: int
    accepted_capabilities: list[str]
    rejected_capabilities: list[str]
    effective_max_cleanup_concurrency: int
    resolved_work_queues: list[ResolvedQueue]
    initial_snapshot: Snapshot


@dataclass(slots=True, kw_only=True)
class Frame:
    """A frame of the server."""

    type: FrameType
    id: UUID
    sent_at: datetime
    payload: Ready | Snapshot
