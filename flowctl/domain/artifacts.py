"""Artifacts: what runs leave to be looked at (tables, markdown, links, images, progress), some under a key."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar
from uuid import UUID

from typing_extensions import TypedDict

from flowctl.domain.values import STRICT_BODY, JSONValue


@dataclass(slots=True, kw_only=True)
class Artifact:
    """An artifact as it is stored and answered."""

    id: UUID
    created: datetime
    updated: datetime
    key: str | None = None
    type: str | None = None
    description: str | None = None
    data: JSONValue = None
    metadata_: dict[str, str] | None = None
    flow_run_id: UUID | None = None
    task_run_id: UUID | None = None


@dataclass(slots=True, kw_only=True)
class ArtifactCollection:
    """All artifacts of a key, which look like the latest one of them; `id` is the collection's own."""

    id: UUID
    created: datetime
    updated: datetime
    key: str
    latest_id: UUID
    type: str | None = None
    description: str | None = None
    data: JSONValue = None
    metadata_: dict[str, str] | None = None
    flow_run_id: UUID | None = None
    task_run_id: UUID | None = None


@dataclass(slots=True, kw_only=True)
class ArtifactCreate:
    """Body of `POST /artifacts/`."""

    __pydantic_config__: ClassVar[object] = STRICT_BODY

    key: str | None = None
    type: str | None = None
    description: str | None = None
    data: JSONValue = None
    metadata_: dict[str, str] | None = None
    flow_run_id: UUID | None = None
    task_run_id: UUID | None = None


class ArtifactUpdate(TypedDict, total=False):
    """Body of `PATCH /artifacts/{id}`: the keys present are the keys sent."""

    __pydantic_config__ = STRICT_BODY  # pyright: ignore[reportGeneralTypeIssues] - pydantic reads it from the class

    data: JSONValue
    description: str | None
    metadata_: dict[str, str] | None
