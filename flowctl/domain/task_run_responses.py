"""Task runs as a page of them shows them: with fewer fields than elsewhere."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from flowctl.domain.states import State
from flowctl.domain.task_runs import TaskRunInput, TaskRunPolicy


@dataclass(slots=True, kw_only=True)
class TaskRunResponse:
    """A task run in the answer of `POST /task_runs/paginate` (Prefect: TaskRunResponse)."""

    id: UUID
    created: datetime
    updated: datetime
    name: str
    flow_run_id: UUID | None
    task_key: str
    state_id: UUID | None = None
    state: State | None = None
    task_version: str | None = None
    task_inputs: dict[str, list[TaskRunInput]] = field(default_factory=dict[str, list[TaskRunInput]])
    empirical_policy: TaskRunPolicy = field(default_factory=TaskRunPolicy)
    tags: list[str] = field(default_factory=list[str])
    start_time: datetime | None = None
    end_time: datetime | None = None
    total_run_time: float = 0.0
    estimated_run_time: float = 0.0
    estimated_start_time_delta: float = 0.0
