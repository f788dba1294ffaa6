"""`flowctl flows ls | show`."""

from __future__ import annotations

from typing import Annotated

import typer

from flowctl.cli import completion, flags, moments, run_table
from flowctl.cli.commands import Command
from flowctl.cli.context import Session
from flowctl.cli.run_query import RunQuery
from flowctl.cli.tables import Column, block, plain, short_id

app = typer.Typer()

_LAST_RUNS = 5


class FlowsListing(Command):
    """A command that lists flows."""

    flags = flags.FLOWS_LISTING


_LS = """
flowctl flows ls
flowctl flows ls --name 'etl-*' --sort -start
flowctl flows ls -o json --fields id,name
"""


@app.command("ls", cls=FlowsListing, epilog=_LS)
def list_flows(ctx: typer.Context) -> None:
    """List flows with their last run, by name."""
    session = Session.of(ctx)
    output = session.output
    if output.wants_data:
        output.data(session.backend.flows.objects(session.query))
        return
    lines, more = session.backend.flows.lines(session.query)
    output.table(_COLUMNS, lines)
    rest = " · --all shows the rest" if more else ""
    count = f"{'the first ' if more else ''}{len(lines):,} flow{'' if len(lines) == 1 else 's'}"
    output.hint(f"{count}{rest}" if lines else "no flows")


_SHOW = """
flowctl flows show etl
flowctl flows show etl --json
"""


@app.command("show", cls=Command, epilog=_SHOW)
def show_flow(
    ctx: typer.Context,
    flow: Annotated[str, typer.Argument(metavar="FLOW", autocompletion=completion.flows)],
) -> None:
    """Show a flow: its deployments, the states of its runs, and the last of them."""
    session = Session.of(ctx)
    output, flows = session.output, session.backend.flows
    id = flows.id(flow)
    found = flows.read(id)
    if output.wants_data or output.format in {"id", "csv"}:
        output.data([found], single=True)
        return
    states = flows.run_states(id)
    pairs = [
        ("name", output.look.paint(found["name"], "bold")),
        ("id", id),
        ("created", run_table.time_text(found["created"], output.look)),
        ("updated", run_table.time_text(found["updated"], output.look)),
        ("tags", plain(found["tags"])),
        ("labels", block(found["labels"])),
        ("deployments", ", ".join(flows.deployments(id))),
        ("runs", f"{sum(states.values()):,}"),
        ("states", ", ".join(f"{count:,} {type.title()}" for type, count in states.items())),
    ]
    output.pairs([(name, value) for name, value in pairs if value])
    last, _ = session.backend.runs.lines(RunQuery({"flow": [id], "limit": _LAST_RUNS}))
    if last:
        output.text("\n")
        output.table(run_table.COLUMNS, last)


_COLUMNS = (
    Column("ID", lambda flow: flow.id, lambda flow, look: short_id(flow.id) if look.terminal else flow.id),
    Column("NAME", lambda flow: flow.name, cut=True),
    Column("RUNS", lambda flow: flow.runs, lambda flow, _look: f"{flow.runs:,}"),
    Column(
        "LAST STATE",
        lambda flow: flow.last_state_name,
        lambda flow, look: run_table.state_text(flow.last_state_type, flow.last_state_name, look),
        style=lambda flow: run_table.state_style(flow.last_state_type),
    ),
    Column(
        "LAST START",
        lambda flow: flow.last_start_time and moments.iso(flow.last_start_time),
        lambda flow, look: run_table.time_text(flow.last_start_time, look),
    ),
    Column("DEPLOYMENTS", lambda flow: flow.deployments, spare=True),
    Column("TAGS", lambda flow: flow.tags, cut=True, spare=True),
    Column(
        "CREATED",
        lambda flow: moments.iso(flow.created),
        lambda flow, look: run_table.time_text(flow.created, look),
        wide=True,
    ),
)
