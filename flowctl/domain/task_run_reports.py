"""What a client's event says about a task run: the payload of `prefect.task-run.*` events."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NotRequired
from uuid import UUID

from typing_extensions import TypedDict

from flowctl.domain.events import Event, prefect_object_id
from flowctl.domain.states import State, StateCreate, StateDetails, StateType
from flowctl.domain.task_runs import TaskRunInput, TaskRunPolicy
from flowctl.domain.values import JSONValue, KeyValueLabels

EVENT_PREFIX = "prefect.task-run"


class ReportedFields(TypedDict):
    """Fields of the task run; the keys present are the ones to store."""

    task_key: str
    dynamic_key: str
    id: NotRequired[UUID]
    flow_run_id: NotRequired[UUID | None]
    name: NotRequired[str]
    cache_key: NotRequired[str | None]
    cache_expiration: NotRequired[datetime | None]
    task_version: NotRequired[str | None]
    empirical_policy: NotRequired[TaskRunPolicy]
    tags: NotRequired[list[str]]
    labels: NotRequired[KeyValueLabels | None]
    task_inputs: NotRequired[dict[str, list[TaskRunInput]]]
    run_count: NotRequired[int]
    flow_run_run_count: NotRequired[int]
    expected_start_time: NotRequired[datetime | None]
    next_scheduled_start_time: NotRequired[datetime | None]
    start_time: NotRequired[datetime | None]
    end_time: NotRequired[datetime | None]
    total_run_time: NotRequired[timedelta]


@dataclass(slots=True, kw_only=True)
class ReportedState:
    """The state that the task run is in; without id and time of its own it has those of the event."""

    type: StateType
    id: UUID | None = None
    timestamp: datetime | None = None
    name: str | None = None
    message: str | None = None
    data: JSONValue = None
    state_details: StateDetails = field(default_factory=StateDetails)


@dataclass(slots=True, kw_only=True)
class TaskRunPayload:
    """The payload of a task run's event; it has more keys, which nobody needs."""

    task_run: ReportedFields
    validated_state: ReportedState


@dataclass(slots=True, kw_only=True)
class TaskRunReport:
    """A task run as of one of its states."""

    task_run_id: UUID
    flow_run_id: UUID | None
    fields: ReportedFields
    state: State


def is_report(event: Event) -> bool:
    """Whether a client says with this event what became of a task run that it orchestrates itself."""
    return event.event.startswith(EVENT_PREFIX) and event.resource.get("prefect.orchestration") == "client"


def report(event: Event, payload: TaskRunPayload) -> TaskRunReport:
    """The report that an event makes.  Raises ValueError when its resources name no task run or flow run."""
    flow_run = event.related_in_role("flow-run")
    flow_run_id = prefect_object_id(flow_run, "prefect.flow-run") if flow_run else None
    fields, state = payload.task_run, payload.validated_state
    state.state_details.flow_run_id = flow_run_id
    proposal = StateCreate(
        type=state.type, name=state.name, message=state.message, data=state.data, state_details=state.state_details
    )
    return TaskRunReport(
        task_run_id=fields.get("id") or prefect_object_id(event.resource, "prefect.task-run"),
        flow_run_id=fields.get("flow_run_id", flow_run_id),
        fields=fields,
        state=proposal.at(state.timestamp or event.occurred, state.id or event.id),
    )
