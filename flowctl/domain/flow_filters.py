"""Which flows: filter, sort order."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from flowctl.domain.filters import AllTagsFilter, IdFilter, NameFilter, OperatorFilter


class FlowSort(StrEnum):
    """Orders of a list of flows."""

    CREATED_DESC = "CREATED_DESC"
    UPDATED_DESC = "UPDATED_DESC"
    NAME_ASC = "NAME_ASC"
    NAME_DESC = "NAME_DESC"


@dataclass(slots=True, kw_only=True)
class FlowDeploymentFilter(OperatorFilter):
    """By having no deployment, or some."""

    is_null_: bool | None = None


@dataclass(slots=True, kw_only=True)
class FlowFilter(OperatorFilter):
    """Which flows (Prefect: FlowFilter)."""

    id: IdFilter | None = None
    deployment: FlowDeploymentFilter | None = None
    name: NameFilter | None = None
    tags: AllTagsFilter | None = None
