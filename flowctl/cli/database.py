"""`flowctl db path`."""

from __future__ import annotations

import typer

from flowctl.cli.commands import Command
from flowctl.cli.context import Session

app = typer.Typer()

_PATH = """
flowctl db path
sqlite3 "$(flowctl db path)"
"""


@app.command("path", cls=Command, epilog=_PATH)
def path(ctx: typer.Context) -> None:
    """Print the path of the database file that commands use; it need not exist yet."""
    session = Session.of(ctx)
    found = str(session.database_path.absolute())
    if session.output.wants_data:
        session.output.data([{"path": found}], single=True)
    else:
        session.output.lines([found])
