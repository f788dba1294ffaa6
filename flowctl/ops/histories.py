"""What the histories of flow runs and of task runs have in common."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import pairwise

from flowctl.db.queries.run_history import Bucket
from flowctl.domain import run_history
from flowctl.domain.errors import Invalid
from flowctl.domain.run_history import HistoryResponse, HistoryResponseState
from flowctl.domain.states import StateType


def edges(start: datetime, end: datetime, interval_seconds: float) -> list[datetime]:
    """The bounds of the intervals.  Raises Invalid for an interval below a second, or beyond the end of time."""
    if not interval_seconds >= 1:
        raise Invalid("History interval must not be less than 1 second.")
    try:
        return run_history.edges(start, end, timedelta(seconds=interval_seconds))
    except OverflowError:
        raise Invalid("The history reaches beyond the year 9999.") from None


def responses(edges: Sequence[datetime], buckets: Sequence[Bucket]) -> list[HistoryResponse]:
    """The answer: each interval with its states by type and name, durations in milliseconds' precision."""
    answer = [HistoryResponse(interval_start=start, interval_end=end) for start, end in pairwise(edges)]
    for bucket in sorted(buckets, key=lambda bucket: (bucket.state_type, bucket.state_name)):
        state = HistoryResponseState(
            state_type=StateType(bucket.state_type),
            state_name=bucket.state_name,
            count_runs=bucket.count,
            sum_estimated_run_time=round(bucket.run_time, 3),
            sum_estimated_lateness=round(bucket.lateness, 3),
        )
        answer[bucket.interval].states.append(state)
    return answer
