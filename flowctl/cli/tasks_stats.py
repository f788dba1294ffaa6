"""`flowctl tasks stats`."""

from __future__ import annotations

from typing import Annotated

import typer

from flowctl.cli import completion, statistics
from flowctl.cli.commands import Command
from flowctl.cli.context import Session

app = typer.Typer()

_STATS = """
flowctl tasks stats
flowctl tasks stats --flow etl --since 30d
flowctl tasks stats --run @last -o csv
"""


@app.command("stats", cls=Command, epilog=_STATS)
def task_statistics(
    ctx: typer.Context,
    flow: Annotated[
        list[str] | None,
        typer.Option("--flow", metavar="FLOW", help="Of runs of this flow.", autocompletion=completion.flows),
    ] = None,
    run: Annotated[
        list[str] | None,
        typer.Option("--run", metavar="RUN", help="Of this flow run.", autocompletion=completion.runs),
    ] = None,
    since: Annotated[
        str, typer.Option("--since", metavar="TIME", help="Due since: 2h, 7d, today …")
    ] = statistics.DEFAULT_SINCE,
    until: Annotated[str, typer.Option("--until", metavar="TIME", help="Due before this time.")] = "",
    limit: Annotated[int, typer.Option("--limit", metavar="N", min=1, help="At most so many.")] = 50,
    every: Annotated[bool, typer.Option("--all", help="No limit.")] = False,
) -> None:
    """Tell of each task, by its key, how often it ran, how well, how long, and how often it was tried again.

    Durations are of task runs that have ended and did some work; half of them took no longer than P50.
    """
    session = Session.of(ctx)
    found = statistics.read(
        session,
        "task_runs",
        since=since,
        until=until,
        flow_ids=[session.backend.flows.id(name) for name in flow] if flow else None,
        run_ids=session.backend.runs.ids(run) if run else None,
    )
    statistics.show(session, found, "task", since=since, limit=None if every else limit)
