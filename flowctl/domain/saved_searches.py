"""Saved searches: filters that a page of the dashboard keeps under a name."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import ClassVar
from uuid import UUID

from flowctl.domain.values import OPEN_PART, STRICT_BODY, JSONValue


@dataclass(slots=True, kw_only=True)
class SavedSearchFilter:
    """One criterion; what it means is the dashboard's affair."""

    __pydantic_config__: ClassVar[object] = OPEN_PART

    object: str
    property: str
    type: str
    operation: str
    value: JSONValue


@dataclass(slots=True, kw_only=True)
class SavedSearch:
    """A saved search as it is stored and answered."""

    id: UUID
    created: datetime
    updated: datetime
    name: str
    filters: list[SavedSearchFilter] = field(default_factory=list[SavedSearchFilter])


@dataclass(slots=True, kw_only=True)
class SavedSearchCreate:
    """Body of `PUT /saved_searches/`; an existing one of that name gets these filters."""

    __pydantic_config__: ClassVar[object] = STRICT_BODY

    name: str
    filters: list[SavedSearchFilter] = field(default_factory=list[SavedSearchFilter])
