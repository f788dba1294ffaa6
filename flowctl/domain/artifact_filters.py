"""Which artifacts: filters, sort orders, and the bodies of questions about them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from flowctl.domain.filters import IdAnyFilter, NameFilter, OperatorFilter, TextFilter
from flowctl.domain.list_queries import TaskRunsCount
from flowctl.domain.values import NonNegative


class ArtifactSort(StrEnum):
    """Orders of a list of artifacts, or of the latest ones."""

    CREATED_DESC = "CREATED_DESC"
    UPDATED_DESC = "UPDATED_DESC"
    ID_DESC = "ID_DESC"
    KEY_DESC = "KEY_DESC"
    KEY_ASC = "KEY_ASC"


@dataclass(slots=True, kw_only=True)
class ArtifactKeyFilter(NameFilter):
    """By key, or by having one."""

    exists_: bool | None = None


@dataclass(slots=True, kw_only=True)
class _AnyArtifactFilter(OperatorFilter):
    key: ArtifactKeyFilter | None = None
    flow_run_id: IdAnyFilter | None = None
    task_run_id: IdAnyFilter | None = None
    type: TextFilter | None = None


@dataclass(slots=True, kw_only=True)
class ArtifactFilter(_AnyArtifactFilter):
    """Which artifacts (Prefect: ArtifactFilter)."""

    id: IdAnyFilter | None = None


@dataclass(slots=True, kw_only=True)
class ArtifactCollectionFilter(_AnyArtifactFilter):
    """Which latest artifacts, by what they are (Prefect: ArtifactCollectionFilter)."""

    latest_id: IdAnyFilter | None = None


@dataclass(slots=True, kw_only=True)
class ArtifactsCount(TaskRunsCount):
    """Body of `POST /artifacts/count`."""

    artifacts: ArtifactFilter | None = None


@dataclass(slots=True, kw_only=True)
class ArtifactsQuery(ArtifactsCount):
    """Body of `POST /artifacts/filter`."""

    sort: ArtifactSort = ArtifactSort.ID_DESC
    limit: int | None = None
    offset: NonNegative = 0


@dataclass(slots=True, kw_only=True)
class LatestArtifactsCount(TaskRunsCount):
    """Body of `POST /artifacts/latest/count`."""

    artifacts: ArtifactCollectionFilter | None = None


@dataclass(slots=True, kw_only=True)
class LatestArtifactsQuery(LatestArtifactsCount):
    """Body of `POST /artifacts/latest/filter`."""

    sort: ArtifactSort = ArtifactSort.ID_DESC
    limit: int | None = None
    offset: NonNegative = 0
