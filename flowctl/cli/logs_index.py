"""`flowctl logs index`: the index that `logs search` asks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from flowctl.cli.commands import Command
from flowctl.cli.context import Session
from flowctl.domain.errors import Refused

if TYPE_CHECKING:
    from flowctl.ops.log_search import Status

app = typer.Typer()

_INDEX = """
flowctl logs index
flowctl logs index --dry-run
flowctl logs index --rebuild
"""


@app.command("index", cls=Command, epilog=_INDEX)
def index(
    ctx: typer.Context,
    rebuild: Annotated[bool, typer.Option("--rebuild", help="Make the index anew, from the first line on.")] = False,
) -> None:
    """Bring the index that `logs search` asks up to date, as a server does by itself while it is idle.

    Lines that are not in it are found too, more slowly. FLOWCTL_LOG_SEARCH=off lets servers leave it alone.
    """
    session = Session.of(ctx)
    session.needs_file("flowctl logs index")
    output, database = session.output, session.backend.database
    from flowctl.ops import log_search, steps

    before = _status(session)
    if not before.is_on:
        raise Refused("There is no index: FLOWCTL_LOG_SEARCH=off, or this file was made without one.")
    lines = 0
    if not session.options.dry_run:
        with output.progress("indexing", before.waiting) as advance:
            lines = steps.run(database, lambda tx: log_search.fill(tx, anew=rebuild), advance)
    after = _status(session)
    if output.wants_data:
        facts = {"indexed": lines, "waiting": after.waiting, "blocks": after.blocks, "dry_run": session.options.dry_run}
        output.data([facts], single=True)
    elif session.options.dry_run:
        output.lines([f"would index {'all lines anew' if rebuild else f'about {before.waiting:,} lines'}"])
    else:
        output.lines([f"indexed {lines:,} lines; the {after.waiting:,} newest are searched without it"])


def waiting(session: Session) -> int:
    """About how many lines are not in the index."""
    return _status(session).waiting


def _status(session: Session) -> Status:
    from flowctl.ops import log_search

    with session.backend.database.read() as tx:
        return log_search.status(tx)
