"""Which log lines: filter, sort order."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated
from uuid import UUID

from annotated_types import MaxLen

from flowctl.domain.filters import Filter, IdAnyFilter, NumberFilter, OperatorFilter, TimeFilter


class LogSort(StrEnum):
    """Orders of a list of log lines."""

    TIMESTAMP_ASC = "TIMESTAMP_ASC"
    TIMESTAMP_DESC = "TIMESTAMP_DESC"


@dataclass(slots=True, kw_only=True)
class LogTaskRunFilter(Filter):
    """By task run, or by having none."""

    any_: list[UUID] | None = None
    is_null_: bool | None = None


@dataclass(slots=True, kw_only=True)
class LogTextFilter(Filter):
    """By words in the message or the logger's name, in the language of `domain/text_search.py`."""

    query: Annotated[str, MaxLen(200)]


@dataclass(slots=True, kw_only=True)
class LogFilter(OperatorFilter):
    """Which log lines (Prefect: LogFilter)."""

    level: NumberFilter | None = None
    timestamp: TimeFilter | None = None
    flow_run_id: IdAnyFilter | None = None
    task_run_id: LogTaskRunFilter | None = None
    text: LogTextFilter | None = None
