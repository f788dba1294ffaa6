"""Which task runs: filter, sort order."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from flowctl.domain.filters import (
    AllTagsFilter,
    Filter,
    IdAnyFilter,
    NameFilter,
    OperatorFilter,
    StateTypeAnyFilter,
    TextAnyFilter,
    TimeFilter,
    TimeOrNullFilter,
)


class TaskRunSort(StrEnum):
    """Orders of a list of task runs."""

    ID_DESC = "ID_DESC"
    EXPECTED_START_TIME_ASC = "EXPECTED_START_TIME_ASC"
    EXPECTED_START_TIME_DESC = "EXPECTED_START_TIME_DESC"
    NAME_ASC = "NAME_ASC"
    NAME_DESC = "NAME_DESC"
    NEXT_SCHEDULED_START_TIME_ASC = "NEXT_SCHEDULED_START_TIME_ASC"
    END_TIME_DESC = "END_TIME_DESC"


@dataclass(slots=True, kw_only=True)
class TaskRunStateFilter(OperatorFilter):
    """By the present state."""

    type: StateTypeAnyFilter | None = None
    name: TextAnyFilter | None = None


@dataclass(slots=True, kw_only=True)
class SubflowRunsFilter(Filter):
    """By being the parent of a subflow run, or not."""

    exists_: bool | None = None


@dataclass(slots=True, kw_only=True)
class TaskFlowRunFilter(OperatorFilter):
    """By flow run; without `any_`, by having one (`is_null_` false, as it is unless sent) or none (true).

    `is_null_` true wins over `any_`.
    """

    any_: list[UUID] | None = None
    is_null_: bool | None = False


@dataclass(slots=True, kw_only=True)
class TaskRunFilter(OperatorFilter):
    """Which task runs (Prefect: TaskRunFilter)."""

    id: IdAnyFilter | None = None
    name: NameFilter | None = None
    tags: AllTagsFilter | None = None
    state: TaskRunStateFilter | None = None
    start_time: TimeOrNullFilter | None = None
    end_time: TimeOrNullFilter | None = None
    expected_start_time: TimeFilter | None = None
    subflow_runs: SubflowRunsFilter | None = None
    flow_run_id: TaskFlowRunFilter | None = None
