"""Which flow runs: filter, sort order."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from flowctl.domain.filters import (
    IdFilter,
    IdOrNullFilter,
    NameFilter,
    OperatorFilter,
    StateTypeFilter,
    TagsFilter,
    TextAnyFilter,
    TextFilter,
    TextOrNullFilter,
    TimeFilter,
    TimeOrNullFilter,
)


class FlowRunSort(StrEnum):
    """Orders of a list of flow runs; START_TIME is the expected one for a run that has not started."""

    ID_DESC = "ID_DESC"
    START_TIME_ASC = "START_TIME_ASC"
    START_TIME_DESC = "START_TIME_DESC"
    EXPECTED_START_TIME_ASC = "EXPECTED_START_TIME_ASC"
    EXPECTED_START_TIME_DESC = "EXPECTED_START_TIME_DESC"
    NAME_ASC = "NAME_ASC"
    NAME_DESC = "NAME_DESC"
    NEXT_SCHEDULED_START_TIME_ASC = "NEXT_SCHEDULED_START_TIME_ASC"
    END_TIME_DESC = "END_TIME_DESC"


@dataclass(slots=True, kw_only=True)
class FlowRunStateFilter(OperatorFilter):
    """By the present state.  A part with both `any_` and `not_any_` does not filter (so it is in Prefect)."""

    type: StateTypeFilter | None = None
    name: TextFilter | None = None


@dataclass(slots=True, kw_only=True)
class ParentFlowRunFilter(OperatorFilter):
    """By the flow run whose subflow it is."""

    any_: list[UUID] | None = None


@dataclass(slots=True, kw_only=True)
class CreatedByFilter(OperatorFilter):
    """By who created the run: ids, types such as DEPLOYMENT or AUTOMATION, or nobody known."""

    id_: list[UUID] | None = None
    type_: list[str] | None = None
    is_null_: bool | None = None


@dataclass(slots=True, kw_only=True)
class FlowRunFilter(OperatorFilter):
    """Which flow runs (Prefect: FlowRunFilter)."""

    id: IdFilter | None = None
    name: NameFilter | None = None
    tags: TagsFilter | None = None
    deployment_id: IdOrNullFilter | None = None
    work_queue_name: TextOrNullFilter | None = None
    state: FlowRunStateFilter | None = None
    flow_version: TextAnyFilter | None = None
    start_time: TimeOrNullFilter | None = None
    """Bounds compare the expected start time of a run that has not started; `is_null_` asks for the start itself."""
    end_time: TimeOrNullFilter | None = None
    expected_start_time: TimeFilter | None = None
    next_scheduled_start_time: TimeFilter | None = None
    parent_flow_run_id: ParentFlowRunFilter | None = None
    parent_task_run_id: IdOrNullFilter | None = None
    idempotency_key: TextFilter | None = None
    created_by: CreatedByFilter | None = None
