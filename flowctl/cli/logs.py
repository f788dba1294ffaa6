"""`flowctl logs tail`."""

from __future__ import annotations

from typing import Annotated

import typer

from flowctl.cli import completion, log_lines
from flowctl.cli.commands import Command
from flowctl.cli.context import Session

app = typer.Typer()

_TAIL = """
flowctl logs tail
flowctl logs tail --flow etl --level warning -n 100
"""


@app.command("tail", cls=Command, epilog=_TAIL)
def tail(
    ctx: typer.Context,
    flow: Annotated[
        list[str] | None,
        typer.Option("--flow", metavar="FLOW", help="Only runs of this flow.", autocompletion=completion.flows),
    ] = None,
    level: Annotated[str, typer.Option("--level", metavar="LEVEL", help="This level and above.")] = "",
    lines: Annotated[int, typer.Option("--tail", "-n", min=0, metavar="N", help="Lines to begin with.")] = 10,
) -> None:
    """Follow what all flow runs log, until interrupted."""
    session = Session.of(ctx)
    flow_ids = [session.backend.flows.id(name) for name in flow or ()]
    query = log_lines.LogQuery(flow_ids=flow_ids, level=log_lines.parse_level(level))
    log_lines.follow(session, query, tail=lines)
