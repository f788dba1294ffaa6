"""Flows: the named functions whose runs are recorded."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, ClassVar
from uuid import UUID

from typing_extensions import TypedDict

from flowctl.domain.values import PROPER_NAME, STRICT_BODY, KeyValueLabels


@dataclass(slots=True, kw_only=True)
class Flow:
    """A flow as it is stored and answered."""

    id: UUID
    created: datetime
    updated: datetime
    name: str
    tags: list[str] = field(default_factory=list[str])
    labels: KeyValueLabels | None = field(default_factory=dict[str, bool | int | float | str])


@dataclass(slots=True, kw_only=True)
class FlowCreate:
    """Body of `POST /flows/`; an existing flow of that name is answered as it is."""

    __pydantic_config__: ClassVar[object] = STRICT_BODY

    name: Annotated[str, PROPER_NAME]
    tags: list[str] = field(default_factory=list[str])
    labels: KeyValueLabels | None = field(default_factory=dict[str, bool | int | float | str])


class FlowUpdate(TypedDict, total=False):
    """Body of `PATCH /flows/{id}`: the keys present are the keys sent."""

    __pydantic_config__ = STRICT_BODY  # pyright: ignore[reportGeneralTypeIssues] - pydantic reads it from the class

    tags: list[str]
