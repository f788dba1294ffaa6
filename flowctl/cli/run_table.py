"""The table of flow runs: one query that reads what it shows, and its columns."""

from __future__ import annotations

from flowctl.cli import moments
from flowctl.cli.run_query import LATE_AFTER_SECONDS, sql, state_type, unknown_state
from flowctl.cli.tables import Column, short_id

TYPE_CHECKING = False
if TYPE_CHECKING:
    from datetime import datetime
    from typing import Any

    from flowctl.cli.output import Output
    from flowctl.cli.run_query import RunQuery
    from flowctl.cli.tables import Look
    from flowctl.cli.targets import Execute

DEFAULT_LIMIT = 50

_SELECT = """
    SELECT flow_run.id, flow_run.name, flow.name, flow_run.state_type, flow_run.state_name, flow_run.state_timestamp,
        flow_run.start_time, flow_run.expected_start_time, flow_run.next_scheduled_start_time, flow_run.end_time,
        flow_run.total_run_time, flow_run.run_count, (SELECT group_concat(value, ',') FROM json_each(flow_run.tags)),
        deployment.name, work_pool.name, work_queue.name
    FROM flow_run
    LEFT JOIN flow ON flow.id = flow_run.flow_id
    LEFT JOIN deployment ON deployment.id = flow_run.deployment_id
    LEFT JOIN work_queue ON work_queue.id = flow_run.work_queue_id
    LEFT JOIN work_pool ON work_pool.id = work_queue.work_pool_id
"""

_ICONS = {
    "SCHEDULED": ("○", "yellow"),
    "PENDING": ("◐", "yellow"),
    "RUNNING": ("●", "blue"),
    "COMPLETED": ("✓", "green"),
    "FAILED": ("✗", "red"),
    "CANCELLED": ("⊘", "dim"),
    "CRASHED": ("✗", "magenta"),
    "PAUSED": ("‖", "cyan"),
    "CANCELLING": ("⊘", "yellow"),
}


class RunLine:
    """What a table shows of one run; times are stored text."""

    __slots__ = (
        "deployment",
        "end_time",
        "expected_start_time",
        "flow",
        "id",
        "name",
        "next_scheduled_start_time",
        "now",
        "pool",
        "queue",
        "reason",
        "run_count",
        "start_time",
        "state_name",
        "state_timestamp",
        "state_type",
        "tags",
        "total_run_time",
    )

    def __init__(self, row: tuple[Any, ...], now: datetime) -> None:
        (
            self.id,
            self.name,
            self.flow,
            self.state_type,
            self.state_name,
            self.state_timestamp,
            self.start_time,
            self.expected_start_time,
            self.next_scheduled_start_time,
            self.end_time,
            self.total_run_time,
            self.run_count,
            self.tags,
            self.deployment,
            self.pool,
            self.queue,
        ) = row
        self.now = now
        self.reason = ""
        """Why it waits or has ended, in a few words."""

    @property
    def state_seconds(self) -> float:
        """Seconds since it came into its state."""
        return (self.now - moments.read(self.state_timestamp)).total_seconds() if self.state_timestamp else 0.0

    @property
    def seconds(self) -> float | None:
        """Seconds in RUNNING states so far; None if it never ran."""
        total: float = self.total_run_time or 0.0
        if self.state_type == "RUNNING" and self.state_timestamp:
            total += max(0.0, self.state_seconds)
        return total if total or self.start_time else None

    @property
    def late_seconds(self) -> float | None:
        """Seconds since a SCHEDULED run is due, negative while it is not; None for other runs."""
        due = self.next_scheduled_start_time or self.expected_start_time
        if self.state_type != "SCHEDULED" or not due:
            return None
        return (self.now - moments.read(due)).total_seconds()

    @property
    def is_late(self) -> bool:
        """Whether it should have started by now."""
        return (self.late_seconds or 0) > LATE_AFTER_SECONDS


_NEEDS_NO_REASON = frozenset({"COMPLETED", "RUNNING", None})


def find(execute: Execute, query: RunQuery, now: datetime, *, reasons: bool = True) -> tuple[list[RunLine], bool]:
    """The runs that a query selects, and whether there are more than its limit lets through.

    reasons  also find out why they wait or have ended
    """
    where, parameters = sql(execute, query, now)
    limit = None if query.all else query.limit or DEFAULT_LIMIT
    ending = "" if limit is None else f" LIMIT {limit + 1}"
    rows = execute(f"{_SELECT} {where}{ending}", parameters).fetchall()
    lines = [RunLine(row, now) for row in rows[:limit]]
    if reasons and any(line.state_type not in _NEEDS_NO_REASON for line in lines):
        from flowctl.db.queries import run_reasons

        told = run_reasons.read(execute, lines, now)
        for line in lines:
            line.reason = told.get(line.id, "")
    return lines, limit is not None and len(rows) > limit


def footer(lines: list[RunLine], more: bool) -> str:
    """One line about the table: `3 runs · 1 late · next: flowctl why a71e90c4`."""
    if not lines:
        return "no runs"
    count = f"{'the first ' if more else ''}{len(lines):,} run{'' if len(lines) == 1 else 's'}"
    late = sum(line.is_late for line in lines)
    first = next((line for line in lines if line.is_late), None) or next((line for line in lines if line.reason), None)
    parts = [
        count,
        f"{late} late" if late else "",
        f"next: flowctl why {short_id(first.id)}" if first else "",
        "--all shows the rest" if more else "",
    ]
    return " · ".join(part for part in parts if part)


def state_style(type: str | None) -> str:
    """The colour of a type of state."""
    return _ICONS.get(type or "", ("", ""))[1]


def state_text(type: str | None, name: str | None, look: Look) -> str:
    """A state as icon and word."""
    if type is None:
        return ""
    return f"{_ICONS[type][0]} {name}" if look.terminal and look.icons and type in _ICONS else name or type.title()


def time_text(stored: str | None, look: Look) -> str:
    """A time for people on a terminal, as the API writes it elsewhere."""
    if not stored:
        return ""
    return moments.clock(moments.read(stored), look.now, utc=look.utc) if look.terminal else moments.iso(stored)


def _state(line: RunLine, look: Look) -> str:
    text = state_text(line.state_type, line.state_name, look)
    if not look.terminal or line.late_seconds is None:
        return text
    if line.is_late:
        return f"{state_text('SCHEDULED', 'Late', look)} {moments.age(line.late_seconds)}"
    return f"{text} in {moments.age(-line.late_seconds)}" if line.late_seconds < -1 else text


def _duration(line: RunLine, _look: Look) -> str:
    return "" if line.seconds is None else moments.duration(line.seconds)


def _data_time(name: str) -> Column:
    return Column(
        name.removesuffix("_time").upper(),
        lambda line: moments.iso(getattr(line, name)) if getattr(line, name) else None,
        lambda line, look: time_text(getattr(line, name), look),
        spare=True,
        wide=name != "start_time",
    )


COLUMNS = (
    Column("ID", lambda line: line.id, lambda line, look: short_id(line.id) if look.terminal else line.id),
    Column("NAME", lambda line: line.name, cut=True),
    Column("FLOW", lambda line: line.flow, cut=True),
    Column(
        "STATE",
        lambda line: line.state_name,
        _state,
        style=lambda line: "yellow" if line.is_late else state_style(line.state_type),
    ),
    Column(
        "REASON",
        lambda line: line.reason or None,
        lambda line, look: line.reason or (" " if look.terminal else ""),
        cut=True,
        spare=True,
    ),
    _data_time("start_time"),
    Column("DURATION", lambda line: line.seconds, _duration, spare=True),
    Column("TAGS", lambda line: line.tags, cut=True, spare=True),
    Column("RUNS", lambda line: line.run_count, wide=True, spare=True),
    Column("DEPLOYMENT", lambda line: line.deployment, cut=True, spare=True, wide=True),
    Column("POOL", lambda line: line.pool, cut=True, spare=True, wide=True),
    Column("QUEUE", lambda line: line.queue, cut=True, spare=True, wide=True),
    _data_time("expected_start_time"),
    _data_time("end_time"),
)


def show(output: Output, query: RunQuery, lines: list[RunLine], more: bool) -> None:
    """Print the table and the line about it; where nothing was found, also what may be misspelt."""
    output.table(COLUMNS, lines)
    output.hint(footer(lines, more))
    for word in query.states if not lines else ():
        if state_type(word) is None:
            output.note(unknown_state(word))
