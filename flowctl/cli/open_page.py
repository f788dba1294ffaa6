"""`flowctl open` and `flowctl runs open`: pages of the dashboard in the browser."""

from __future__ import annotations

from typing import Annotated

import typer

from flowctl.cli import completion, lookups
from flowctl.cli.commands import Command
from flowctl.cli.context import Session
from flowctl.domain.errors import NotFound

app = typer.Typer()

EXAMPLES = """
flowctl open
flowctl open @last-failed
flowctl open brisk-otter --print
"""

_RUNS_OPEN = """
flowctl runs open @last-failed
flowctl runs open brisk-otter --print
"""

_Print = Annotated[bool, typer.Option("--print", help="Print the address, and open nothing.")]


def open_page(
    ctx: typer.Context,
    run: Annotated[str | None, typer.Argument(metavar="[RUN]", autocompletion=completion.runs)] = None,
    print_only: _Print = False,
) -> None:
    """Open the dashboard, or the page of a run, in the browser, and print its address."""
    session = Session.of(ctx)
    _open(session, [f"/runs/flow-run/{id}" for id in _ids(session, run)] if run else ["/dashboard"], print_only)


@app.command("open", cls=Command, epilog=_RUNS_OPEN)
def open_run(
    ctx: typer.Context,
    run: Annotated[str, typer.Argument(metavar="RUN", autocompletion=completion.runs)],
    print_only: _Print = False,
) -> None:
    """Open the page of a run in the browser, and print its address."""
    session = Session.of(ctx)
    _open(session, [f"/runs/flow-run/{id}" for id in _ids(session, run)], print_only)


def _ids(session: Session, run: str) -> list[str]:
    return session.backend.runs.ids([run])


def _open(session: Session, paths: list[str], print_only: bool) -> None:
    addresses = [_address(session, path) for path in paths]
    if session.output.wants_data:
        session.output.data([{"url": address} for address in addresses], single=len(addresses) == 1)
    else:
        session.output.lines(addresses)
    if print_only or session.options.dry_run:
        return
    import webbrowser

    for address in addresses:
        if not webbrowser.open(address):
            session.output.note("No browser is known here; the variable BROWSER names one.")
            return


def _address(session: Session, path: str) -> str:
    """The address of a page.  Raises NotFound where no server serves the database."""
    address = lookups.page_url(session, path)
    if address is None:
        raise NotFound(f"No server shows {session.database_path}.", remedy="flowctl serve")
    return address
