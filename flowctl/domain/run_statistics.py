"""Statistics of many runs: how often, how well and how long, by flow or by task."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

_ENDINGS = {"COMPLETED": "completed", "FAILED": "failed", "CRASHED": "crashed", "CANCELLED": "cancelled"}


@dataclass(slots=True, kw_only=True)
class RunStatistics:
    """The runs of one flow or task within a span of time; durations in seconds, of runs that have ended."""

    key: str
    """The flow's id, or the task's key."""
    name: str
    runs: int = 0
    completed: int = 0
    failed: int = 0
    crashed: int = 0
    cancelled: int = 0
    active: int = 0
    retries: int = 0
    """Times that a run was started again."""
    success_rate: float | None = None
    """Of the runs that completed, failed or crashed, the share that completed."""
    p50_seconds: float | None = None
    p95_seconds: float | None = None
    total_seconds: float = 0.0
    last_start: datetime | None = None
    history: list[int] = field(default_factory=list[int])
    """Runs in each of equal parts of the span."""
    failures: list[int] = field(default_factory=list[int])
    """Those of them that failed or crashed."""


@dataclass(slots=True)
class RunFact:
    """What counts of one run; `start` is text that sorts by time, as SQLite has it."""

    key: str
    state_type: str | None
    run_count: int
    seconds: float
    start: str


def summarize(facts: Iterable[RunFact], names: Mapping[str, str], edges: Sequence[str]) -> list[RunStatistics]:
    """The statistics of runs by key, those with most runs first.

    names  of the keys; a key without one is its own name
    edges  where the parts of the span begin, and the end of the last one
    """
    found: dict[str, RunStatistics] = {}
    seconds: dict[str, list[float]] = {}
    starts: dict[str, str] = {}
    parts = len(edges) - 1
    for fact in facts:
        key = fact.key
        each = found.get(key)
        if each is None:
            each = found[key] = RunStatistics(key=key, name=names.get(key, key))
            each.history, each.failures = [0] * parts, [0] * parts
            seconds[key], starts[key] = [], fact.start
        each.runs += 1
        each.retries += max(0, fact.run_count - 1)
        part = min(max(bisect_right(edges, fact.start) - 1, 0), parts - 1)
        each.history[part] += 1
        if fact.state_type in ("FAILED", "CRASHED"):
            each.failures[part] += 1
        ending = _ENDINGS.get(fact.state_type or "", "active")
        setattr(each, ending, getattr(each, ending) + 1)
        if ending != "active" and fact.seconds > 0:
            seconds[key].append(fact.seconds)
        starts[key] = max(starts[key], fact.start)
    for key, each in found.items():
        _finish(each, sorted(seconds[key]), starts[key])
    return sorted(found.values(), key=lambda each: (-each.runs, each.name))


def _finish(each: RunStatistics, seconds: list[float], start: str) -> None:
    judged = each.completed + each.failed + each.crashed
    each.success_rate = round(each.completed / judged, 4) if judged else None
    each.p50_seconds, each.p95_seconds = percentile(seconds, 0.5), percentile(seconds, 0.95)
    each.total_seconds = round(sum(seconds), 3)
    each.last_start = datetime.fromisoformat(start).replace(tzinfo=UTC)


def percentile(ordered: Sequence[float], share: float) -> float | None:
    """The smallest value that at least this share of the values does not exceed; None of none."""
    if not ordered:
        return None
    rank = -int(-share * len(ordered) // 1)  # rounded up
    return round(ordered[max(rank, 1) - 1], 3)
