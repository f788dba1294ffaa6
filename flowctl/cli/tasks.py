"""`flowctl tasks ls | show | logs`."""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Any

import typer

from flowctl.cli import documents, log_lines, lookups, moments, run_table
from flowctl.cli.commands import Command
from flowctl.cli.context import Session
from flowctl.cli.output import Output
from flowctl.cli.results import FINAL
from flowctl.cli.run_query import state_type, unknown_state
from flowctl.cli.selection import each
from flowctl.cli.tables import Column, block, item, plain
from flowctl.cli.tasks_found import DEFAULT_LIMIT, TasksListing, choose, find, noun
from flowctl.domain.errors import Invalid

app = typer.Typer()

_POLL_SECONDS = 1.0

_LS = """
flowctl tasks ls --run @last
flowctl tasks ls --state failed --since 2d --flow etl
flowctl tasks ls --name 'load-*' -q
"""


@app.command("ls", cls=TasksListing, epilog=_LS)
def list_tasks(ctx: typer.Context) -> None:
    """List task runs, the last due first.

    At most 50 are shown unless --limit or --all says otherwise.
    """
    session = Session.of(ctx)
    output, query = session.output, session.query
    found, more = find(session, limit=None if query.all else query.limit or DEFAULT_LIMIT)
    if output.wants_data:
        output.data(found)
        return
    output.table(_COLUMNS, _lines(session, found))
    rest = " · --all shows the rest" if more else ""
    output.hint(f"{'the first ' if more else ''}{noun(len(found))}{rest}" if found else "no task runs")
    for word in query.states if not found else ():
        if state_type(word) is None:
            output.note(unknown_state(word))


_SHOW = """
flowctl tasks show load-0
flowctl tasks show 3f9c --fields name,state.message
"""


@app.command("show", cls=Command, epilog=_SHOW)
def show_tasks(ctx: typer.Context, tasks: Annotated[list[str], typer.Argument(metavar="TASK...")]) -> int:
    """Show everything about a task run: its state, times, inputs, retries and where it belongs."""
    session = Session.of(ctx)
    output = session.output
    outcome = each(session, choose(session, tasks, what="tasks show"), lambda id: session.api.get(f"/task_runs/{id}"))
    if output.wants_data or output.format == "id":
        output.data(outcome.done, single=len(tasks) == len(outcome.done) == 1)
    elif output.format == "csv":
        output.table([Column(name, item(name)) for name in outcome.done[0]] if outcome.done else [], outcome.done)
    else:
        for number, task in enumerate(outcome.done):
            if number:
                output.text("\n")
            output.pairs([(name, value) for name, value in _pairs(session, task) if value])
    return outcome.code


_LOGS = """
flowctl tasks logs load-0
flowctl tasks logs 3f9c -f --level warning
"""


@app.command("logs", cls=Command, epilog=_LOGS)
def show_logs(
    ctx: typer.Context,
    tasks: Annotated[list[str], typer.Argument(metavar="TASK...")],
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on as lines arrive, until the task ends.")] = False,
    tail: Annotated[int | None, typer.Option("--tail", "-n", min=1, metavar="N", help="The last N lines only.")] = None,
    head: Annotated[int | None, typer.Option("--head", min=1, metavar="N", help="The first N lines only.")] = None,
    level: Annotated[str, typer.Option("--level", metavar="LEVEL", help="This level and above.")] = "",
    since: Annotated[str, typer.Option("--since", metavar="TIME", help="Lines since 10m, today, 2026-01-31 …")] = "",
) -> int:
    """Show what a task run logged."""
    session = Session.of(ctx)
    output = session.output
    begin = log_lines.parse_since(since, output.now)
    logs: dict[str, Any] = {"level": {"ge_": log_lines.parse_level(level)}}
    if begin:
        logs["timestamp"] = {"after_": begin.isoformat()}
    if follow and output.format not in {"table", "wide", "jsonl"}:
        raise Invalid(f"Lines that arrive cannot be printed as {output.format}.", remedy="use -o table or -o jsonl")
    outcome = each(session, choose(session, tasks, what="tasks logs"), lambda id: id)
    if not outcome.done:
        return outcome.code
    logs["task_run_id"] = {"any_": outcome.done}
    if tail is None:
        lines = session.api.all("/logs/filter", {"logs": logs, "sort": "TIMESTAMP_ASC"}, limit=head)
    else:
        lines = session.api.all("/logs/filter", {"logs": logs, "sort": "TIMESTAMP_DESC"}, limit=tail)[::-1]
    if follow:
        _follow(session, logs, lines, outcome.done)
    elif output.wants_data or output.format == "id":
        output.data(lines)
    elif output.format == "csv":
        output.table([Column(name, item(name)) for name in _LOG_FIELDS], lines)
    else:
        output.lines([log_lines.line_text(line, output.look) for line in lines])
        if not lines:
            output.hint("no log lines")
    return outcome.code


def _follow(session: Session, logs: dict[str, Any], lines: list[dict[str, Any]], ids: list[str]) -> None:
    """Print lines as they arrive, until all task runs have ended."""
    output, seen = session.output, set[str]()
    while True:
        fresh = [line for line in lines if line["id"] not in seen]
        names = output.options.field_names
        for line in fresh:
            shown = {name: documents.dig(line, name) for name in names} if names else line
            text = documents.json_line(shown) if output.wants_data else log_lines.line_text(line, output.look)
            output.write(text + "\n")
        seen.update(line["id"] for line in fresh)
        # asked before the lines are read: what a task logs before it ends is there when it has ended
        running = any(task["state_type"] not in FINAL for task in lookups.by_id(session.api, "task_runs", ids).values())
        if fresh:
            last = moments.read(fresh[-1]["timestamp"])
            logs = {**logs, "timestamp": {"after_": (last - _OVERLAP).isoformat()}}
        if not running and not fresh:
            return
        if running:
            time.sleep(_POLL_SECONDS)
        lines = session.api.all("/logs/filter", {"logs": logs, "sort": "TIMESTAMP_ASC"})


class _Line:
    """What a table shows of one task run."""

    def __init__(self, task: Mapping[str, Any], run: str | None) -> None:
        self.task = task
        self.id: str = task["id"]
        self.run = run
        self.seconds: float | None = task["estimated_run_time"] if task["start_time"] else None
        state: dict[str, Any] = task["state"] or {}
        self.message: str = state.get("message") or ""


def _lines(session: Session, found: list[dict[str, Any]]) -> list[_Line]:
    runs = lookups.names(session.api, "flow_runs", (task["flow_run_id"] for task in found))
    return [_Line(task, runs.get(task["flow_run_id"] or "")) for task in found]


def _pairs(session: Session, task: dict[str, Any]) -> list[tuple[str, str]]:
    output: Output = session.output
    look = output.look
    run = lookups.by_id(session.api, "flow_runs", [task["flow_run_id"]]).get(task["flow_run_id"] or "", {})
    flow = lookups.names(session.api, "flows", [run.get("flow_id")]).get(run.get("flow_id", ""), "?")
    state: dict[str, Any] = task["state"] or {}
    policy: dict[str, Any] = task["empirical_policy"] or {}
    details: dict[str, Any] = state.get("state_details") or {}
    child = details.get("child_flow_run_id")
    state_text = run_table.state_text(task["state_type"], task["state_name"], look)
    retries = policy.get("retries") or 0

    def time_of(key: str) -> str:
        return _precise(task[key], output) if task[key] else ""

    return [
        ("name", look.paint(task["name"], "bold")),
        ("id", task["id"]),
        ("flow run", f"{run.get('name', '?')} ({task['flow_run_id']})" if task["flow_run_id"] else ""),
        ("flow", flow if run else ""),
        ("state", look.paint(state_text, run_table.state_style(task["state_type"]))),
        ("message", state.get("message") or ""),
        ("expected", time_of("expected_start_time")),
        ("started", time_of("start_time")),
        ("ended", time_of("end_time")),
        ("duration", moments.duration(task["estimated_run_time"]) if task["start_time"] else ""),
        ("run count", f"{task['run_count']}" + (f" of at most {retries + 1}" if retries else "")),
        ("calls", f"flow run {child}" if child else ""),
        ("task key", task["task_key"]),
        ("cache key", task["cache_key"] or ""),
        ("inputs", "\n".join(_inputs(session, task["task_inputs"] or {}))),
        ("tags", plain(task["tags"])),
        ("labels", block(task["labels"])),
        ("created", time_of("created")),
    ]


def _inputs(session: Session, inputs: Mapping[str, list[dict[str, Any]]]) -> list[str]:
    """Each input by its name: the task runs, flow runs and parameters that it comes from."""
    sources = [source for named in inputs.values() for source in named]

    def names(kind: str) -> dict[str, str]:
        ids = [source["id"] for source in sources if source["input_type"] == kind]
        return lookups.names(session.api, f"{kind}s", ids) if ids else {}

    tasks, runs = names("task_run"), names("flow_run")

    def text(source: dict[str, Any]) -> str:
        kind: str = source["input_type"]
        if kind in ("task_run", "flow_run"):
            return (tasks if kind == "task_run" else runs).get(source["id"]) or str(source["id"])
        return f"parameter {source['name']}" if kind == "parameter" else f"a {source['type']}"

    return [f"{name}: {', '.join(map(text, found))}" for name, found in inputs.items() if found]


def _precise(text: str, output: Output) -> str:
    if not output.look.terminal:
        return moments.iso(text)
    moment = moments.read(text)
    clock = moments.clock(moment, output.now, utc=output.options.utc, precise=True)
    return f"{clock} ({lookups.distance(moment, output.now)})"


_OVERLAP = timedelta(seconds=60)
"""Clients send lines in batches: one that is this much older than the last one seen may still arrive."""

_LOG_FIELDS = ("timestamp", "level", "name", "message", "flow_run_id", "task_run_id")

_COLUMNS = (
    Column("ID", lambda line: line.id, lambda line, look: lookups.short(line.id, look)),
    Column("NAME", lambda line: line.task["name"], cut=True),
    Column("RUN", lambda line: line.run, cut=True),
    Column(
        "STATE",
        lambda line: line.task["state_name"],
        lambda line, look: run_table.state_text(line.task["state_type"], line.task["state_name"], look),
        style=lambda line: run_table.state_style(line.task["state_type"]),
    ),
    Column(
        "MESSAGE",
        lambda line: line.message or None,
        lambda line, look: line.message or (" " if look.terminal else ""),
        cut=True,
        spare=True,
    ),
    Column(
        "START",
        lambda line: line.task["start_time"] and moments.iso(line.task["start_time"]),
        lambda line, look: lookups.clock(line.task["start_time"], look),
        spare=True,
    ),
    Column(
        "DURATION",
        lambda line: line.seconds,
        lambda line, _look: "" if line.seconds is None else moments.duration(line.seconds),
        spare=True,
    ),
    Column("TAGS", lambda line: plain(line.task["tags"]), cut=True, spare=True),
    Column("RUNS", lambda line: line.task["run_count"], wide=True, spare=True),
    Column("TASK KEY", lambda line: line.task["task_key"], cut=True, spare=True, wide=True),
    Column("FLOW RUN ID", lambda line: line.task["flow_run_id"], spare=True, wide=True),
)
