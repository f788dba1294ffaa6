"""`flowctl runs reap`."""

from __future__ import annotations

import typer

from flowctl.cli.commands import Command
from flowctl.cli.context import Session
from flowctl.cli.selection import noun
from flowctl.cli.tables import Column

app = typer.Typer()

_REAP = """
flowctl runs reap --dry-run
flowctl runs reap
flowctl runs reap --json --fields name,evidence
"""


@app.command("reap", cls=Command, epilog=_REAP)
def reap(ctx: typer.Context) -> None:
    """Mark runs Crashed that are Running, but whose process on this machine is gone.

    A run counts as dead when nothing has been heard of it for a while (FLOWCTL_REAPER_AFTER, 90s) and its process,
    known by number and start time, no longer exists. A server does the same by itself, unless FLOWCTL_REAPER=false.
    """
    session = Session.of(ctx)
    output = session.output
    dry_run = session.options.dry_run
    reaper = session.backend.reaper
    found = reaper.find() if dry_run else reaper.mark()
    if output.wants_data:
        output.data([run.wire for run in found])
        return
    output.table(_COLUMNS, found)
    did = "would be marked Crashed" if dry_run else "marked Crashed"
    output.hint(f"{noun(len(found))} {did}." if found else "No run is dead.")


_COLUMNS = (
    Column("NAME", lambda run: run.name),
    Column("ID", lambda run: run.id, wide=True),
    Column("EVIDENCE", lambda run: run.evidence),
)
