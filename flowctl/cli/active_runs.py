"""What goes on now: runs that run, wait, pause, end or are late, with their tasks and their place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from flowctl.cli import moments, run_table
from flowctl.cli.api.door import Door
from flowctl.cli.remote import run_lines
from flowctl.cli.results import FINAL
from flowctl.cli.run_query import LATE_AFTER_SECONDS
from flowctl.cli.run_table import RunLine
from flowctl.cli.tables import Column, Look

_ACTIVE = ("RUNNING", "PENDING", "CANCELLING", "PAUSED")
_WORKER = "prefect.worker.name"
_BAR = 8


@dataclass(slots=True, kw_only=True)
class Criteria:
    """Which of the active runs."""

    flow_ids: Sequence[str] = ()
    deployment_ids: Sequence[str] = ()
    tags: Sequence[str] = ()

    def body(self, state: dict[str, Any], **more: Any) -> dict[str, Any]:
        """The filters of a request."""
        runs: dict[str, Any] = {"state": state, **more}
        body: dict[str, Any] = {"flow_runs": runs}
        if self.tags:
            runs["tags"] = {"all_": list(self.tags)}
        if self.deployment_ids:
            runs["deployment_id"] = {"any_": list(self.deployment_ids)}
        if self.flow_ids:
            body["flows"] = {"id": {"any_": list(self.flow_ids)}}
        return body


@dataclass(slots=True)
class ActiveRun:
    """One active run: its row, how many of its tasks have ended, and where it runs as far as that is known."""

    line: RunLine
    own: dict[str, Any] = field(repr=False)
    tasks: int = 0
    tasks_done: int = 0

    @property
    def id(self) -> str:
        """The run's id."""
        return self.line.id

    @property
    def pid(self) -> str | None:
        """The process, as who started it has named it."""
        return self.own["infrastructure_pid"]

    @property
    def worker(self) -> str | None:
        """The worker that took it."""
        labels: dict[str, Any] = self.own.get("labels") or {}
        return labels.get(_WORKER)

    @property
    def place(self) -> str:
        """Worker or pool, and process."""
        pid = self.pid or ""
        parts = (self.worker or self.line.pool or "", f"pid {pid}" if pid.isdigit() else pid)
        return " ".join(part for part in parts if part)

    def data(self) -> dict[str, Any]:
        """As JSON has it: the API's run, and what is known beside it."""
        return {
            **self.own,
            "flow_name": self.line.flow,
            "deployment_name": self.line.deployment,
            "task_runs": self.tasks,
            "task_runs_done": self.tasks_done,
            "worker_name": self.worker,
            "reason": self.line.reason or None,
        }


def find(door: Door, criteria: Criteria, *, limit: int | None) -> tuple[list[ActiveRun], bool]:
    """The active runs, those that run first and within a state the oldest first, and whether there are more."""
    most = None if limit is None else limit + 1
    active = criteria.body({"type": {"any_": list(_ACTIVE)}})
    runs = door.all("/flow_runs/filter", {**active, "sort": "START_TIME_ASC"}, limit=most)
    due = {"before_": (moments.now() - timedelta(seconds=LATE_AFTER_SECONDS)).isoformat()}
    late = criteria.body({"type": {"any_": ["SCHEDULED"]}}, next_scheduled_start_time=due)
    runs += door.all("/flow_runs/filter", {**late, "sort": "NEXT_SCHEDULED_START_TIME_ASC"}, limit=most)
    order = {type: number for number, type in enumerate(_ACTIVE)}
    runs.sort(key=lambda run: order.get(run["state_type"], len(order)))
    shown = runs[:limit]
    found = [ActiveRun(line, run) for line, run in zip(run_lines.lines(door, shown), shown, strict=True)]
    _count_tasks(door, found)
    return found, len(runs) > len(shown)


def counts(found: Sequence[ActiveRun]) -> str:
    """`3 running, 1 late`."""
    words = [("late" if run.line.is_late else (run.line.state_type or "").lower()) for run in found]
    return ", ".join(f"{words.count(word):,} {word}" for word in dict.fromkeys(words))


def _count_tasks(door: Door, found: Sequence[ActiveRun]) -> None:
    """Learn how many tasks each run has, and how many have ended."""
    for start in range(0, len(found), 100):
        part = found[start : start + 100]
        totals = door.post("/ui/flow_runs/count-task-runs", {"flow_run_ids": [run.id for run in part]})
        for run in part:
            run.tasks = totals.get(run.id, 0)
            if run.tasks:
                ended = {
                    "state": {"type": {"any_": sorted(FINAL)}},
                    "flow_run_id": {"any_": [run.id]},
                    "subflow_runs": {"exists_": False},
                }
                run.tasks_done = door.post("/task_runs/count", {"task_runs": ended})


def _tasks(run: ActiveRun, look: Look) -> str:
    if not run.tasks:
        return ""
    text = f"{run.tasks_done:,}/{run.tasks:,}"
    if not (look.terminal and look.icons):
        return text
    full = run.tasks_done * _BAR // run.tasks
    return f"{'━' * full}{'─' * (_BAR - full)} {text}"


def _of_line(column: Column) -> Column:
    """A column of the table of runs, for the row inside."""
    text = column.text
    style = column.style
    return Column(
        column.title,
        lambda run: column.data(run.line),
        (lambda run, look: text(run.line, look)) if text else None,
        style=(lambda run: style(run.line)) if style else None,
        cut=column.cut,
        spare=column.spare,
        wide=column.wide,
    )


def _for(column: Column) -> Column:
    """The column of states, which also tells since when a run is in its state."""

    def text(run: ActiveRun, look: Look) -> str:
        word = column.text(run.line, look) if column.text else ""
        known = not look.terminal or run.line.state_type in ("RUNNING", "SCHEDULED")
        return word if known else f"{word} {moments.age(run.line.state_seconds)}"

    own = _of_line(column)
    own.text = text
    return own


_OF_RUNS = {column.title: column for column in run_table.COLUMNS}

COLUMNS = (
    *(_of_line(_OF_RUNS[title]) for title in ("ID", "NAME", "FLOW")),
    _for(_OF_RUNS["STATE"]),
    Column("TASKS", lambda run: f"{run.tasks_done}/{run.tasks}" if run.tasks else None, _tasks),
    _of_line(_OF_RUNS["DURATION"]),
    Column("WHERE", lambda run: run.place or None, lambda run, look: run.place or " ", cut=True, spare=True),
    _of_line(_OF_RUNS["REASON"]),
    _of_line(_OF_RUNS["START"]),
    *(_of_line(_OF_RUNS[title]) for title in ("TAGS", "DEPLOYMENT", "POOL", "QUEUE")),
)
