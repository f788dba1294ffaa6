"""Variables: JSON values under a name, for flows, deployments and templates to read."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Annotated, ClassVar, TypeAlias
from uuid import UUID

from annotated_types import MaxLen
from typing_extensions import TypedDict

from flowctl.domain.filters import AllTagsFilter, IdAnyFilter, NameFilter, OperatorFilter
from flowctl.domain.values import STRICT_BODY, Checked, JSONValue, NonNegative

LONGEST_NAME = 255
LONGEST_VALUE = 5000
"""Bytes of the value as JSON."""

_NAME = re.compile("[a-z0-9_-]*")


def proper_name(name: str) -> str:
    """The name, if a variable may have it.  Raises ValueError."""
    if not _NAME.fullmatch(name):
        raise ValueError("Variable name must only contain lowercase letters, numbers, and dashes or underscores.")
    return name


def proper_value(value: JSONValue) -> JSONValue:
    """The value, if it is short enough.  Raises ValueError."""
    if len(json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()) > LONGEST_VALUE:
        raise ValueError(f"Variable value must be less than {LONGEST_VALUE} characters")
    return value


Name: TypeAlias = Annotated[str, Checked(proper_name), MaxLen(LONGEST_NAME)]
Value: TypeAlias = Annotated[JSONValue, Checked(proper_value)]


@dataclass(slots=True, kw_only=True)
class Variable:
    """A variable as it is stored and answered."""

    id: UUID
    created: datetime
    updated: datetime
    name: str
    value: JSONValue = None
    tags: list[str] = field(default_factory=list[str])


@dataclass(slots=True, kw_only=True)
class VariableCreate:
    """Body of `POST /variables/`."""

    __pydantic_config__: ClassVar[object] = STRICT_BODY

    name: Name
    value: Value
    tags: list[str] = field(default_factory=list[str])


class VariableUpdate(TypedDict, total=False):
    """Body of `PATCH /variables/{id}`: the keys present are the keys sent."""

    __pydantic_config__ = STRICT_BODY  # pyright: ignore[reportGeneralTypeIssues] - pydantic reads it from the class

    name: Name | None
    value: Value
    tags: list[str] | None


class VariableSort(StrEnum):
    """Orders of a list of variables."""

    CREATED_DESC = "CREATED_DESC"
    UPDATED_DESC = "UPDATED_DESC"
    NAME_DESC = "NAME_DESC"
    NAME_ASC = "NAME_ASC"


@dataclass(slots=True, kw_only=True)
class VariableFilter(OperatorFilter):
    """Which variables (Prefect: VariableFilter)."""

    id: IdAnyFilter | None = None
    name: NameFilter | None = None
    tags: AllTagsFilter | None = None


@dataclass(slots=True, kw_only=True)
class VariablesCount:
    """Body of `POST /variables/count`."""

    NULL_IS_DEFAULT: ClassVar[bool] = True

    variables: VariableFilter | None = None


@dataclass(slots=True, kw_only=True)
class VariablesQuery(VariablesCount):
    """Body of `POST /variables/filter`."""

    sort: VariableSort = VariableSort.NAME_ASC
    limit: int | None = None
    offset: NonNegative = 0
