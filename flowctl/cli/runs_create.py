"""`flowctl runs create`."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer

from flowctl.cli import completion, deployments_found, lookups, moments, parameters, waiting
from flowctl.cli.commands import Command
from flowctl.cli.context import Session
from flowctl.cli.deployments_run import parse_future
from flowctl.domain.errors import Invalid, NotFound

if TYPE_CHECKING:
    from flowctl.cli.results import Moment

app = typer.Typer()

_CREATE = """
flowctl runs create etl/nightly --param day=2026-01-31 --wait
flowctl runs create etl/nightly --in 10m --tag backfill --idempotency-key backfill-31
flowctl runs create etl --name by-hand
"""


@app.command("create", cls=Command, epilog=_CREATE)
def create(
    ctx: typer.Context,
    target: Annotated[
        str, typer.Argument(metavar="DEPLOYMENT|FLOW", autocompletion=completion.deployments, help="What to run.")
    ],
    param: parameters.Pairs = None,
    params_file: parameters.File = "",
    params: parameters.Text = "",
    at: Annotated[str, typer.Option("--at", metavar="TIME", help="When: 14:30 (the next), 2026-01-31T10:00 …")] = "",
    after: Annotated[str, typer.Option("--in", metavar="TIME", help="When: this long from now, 10m.")] = "",
    name: Annotated[str, typer.Option("--name", metavar="NAME", help="Name of the run.")] = "",
    tag: Annotated[list[str] | None, typer.Option("--tag", metavar="TAG", help="A tag of the run.")] = None,
    job_variable: Annotated[
        list[str] | None, typer.Option("--job-variable", metavar="K=V", help="A job variable, JSON or text.")
    ] = None,
    key: Annotated[
        str,
        typer.Option("--idempotency-key", metavar="KEY", help="A run that was made with this key is not made anew."),
    ] = "",
    wait: Annotated[bool, typer.Option("--wait", help="Wait until it has ended; the exit code tells how.")] = False,
    watch: Annotated[bool, typer.Option("--watch", help="As --wait, and print each state.")] = False,
    timeout: Annotated[str, typer.Option("--timeout", metavar="TIME", help="Give up waiting after this: 124.")] = "",
) -> int:
    """Create a run of a deployment, for a runner or a worker to take, or of a flow, for a program that reports on it.

    Nothing starts the run of a flow without a deployment by itself: it is Pending until something sets its state. With
    --wait or --watch the exit code is that of `runs wait`.
    """
    session = Session.of(ctx)
    output = session.output
    seconds = waiting.parse_timeout(timeout)
    due = _due(at, after, output.now)
    body: dict[str, Any] = {"tags": tag or []}
    if name:
        body["name"] = name
    if key:
        body["idempotency_key"] = key
    if job_variable:
        body["job_variables"] = parameters.collect(job_variable)
    state: dict[str, Any] = {"type": "SCHEDULED", "name": "Scheduled"}
    if due:
        state["state_details"] = {"scheduled_time": due.isoformat()}
    deployment = _deployment(session, target)
    if deployment is not None:
        schema: dict[str, Any] = deployment.own["parameter_openapi_schema"] or {}
        body["parameters"] = parameters.collect(param, params_file, params, schema=schema)
        if deployment.own["enforce_parameter_schema"]:
            parameters.check({**deployment.own["parameters"], **body["parameters"]}, schema, of=deployment.name)
        path, of = f"/deployments/{deployment.id}/create_flow_run", deployment.name
        body["state"] = state
    else:
        if job_variable:
            raise Invalid("A run without a deployment has no job: --job-variable is for deployments.")
        body["parameters"] = parameters.collect(param, params_file, params)
        body["flow_id"] = session.backend.flows.id(target)
        path, of = "/flow_runs/", target
        body["state"] = state if due else {"type": "PENDING", "name": "Pending"}
    if session.options.dry_run:
        output.note(f"would create a run of {of}")
        if output.wants_data:
            output.data([body], single=True)
        return 0
    run = session.api.post(path, body)
    plain = not (output.wants_data or output.format in {"id", "csv"})
    if plain:
        output.lines([f"{run['name']} ({lookups.short(run['id'], output.look)}) of {of} is {run['state_name']}"])
        if deployment is None:
            output.hint("it has no deployment: nothing starts it by itself")
    if not (wait or watch):
        if not plain:
            output.data([run], single=True)
        return 0
    return _wait(session, run["id"], seconds, watch=watch and plain)


def _deployment(session: Session, target: str) -> deployments_found.Found | None:
    """The deployment that is meant; None if it is a flow.  Raises NotFound for what is neither, or ambiguous."""
    try:
        return deployments_found.one(session, target)
    except NotFound as error:
        if error.candidates or "/" in target:
            raise
    try:
        session.backend.flows.id(target)
    except NotFound as error:
        if error.candidates:
            raise
        raise NotFound(
            f"No deployment and no flow is called {target!r}.", remedy="flowctl deployments ls, flowctl flows ls"
        ) from None
    return None


def _due(at: str, after: str, now: datetime) -> datetime | None:
    if at and after:
        raise Invalid("Give --at or --in, not both.")
    try:
        if after:
            return now + timedelta(seconds=moments.parse_duration(after))
        return parse_future(at, now) if at else None
    except (ValueError, OverflowError) as error:
        raise Invalid(str(error)) from None


def _wait(session: Session, id: str, seconds: float | None, *, watch: bool) -> int:
    output = session.output
    told: list[str | None] = []

    def changed(moment: Moment) -> None:
        if watch and told[-1:] != [moment.state_name]:
            told.append(moment.state_name)
            now = moments.now()
            clock = moments.clock(now, now, utc=output.options.utc)
            output.write(f"{clock}  {waiting.line(moment, output.look)}\n")

    waited = waiting.wait(session, [id], timeout=seconds, seen=changed)
    waiting.report(session, waited, [id])
    if output.wants_data or output.format in {"id", "csv"}:
        output.data([session.api.get(f"/flow_runs/{id}")], single=True)
    elif not watch:
        output.lines([waiting.line(moment, output.look) for moment in waited.ended.values() if moment])
    return waited.code([id])
