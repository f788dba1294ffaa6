"""Whether a log line in memory passes a filter: `db/where.py` has the same criteria as SQL."""

from __future__ import annotations

from datetime import datetime
from typing import TypeVar
from uuid import UUID

from flowctl.domain.filters import Operator
from flowctl.domain.log_filters import LogFilter
from flowctl.domain.logs import Log
from flowctl.domain.text_search import parse

B = TypeVar("B", int, datetime)


def includes(criteria: LogFilter, log: Log) -> bool:
    """Whether a line passes a filter; one without criteria lets all pass."""
    verdicts: list[bool] = []
    if criteria.level:
        verdicts.append(_in_range(log.level, criteria.level.ge_, criteria.level.le_))
    if criteria.timestamp:
        verdicts.append(_in_range(log.timestamp, criteria.timestamp.after_, criteria.timestamp.before_))
    if criteria.flow_run_id:
        verdicts.append(_is_one_of(log.flow_run_id, criteria.flow_run_id.any_))
    if criteria.task_run_id:
        wanted = criteria.task_run_id.is_null_
        verdicts.append(
            _is_one_of(log.task_run_id, criteria.task_run_id.any_)
            and (wanted is None or wanted is (log.task_run_id is None))
        )
    if criteria.text:
        verdicts.append(parse(criteria.text.query).matches(f"{log.message} {log.name}"))
    if criteria.operator is Operator.or_ and verdicts:
        return any(verdicts)
    return all(verdicts)


def _in_range(value: B, least: B | None, most: B | None) -> bool:
    return (least is None or value >= least) and (most is None or value <= most)


def _is_one_of(id: UUID | None, ids: list[UUID] | None) -> bool:
    return ids is None or id in ids
