"""Filter operators: what a list may be narrowed by, each a small dataclass with Prefect's operator names.

An operator that is None does not filter; an empty list matches nothing in `any_`, and filters nothing in `not_any_` and
`all_`.  Several operators of one filter are joined by AND, or by its `operator`, where it has that field.  The filters
of each resource (`flow_run_filters.py` …) are made of these; `db/where.py` turns them into SQL.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import datetime
from enum import StrEnum
from typing import ClassVar, cast
from uuid import UUID

from flowctl.domain.states import StateType
from flowctl.domain.values import STRICT_BODY


class Operator(StrEnum):
    """How the criteria of one filter are joined."""

    and_ = "and_"
    or_ = "or_"


@dataclass(slots=True, kw_only=True)
class Filter:
    """A filter whose criteria all have to hold; unknown keys are refused, as Prefect does."""

    __pydantic_config__: ClassVar[object] = STRICT_BODY


@dataclass(slots=True, kw_only=True)
class OperatorFilter(Filter):
    """A filter whose criteria are joined by `operator`."""

    operator: Operator = Operator.and_


@dataclass(slots=True, kw_only=True)
class IdFilter(Filter):
    """By id, in or out of a list."""

    any_: list[UUID] | None = None
    not_any_: list[UUID] | None = None


@dataclass(slots=True, kw_only=True)
class IdAnyFilter(Filter):
    """By id, in a list."""

    any_: list[UUID] | None = None


@dataclass(slots=True, kw_only=True)
class IdOrNullFilter(OperatorFilter):
    """By a reference that may be missing."""

    any_: list[UUID] | None = None
    is_null_: bool | None = None


@dataclass(slots=True, kw_only=True)
class NameFilter(Filter):
    """By name; `like_` is part of it in upper or lower case, with `%` and `_` as SQL's wildcards."""

    any_: list[str] | None = None
    like_: str | None = None


@dataclass(slots=True, kw_only=True)
class LikeFilter(Filter):
    """By part of a name, as `NameFilter.like_`."""

    like_: str | None = None


@dataclass(slots=True, kw_only=True)
class PrefixFilter(Filter):
    """By name, or by its beginning in upper or lower case."""

    any_: list[str] | None = None
    startswith_: list[str] | None = None


@dataclass(slots=True, kw_only=True)
class TextAnyFilter(Filter):
    """By a text, in a list."""

    any_: list[str] | None = None


@dataclass(slots=True, kw_only=True)
class TextFilter(Filter):
    """By a text, in or out of a list."""

    any_: list[str] | None = None
    not_any_: list[str] | None = None


@dataclass(slots=True, kw_only=True)
class TextOrNullFilter(OperatorFilter):
    """By a text that may be missing."""

    any_: list[str] | None = None
    is_null_: bool | None = None


@dataclass(slots=True, kw_only=True)
class AllTagsFilter(OperatorFilter):
    """By tags: `all_` of these, or none at all."""

    all_: list[str] | None = None
    is_null_: bool | None = None


@dataclass(slots=True, kw_only=True)
class TagsFilter(OperatorFilter):
    """By tags: `all_` of these, any of these, or none at all."""

    all_: list[str] | None = None
    any_: list[str] | None = None
    is_null_: bool | None = None


@dataclass(slots=True, kw_only=True)
class TimeFilter(Filter):
    """By a time; both bounds belong to the range."""

    before_: datetime | None = None
    after_: datetime | None = None


@dataclass(slots=True, kw_only=True)
class TimeOrNullFilter(TimeFilter):
    """By a time that may be missing."""

    is_null_: bool | None = None


@dataclass(slots=True, kw_only=True)
class NumberFilter(Filter):
    """By a number; both bounds belong to the range."""

    ge_: int | None = None
    le_: int | None = None


@dataclass(slots=True, kw_only=True)
class BooleanFilter(Filter):
    """By a claim."""

    eq_: bool | None = None


@dataclass(slots=True, kw_only=True)
class StateTypeAnyFilter(Filter):
    """By type of state, in a list."""

    any_: list[StateType] | None = None


@dataclass(slots=True, kw_only=True)
class StateTypeFilter(Filter):
    """By type of state, in or out of a list."""

    any_: list[StateType] | None = None
    not_any_: list[StateType] | None = None


def required(filter: Filter | None) -> dict[str, Filter]:
    """The filters inside a filter, by name, of which each has to hold; none if one of several suffices."""
    found = {} if filter is None else criteria(filter)
    if isinstance(filter, OperatorFilter) and filter.operator is Operator.or_ and len(found) > 1:
        return {}
    return {name: value for name, value in found.items() if isinstance(value, Filter)}


def required_values(filter: Filter | None) -> list[object] | None:
    """The list that a filter requires the value to be in; None if it requires no such thing."""
    found = {} if filter is None else criteria(filter)
    if isinstance(filter, OperatorFilter) and filter.operator is Operator.or_ and len(found) > 1:
        return None
    values = found.get("any_")
    return cast("list[object]", values) if isinstance(values, list) else None


def only(filter: Filter | None, *names: str) -> bool:
    """Whether a filter has criteria under these names and under no others (`operator` aside)."""
    return filter is not None and set(criteria(filter)) == set(names)


def criteria(filter: Filter) -> dict[str, object]:
    """The criteria of a filter that are not None, by name, without `operator`."""
    values = {field.name: getattr(filter, field.name) for field in fields(filter) if field.name != "operator"}
    return {name: value for name, value in values.items() if value is not None}
