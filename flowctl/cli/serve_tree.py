"""`flowctl serve` and the words behind it."""

from __future__ import annotations

import typer

from flowctl.cli import serve, serve_process, serve_service
from flowctl.cli.commands import Group

app = typer.Typer(cls=serve.ServeGroup, callback=serve.serve, epilog=serve.EXAMPLES, rich_markup_mode=None)
app.add_typer(serve_process.app)
_service = typer.Typer(
    cls=Group,
    help="Let the system start and look after the server.",
    epilog="flowctl serve service install\nflowctl serve service install --print",
    rich_markup_mode=None,
)
_service.add_typer(serve_service.app)
app.add_typer(_service, name="service")
