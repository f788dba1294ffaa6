"""`flowctl ps`: what goes on now."""

from __future__ import annotations

from typing import Annotated

import typer

from flowctl.cli import active_runs, completion
from flowctl.cli.active_runs import Criteria
from flowctl.cli.context import Session

EXAMPLES = """
flowctl ps
flowctl ps --flow etl -o wide
flowctl ps -q --tag stuck | flowctl runs cancel -y -
"""

_LIMIT = 50

Flows = Annotated[
    list[str] | None,
    typer.Option("--flow", metavar="FLOW", help="Of this flow, by name or id.", autocompletion=completion.flows),
]
Deployments = Annotated[
    list[str] | None,
    typer.Option(
        "--deployment", metavar="DEPLOYMENT", help="Of this deployment.", autocompletion=completion.deployments
    ),
]
Tags = Annotated[list[str] | None, typer.Option("--tag", metavar="TAG", help="Has this tag; given twice, has both.")]


def ps(
    ctx: typer.Context,
    flow: Flows = None,
    deployment: Deployments = None,
    tag: Tags = None,
    limit: Annotated[int, typer.Option("--limit", metavar="N", min=1, help="At most so many.")] = _LIMIT,
    every: Annotated[bool, typer.Option("--all", help="No limit.")] = False,
) -> None:
    """Show the runs that are running, pending, paused, being cancelled or late, how far they are, and where."""
    session = Session.of(ctx)
    output = session.output
    found, more = active_runs.find(
        session.api, criteria(session, flow, deployment, tag), limit=None if every else limit
    )
    if output.wants_data:
        output.data([run.data() for run in found])
        return
    output.table(active_runs.COLUMNS, found)
    rest = " · --all shows the rest" if more else ""
    output.hint(f"{active_runs.counts(found)}{rest}" if found else "nothing goes on")


def criteria(
    session: Session, flows: list[str] | None, deployments: list[str] | None, tags: list[str] | None
) -> Criteria:
    """What the flags select.  Raises NotFound for a flow or deployment that does not exist."""
    return Criteria(
        flow_ids=[session.backend.flows.id(name) for name in flows or ()],
        deployment_ids=[session.backend.deployments.id(name) for name in deployments or ()],
        tags=tags or (),
    )
