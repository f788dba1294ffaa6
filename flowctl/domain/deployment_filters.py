"""Which deployments: filter, sort order."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from flowctl.domain.filters import (
    BooleanFilter,
    IdFilter,
    LikeFilter,
    NameFilter,
    NumberFilter,
    OperatorFilter,
    TagsFilter,
    TextAnyFilter,
)


class DeploymentSort(StrEnum):
    """Orders of a list of deployments."""

    CREATED_DESC = "CREATED_DESC"
    UPDATED_DESC = "UPDATED_DESC"
    NAME_ASC = "NAME_ASC"
    NAME_DESC = "NAME_DESC"


@dataclass(slots=True, kw_only=True)
class ConcurrencyLimitFilter(NumberFilter):
    """Accepted and without effect, as in Prefect since limits moved to a table of their own."""

    is_null_: bool | None = None


@dataclass(slots=True, kw_only=True)
class DeploymentFilter(OperatorFilter):
    """Which deployments (Prefect: DeploymentFilter)."""

    id: IdFilter | None = None
    name: NameFilter | None = None
    flow_or_deployment_name: LikeFilter | None = None
    paused: BooleanFilter | None = None
    tags: TagsFilter | None = None
    work_queue_name: TextAnyFilter | None = None
    concurrency_limit: ConcurrencyLimitFilter | None = None
