"""`flowctl deployments ls | pause | resume`."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from flowctl.cli import completion, moments, run_table
from flowctl.cli.commands import Command
from flowctl.cli.context import Session
from flowctl.cli.tables import Column, plain

app = typer.Typer()

_References = Annotated[list[str], typer.Argument(metavar="FLOW/DEPLOYMENT...", autocompletion=completion.deployments)]

_LS = """
flowctl deployments ls
flowctl deployments ls -o csv
"""


@app.command("ls", cls=Command, epilog=_LS)
def list_deployments(ctx: typer.Context) -> None:
    """List deployments with their schedules and the next run of each, by name."""
    session = Session.of(ctx)
    lines = session.backend.deployments.lines()
    if session.output.wants_data:
        session.output.data([_as_data(line) for line in lines])
        return
    session.output.table(_COLUMNS, lines)
    session.output.hint(f"{len(lines):,} deployment{'' if len(lines) == 1 else 's'}" if lines else "no deployments")


_PAUSE = """
flowctl deployments pause etl/nightly
flowctl deployments pause etl/nightly report/weekly
"""


@app.command("pause", cls=Command, epilog=_PAUSE)
def pause(ctx: typer.Context, deployments: _References) -> None:
    """Pause deployments: their schedules make no runs, and those that were waiting for their time are deleted."""
    _set_paused(Session.of(ctx), deployments, paused=True)


_RESUME = "flowctl deployments resume etl/nightly"


@app.command("resume", cls=Command, epilog=_RESUME)
def resume(ctx: typer.Context, deployments: _References) -> None:
    """Let the schedules of paused deployments make runs again."""
    _set_paused(Session.of(ctx), deployments, paused=False)


def _set_paused(session: Session, references: list[str], *, paused: bool) -> None:
    for reference in references:
        name = session.backend.deployments.set_paused(reference, paused=paused)
        session.output.hint(f"{name} is {'paused' if paused else 'active'}")


def _as_data(line: dict[str, Any]) -> dict[str, Any]:
    import json

    return {
        **line,
        "paused": bool(line["paused"]),
        "tags": json.loads(line["tags"] or "[]"),
        "next_run": line["next_run"] and moments.iso(line["next_run"]),
    }


_COLUMNS = (
    Column("ID", lambda line: line["id"], lambda line, look: line["id"][:8] if look.terminal else line["id"]),
    Column("NAME", lambda line: line["name"], cut=True),
    Column("STATUS", lambda line: "paused" if line["paused"] else (line["status"] or "").lower().replace("_", " ")),
    Column("SCHEDULES", lambda line: line["schedules"]),
    Column(
        "NEXT RUN",
        lambda line: line["next_run"] and moments.iso(line["next_run"]),
        lambda line, look: run_table.time_text(line["next_run"], look),
    ),
    Column("TAGS", lambda line: plain(_as_data(line)["tags"]), cut=True, spare=True),
)
