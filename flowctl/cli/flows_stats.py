"""`flowctl flows stats | delete`."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import Annotated, Any

import typer

from flowctl.cli import completion, lookups, statistics
from flowctl.cli.commands import Command
from flowctl.cli.context import Session
from flowctl.cli.selection import Chosen, counted, delete_each

app = typer.Typer()

_STATS = """
flowctl flows stats
flowctl flows stats etl report --since 30d
flowctl flows stats --name 'etl-*' -o csv
"""


@app.command("stats", cls=Command, epilog=_STATS)
def flow_statistics(
    ctx: typer.Context,
    flows: Annotated[list[str] | None, typer.Argument(metavar="[FLOW...]", autocompletion=completion.flows)] = None,
    name: Annotated[str, typer.Option("--name", metavar="GLOB", help="Name of the flow; *, ? are wildcards.")] = "",
    since: Annotated[
        str, typer.Option("--since", metavar="TIME", help="Started since: 2h, 7d, today …")
    ] = statistics.DEFAULT_SINCE,
    until: Annotated[str, typer.Option("--until", metavar="TIME", help="Started before this time.")] = "",
    limit: Annotated[int, typer.Option("--limit", metavar="N", min=1, help="At most so many.")] = 50,
    every: Annotated[bool, typer.Option("--all", help="No limit.")] = False,
) -> None:
    """Tell of each flow how often it ran, how well, how long, when last, and how that went over time.

    Durations are of runs that have ended; half of them took no longer than P50. OK is the share that completed of all
    that completed, failed or crashed.
    """
    session = Session.of(ctx)
    ids = [session.backend.flows.id(flow) for flow in flows] if flows else None
    found = statistics.read(session, "flows", since=since, until=until, flow_ids=ids)
    if name:
        found = [each for each in found if fnmatchcase(each["name"], name)]
    statistics.show(session, found, "flow", since=since, limit=None if every else limit)


_DELETE = """
flowctl flows delete etl --dry-run
flowctl flows delete etl report -y
"""


@app.command("delete", cls=Command, epilog=_DELETE)
def delete_flows(
    ctx: typer.Context,
    flows: Annotated[list[str], typer.Argument(metavar="FLOW...", autocompletion=completion.flows)],
) -> int:
    """Delete flows with all their runs and deployments.  Nothing brings them back, `runs undo` neither."""
    session = Session.of(ctx)
    output = session.output
    ids = list(dict.fromkeys(session.backend.flows.id(flow) for flow in flows))
    found = lookups.by_id(session.api, "flows", ids)
    extents = {id: _extent(session, id) for id in ids}
    told = [f"{found[id]['name']} with {_words(extents[id])}" for id in ids]
    if session.options.dry_run:
        if output.wants_data:
            output.data([{**found[id], "deletes": extents[id]} for id in ids])
        else:
            output.note("would delete")
            output.lines(ids if output.format == "id" else told)
        return 0
    if not output.confirm(f"Delete {'; '.join(told)}? Nothing brings that back."):
        output.note("Nothing was deleted.")
        return 1
    return delete_each(session, Chosen(ids), "/flows", "flow")


def _extent(session: Session, id: str) -> dict[str, int]:
    """How much hangs on a flow."""
    flows: dict[str, Any] = {"flows": {"id": {"any_": [id]}}}
    active = {"state": {"type": {"any_": ["PENDING", "RUNNING", "PAUSED", "CANCELLING"]}}}
    return {
        "deployments": session.api.post("/deployments/count", flows),
        "runs": session.api.post("/flow_runs/count", flows),
        "active": session.api.post("/flow_runs/count", {**flows, "flow_runs": active}),
        "task_runs": session.api.post("/task_runs/count", flows),
    }


def _words(extent: dict[str, int]) -> str:
    active = f" ({extent['active']:,} of them active)" if extent["active"] else ""
    runs = counted(extent["runs"], "run") + active
    return f"{runs}, {counted(extent['task_runs'], 'task run')} and {counted(extent['deployments'], 'deployment')}"
