"""`flowctl runs ls | show | history | logs`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer

from flowctl.cli import completion, flags, log_lines, moments, run_table
from flowctl.cli.commands import Command
from flowctl.cli.context import Session
from flowctl.cli.output import Output
from flowctl.cli.run_query import FINAL_STATE_TYPES
from flowctl.cli.selection import choose, each
from flowctl.cli.tables import Column, block, item, plain

if TYPE_CHECKING:
    from flowctl.cli.results import Surroundings

app = typer.Typer()


class RunsListing(Command):
    """A command that lists runs."""

    flags = flags.RUNS_LISTING


_LS = """
flowctl runs ls --state failed,crashed --since 2d
flowctl runs ls --flow etl --tag prod --sort -duration
flowctl runs ls -q --late | flowctl runs cancel -y -
"""


@app.command("ls", cls=RunsListing, epilog=_LS)
def list_runs(ctx: typer.Context) -> None:
    """List flow runs, the last started first.

    At most 50 are shown unless --limit or --all says otherwise. On a terminal ids are shortened to eight characters;
    every command takes such beginnings of ids. Piped output holds everything in full.
    """
    session = Session.of(ctx)
    output = session.output
    if output.wants_data:
        output.data(session.backend.runs.objects(session.query))
        return
    lines, more = session.backend.runs.lines(session.query)
    run_table.show(output, session.query, lines, more)


_SHOW = """
flowctl runs show brisk-otter
flowctl runs show @last-failed --json
flowctl runs show 3f9c --fields name,state.message
"""


@app.command("show", cls=Command, epilog=_SHOW)
def show_runs(
    ctx: typer.Context,
    runs: Annotated[list[str], typer.Argument(metavar="RUN...", autocompletion=completion.runs)],
) -> int:
    """Show everything about a flow run: its state, times, tasks, parameters and where it came from."""
    session = Session.of(ctx)
    chosen = choose(session, runs, what="runs show")
    outcome = each(session, chosen, lambda id: session.backend.runs.read([id])[0])
    output = session.output
    if output.wants_data or output.format == "id":
        output.data(outcome.done, single=len(runs) == len(outcome.done) == 1)
    elif output.format == "csv":
        output.table([Column(name, item(name)) for name in outcome.done[0]] if outcome.done else [], outcome.done)
    else:
        for number, run in enumerate(outcome.done):
            if number:
                output.text("\n")
            output.pairs(_pairs(run, session.backend.runs.surroundings(run["id"]), output))
    return outcome.code


_HISTORY = """
flowctl runs history brisk-otter
flowctl runs history @last -o json
"""


@app.command("history", cls=Command, epilog=_HISTORY)
def show_history(
    ctx: typer.Context,
    run: Annotated[str, typer.Argument(metavar="RUN", autocompletion=completion.runs)],
) -> None:
    """Show the states that a flow run went through, when, and for how long."""
    session = Session.of(ctx)
    states = session.backend.runs.states(session.backend.runs.id(run))
    if session.output.wants_data:
        session.output.data(states)
    else:
        session.output.table(_HISTORY_COLUMNS, _steps(states, session.output))


_LOGS = """
flowctl runs logs brisk-otter
flowctl runs logs @running -f --level warning
flowctl runs logs @last-failed -n 20
"""


@app.command("logs", cls=Command, epilog=_LOGS)
def show_logs(
    ctx: typer.Context,
    runs: Annotated[list[str], typer.Argument(metavar="RUN...", autocompletion=completion.runs)],
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on as lines arrive, until the run ends.")] = False,
    tail: Annotated[int | None, typer.Option("--tail", "-n", min=0, metavar="N", help="The last N lines only.")] = None,
    head: Annotated[int | None, typer.Option("--head", min=0, metavar="N", help="The first N lines only.")] = None,
    level: Annotated[str, typer.Option("--level", metavar="LEVEL", help="This level and above.")] = "",
    since: Annotated[str, typer.Option("--since", metavar="TIME", help="Lines since 10m, today, 2026-01-31 …")] = "",
    reverse: Annotated[bool, typer.Option("--reverse", "-r", help="Newest first.")] = False,
) -> int:
    """Show what a flow run and its tasks logged."""
    session = Session.of(ctx)
    chosen = choose(session, runs, what="runs logs")
    ids = each(session, chosen, lambda id: id)
    query = log_lines.LogQuery(
        run_ids=ids.done,
        level=log_lines.parse_level(level),
        since=log_lines.parse_since(since, session.output.now),
    )
    if ids.done:
        if follow:
            log_lines.follow(session, query, tail=tail, until_final=ids.done)
        else:
            log_lines.show(session, query, head=head, tail=tail, reverse=reverse)
    return ids.code


def _pairs(run: Mapping[str, Any], around: Surroundings, output: Output) -> list[tuple[str, str]]:
    """What `show` says of a run; what is empty is left out."""
    look = output.look
    state: dict[str, Any] = run["state"] or {}
    type_, name = run["state_type"], run["state_name"]

    def time(key: str) -> str:
        if not run[key]:
            return ""
        if not look.terminal:
            return run[key]
        moment = moments.read(run[key])
        ago = (look.now - moment).total_seconds()
        relative = f"{moments.age(ago)} ago" if ago >= 0 else f"in {moments.age(-ago)}"
        return f"{moments.clock(moment, look.now, utc=look.utc, precise=True)} ({relative})"

    def mentioned(name: str | None, id: str | None) -> str:
        return f"{name or '?'} ({id})" if id else ""

    seconds: float = run["estimated_run_time"]
    creator: dict[str, str | None] = run["created_by"] or {}
    pairs = [
        ("name", look.paint(run["name"], "bold")),
        ("id", run["id"]),
        ("flow", mentioned(around.flow, run["flow_id"])),
        (
            "state",
            look.paint(run_table.state_text(type_, name, look), run_table.state_style(type_)) + _since(state, output),
        ),
        ("message", state.get("message") or ""),
        ("expected", time("expected_start_time")),
        ("started", time("start_time")),
        ("ended", time("end_time")),
        ("duration", moments.duration(seconds) if seconds or run["start_time"] else ""),
        ("next start", time("next_scheduled_start_time")),
        ("run count", str(run["run_count"])),
        ("tasks", _counts(around.task_states)),
        ("subflows", _counts(around.child_states)),
        ("parent", mentioned(around.parent_name, around.parent_id)),
        ("deployment", mentioned(around.deployment, run["deployment_id"])),
        ("work pool", "/".join(filter(None, [run["work_pool_name"], run["work_queue_name"]]))),
        ("process", run["infrastructure_pid"] or ""),
        ("created", time("created")),
        ("created by", " ".join(filter(None, [creator.get("type"), creator.get("display_value")]))),
        ("tags", plain(run["tags"])),
        ("labels", block(run["labels"])),
        ("parameters", block(run["parameters"])),
    ]
    return [(name, value) for name, value in pairs if value]


def _since(state: Mapping[str, Any], output: Output) -> str:
    """How long the run has been in its state, unless it has ended."""
    if not state or state["type"] in FINAL_STATE_TYPES:
        return ""
    seconds = (output.now - moments.read(state["timestamp"])).total_seconds()
    return f" for {moments.duration(max(0.0, seconds))}"


def _counts(states: Mapping[str, int]) -> str:
    return ", ".join(f"{count:,} {name}" for name, count in states.items())


class _Step:
    """One state of a history, and the seconds until the next one (of a final state None)."""

    def __init__(self, state: Mapping[str, Any], seconds: float | None) -> None:
        self.id: str = state["id"]
        self.type: str = state["type"]
        self.name: str = state["name"]
        self.timestamp: str = state["timestamp"]
        self.message: str = state["message"] or ""
        self.seconds = seconds


def _steps(states: list[dict[str, Any]], output: Output) -> list[_Step]:
    times = [moments.read(state["timestamp"]) for state in states]
    ends = [*times[1:], None if states and states[-1]["type"] in FINAL_STATE_TYPES else output.now]
    return [
        _Step(state, (end - start).total_seconds() if end else None)
        for state, start, end in zip(states, times, ends, strict=False)
    ]


_HISTORY_COLUMNS = (
    Column(
        "TIME",
        lambda step: step.timestamp,
        lambda step, look: run_table.time_text(step.timestamp, look),
    ),
    Column(
        "STATE",
        lambda step: step.name,
        lambda step, look: run_table.state_text(step.type, step.name, look),
        style=lambda step: run_table.state_style(step.type),
    ),
    Column("TYPE", lambda step: step.type, wide=True),
    Column(
        "DURATION",
        lambda step: step.seconds,
        lambda step, _look: "" if step.seconds is None else moments.duration(step.seconds),
    ),
    Column("MESSAGE", lambda step: step.message, cut=True),
    Column("ID", lambda step: step.id, wide=True),
)
