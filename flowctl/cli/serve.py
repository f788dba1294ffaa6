"""`flowctl serve`: the server on the database file.  Everything heavy is imported inside the command."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any

import typer

from flowctl.cli.context import Session
from flowctl.domain.errors import Invalid

EXAMPLES = """
flowctl serve
flowctl serve --host 0.0.0.0 --port 8080 --db /srv/flowctl.db
flowctl serve --port 0 --ready-json
flowctl serve --missed-runs skip
"""


def serve(
    ctx: typer.Context,
    host: Annotated[str | None, typer.Option(help="Address to listen at.", show_default="127.0.0.1")] = None,
    port: Annotated[int | None, typer.Option(help="Port; 0 takes a free one.", show_default="4200")] = None,
    base_path: Annotated[str | None, typer.Option(help="Path below which a proxy serves dashboard and API.")] = None,
    no_ui: Annotated[bool, typer.Option("--no-ui", help="Serve no dashboard.")] = False,
    no_services: Annotated[bool, typer.Option("--no-services", help="Run no background services.")] = False,
    missed_runs: Annotated[
        str | None,
        typer.Option(
            metavar="POLICY",
            help="Scheduled runs that were due while no server ran: skip, latest or all.",
            show_default="latest",
        ),
    ] = None,
    request_limit: Annotated[
        int | None, typer.Option(min=1, help="Writes that may wait before the next is refused.", show_default="100")
    ] = None,
    ready_json: Annotated[
        bool, typer.Option("--ready-json", help="Print url, api, pid and db as one line of JSON when ready.")
    ] = False,
    log_format: Annotated[str, typer.Option(help="How messages on stderr look: text or json.")] = "text",
) -> int:
    """Serve Prefect's API and the dashboard from the database file, until interrupted."""
    if log_format not in ("text", "json"):
        raise typer.BadParameter(f"{log_format!r} is not one of text, json.", param_hint="--log-format")
    if missed_runs not in (None, "skip", "latest", "all"):
        raise typer.BadParameter(f"{missed_runs!r} is not one of skip, latest, all.", param_hint="--missed-runs")
    from flowctl.server import run
    from flowctl.settings import load

    session = Session.of(ctx)
    changes: dict[str, Any] = {"host": host, "port": port, "ui_serve_base": base_path, "request_limit": request_limit}
    changes["missed_runs"] = missed_runs
    changes["db"] = session.settings.db
    if session.options.wait_lock is not None:
        changes["busy_timeout"] = session.settings.busy_timeout
    changes = {name: value for name, value in changes.items() if value is not None}
    if no_ui:
        changes["ui_enabled"] = False
    if no_services:
        changes["services_enabled"] = False
    options = run.Options(
        read_only=session.options.read_only,
        ready_json=ready_json,
        log_format="json" if log_format == "json" else "text",
    )
    try:
        return run.serve(replace(load(profile=True), **changes), options)
    except ValueError as error:
        raise Invalid(str(error)) from error
