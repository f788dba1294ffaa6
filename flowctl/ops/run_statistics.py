"""Statistics of flow runs by flow, and of task runs by task."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, ClassVar
from uuid import UUID

from annotated_types import Ge, Le, MaxLen

from flowctl.db.columns import encode_time
from flowctl.db.database import Tx
from flowctl.db.queries import run_statistics as queries
from flowctl.domain.errors import Invalid
from flowctl.domain.run_statistics import RunStatistics, summarize

_SPAN = timedelta(days=7)
_MOST_IDS = 1000


@dataclass(slots=True, kw_only=True)
class StatisticsQuery:
    """Which runs: by default those of the last seven days; `parts` is how finely `history` counts them."""

    NULL_IS_DEFAULT: ClassVar[bool] = True

    since: datetime | None = None
    until: datetime | None = None
    flow_ids: Annotated[list[UUID], MaxLen(_MOST_IDS)] | None = None
    flow_run_ids: Annotated[list[UUID], MaxLen(_MOST_IDS)] | None = None
    """Of task runs only."""
    parts: Annotated[int, Ge(1), Le(100)] = 24


def of_flows(tx: Tx, query: StatisticsQuery) -> list[RunStatistics]:
    """The runs of each flow that had some."""
    since, until = _span(tx, query)
    facts = queries.flow_run_facts(tx, since, until, _texts(query.flow_ids))
    return summarize(facts, queries.flow_names(tx), _edges(since, until, query.parts))


def of_tasks(tx: Tx, query: StatisticsQuery) -> list[RunStatistics]:
    """The runs of each task that had some."""
    since, until = _span(tx, query)
    facts = queries.task_run_facts(tx, since, until, _texts(query.flow_ids), _texts(query.flow_run_ids))
    return summarize(facts, {}, _edges(since, until, query.parts))


def _span(tx: Tx, query: StatisticsQuery) -> tuple[datetime, datetime]:
    until = query.until or tx.now
    since = query.since or until - _SPAN
    if since >= until:
        raise Invalid("The span of time ends before it begins.")
    return since, until


def _edges(since: datetime, until: datetime, parts: int) -> list[str]:
    return [encode_time(since + (until - since) * number / parts) for number in range(parts + 1)]


def _texts(ids: list[UUID] | None) -> list[str] | None:
    return None if ids is None else [str(id) for id in ids]
