"""`flowctl deployments missed-runs`."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from flowctl.cli import deployments_found as found_in
from flowctl.cli.commands import Command
from flowctl.cli.context import Session
from flowctl.domain.errors import Invalid, Unsupported

app = typer.Typer()

_WORDS = {
    "skip": "they are skipped",
    "latest": "the latest is made up for, the others are skipped",
    "all": "all of them run",
}
_SOURCES = {
    "deployment": "set for this deployment",
    "tag": "by its tag",
    "server": "as for all deployments (FLOWCTL_MISSED_RUNS, flowctl serve --missed-runs)",
}

_MISSED = """
flowctl deployments missed-runs etl/nightly
flowctl deployments missed-runs etl/nightly skip
flowctl deployments missed-runs etl/nightly default
"""


@app.command("missed-runs", cls=Command, epilog=_MISSED)
def missed_runs(
    ctx: typer.Context,
    deployment: found_in.Reference,
    policy: Annotated[str, typer.Argument(metavar="[skip|latest|all|default]", help="What to do from now on.")] = "",
) -> None:
    """Tell, or say, what becomes of runs that were due while no server ran; the tag missed-runs:skip says it too."""
    session = Session.of(ctx)
    output = session.output
    if policy not in ("", "default", *_WORDS):
        raise Invalid(f"{policy!r} is not one of skip, latest, all, default.")
    if session.api.is_prefect:
        raise Unsupported("A Prefect server always runs all that was missed.", remedy="use flowctl serve")
    found = found_in.one(session, deployment)
    path = f"/flowctl/deployments/{found.id}/missed_runs"
    if policy and session.options.dry_run:
        output.note(f"would set missed runs of {found.name} to {policy}")
        if output.wants_data:
            output.data([{"id": found.id, "name": found.name, **session.api.get(path)}], single=True)
        return
    value = None if policy == "default" else policy
    told: dict[str, Any] = session.api.call("PATCH", path, {"policy": value}) if policy else session.api.get(path)
    if output.wants_data:
        output.data([{"id": found.id, "name": found.name, **told}], single=True)
    else:
        output.lines([f"{told['policy']}: {_WORDS[told['policy']]}; {_SOURCES[told['source']]}"])
