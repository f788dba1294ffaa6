"""`flowctl runner serve | start | status | webserver`: runs of deployments, executed on this machine."""

from __future__ import annotations

from collections.abc import Coroutine
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeVar

import typer

from flowctl.cli import moments, run_table, runner_flags
from flowctl.cli.commands import Command
from flowctl.cli.context import Session
from flowctl.cli.tables import Column
from flowctl.domain.errors import Invalid

if TYPE_CHECKING:
    from flowctl.runner.poller import Deployments
    from flowctl.runner.runner import Options
    from flowctl.settings import Settings

app = typer.Typer()
T = TypeVar("T")

_Api = Annotated[
    str | None, typer.Option("--api", metavar="URL", help="The API, instead of FLOWCTL_API_URL or PREFECT_API_URL.")
]
_Python = Annotated[
    str | None,
    typer.Option(
        "--python", metavar="PATH", help="Interpreter of runs, instead of .venv beside the script or python3."
    ),
]
_Limit = Annotated[int | None, typer.Option("--limit", metavar="N", min=1, help="Runs at a time (5).")]
_OnStop = Annotated[
    str, typer.Option("--on-stop", metavar="WHAT", help="When stopped, finish runs, or handback: let others take them.")
]
_Grace = Annotated[
    str, typer.Option("--grace", metavar="TIME", help="How long a cancelled run may take before it is killed.")
]
_Webserver = Annotated[bool, typer.Option("--webserver", help="Serve /health, /run_count and runs on request.")]
_Deployment = Annotated[
    list[str] | None,
    typer.Option("--name", "-n", metavar="FLOW/DEPLOYMENT", help="Only this deployment; may be given several times."),
]

_SERVE = """
flowctl runner serve flows/etl.py:main --name nightly --cron "0 3 * * *" --timezone Europe/Berlin
flowctl runner serve etl.py:main --name often --interval 60 --param source=db --limit 2
"""


@app.command("serve", cls=Command, epilog=_SERVE)
def serve(
    ctx: typer.Context,
    entrypoint: Annotated[str, typer.Argument(metavar="FILE:FLOW")],
    name: Annotated[
        str,
        typer.Option("--name", "-n", metavar="NAME", help="Name of the deployment.", show_default="the flow's name"),
    ] = "",
    interval: Annotated[
        str | None, typer.Option("--interval", metavar="TIME", help="Run so often: 60, 90s, 10m, 1h30m.")
    ] = None,
    cron: Annotated[str | None, typer.Option("--cron", metavar="CRON", help='Run by a cron line: "0 3 * * *".')] = None,
    rrule: Annotated[
        str | None, typer.Option("--rrule", metavar="RRULE", help="Run by a recurrence rule of iCalendar.")
    ] = None,
    anchor_date: Annotated[
        str | None, typer.Option("--anchor-date", metavar="TIME", help="A time from which the interval counts.")
    ] = None,
    timezone: Annotated[
        str | None, typer.Option("--timezone", metavar="ZONE", help="Time zone of the schedule: Europe/Berlin.")
    ] = None,
    parameters: Annotated[
        list[str] | None, typer.Option("--param", "-p", metavar="K=V", help="A parameter of all runs; V may be JSON.")
    ] = None,
    tags: Annotated[
        list[str] | None, typer.Option("--tag", "-t", metavar="TAG", help="A tag of the deployment and its runs.")
    ] = None,
    description: Annotated[
        str | None, typer.Option("--description", "-d", metavar="TEXT", help="Description, instead of the flow's own.")
    ] = None,
    version: Annotated[
        str | None, typer.Option("--version", metavar="TEXT", help="Version, instead of the flow's own.")
    ] = None,
    limit: _Limit = None,
    global_limit: Annotated[
        int | None,
        typer.Option("--global-limit", metavar="N", min=1, help="Runs of the deployment at a time, on all machines."),
    ] = None,
    pause_on_shutdown: Annotated[
        bool, typer.Option(help="Pause the deployment's schedule when the runner stops.")
    ] = True,
    python: _Python = None,
    on_stop: _OnStop = "finish",
    grace: _Grace = "30s",
    webserver: _Webserver = False,
    api: _Api = None,
) -> int:
    """Deploy a flow of a file, and run it on this machine until interrupted.

    The flow is imported, and run, by the interpreter of your own environment, where Prefect's client is.  A second
    interrupt hands the runs that are left back to the server.
    """
    from flowctl.runner import flows, poller

    session = Session.of(ctx)
    schedules = runner_flags.schedules(
        interval=interval, cron=cron, rrule=rrule, anchor_date=anchor_date, timezone=timezone
    )
    given = {
        "parameters": runner_flags.parameters(parameters or ()),
        "tags": tags or [],
        "description": description,
        "version": version,
        "concurrency_limit": global_limit,
    }
    settings = _settings(session)
    options = _options(settings, limit=limit, python=python, on_stop=on_stop, grace=grace, webserver=webserver)
    options = replace(options, pause_on_shutdown=pause_on_shutdown)
    cwd = Path.cwd()

    async def run() -> int:
        client = _client(settings, api)
        chosen = flows.interpreter(python, flows.script_of(entrypoint) or Path(entrypoint))
        flow = await flows.find(entrypoint, python=chosen, cwd=cwd)
        deployment = name or flow.name
        kept = {key: value for key, value in given.items() if value is not None}
        id_ = await flows.register(client, flow, name=deployment, cwd=cwd, options=kept, schedules=schedules)
        session.output.note(
            f"Serving {flow.name}/{deployment} of {client.url}, with {chosen}. Ctrl-C stops.\n"
            f"A run by hand: prefect deployment run '{flow.name}/{deployment}'"
        )
        return await _run(client, settings, replace(options, name=deployment), lambda: poller.served(client, [id_]))

    return _finish(run())


_START = """
flowctl runner start
flowctl runner start --name etl/nightly --name report/weekly --limit 2
flowctl runner start --on-stop handback --api http://127.0.0.1:4200/api
"""


@app.command("start", cls=Command, epilog=_START)
def start(
    ctx: typer.Context,
    names: _Deployment = None,
    limit: _Limit = None,
    python: _Python = None,
    on_stop: _OnStop = "finish",
    grace: _Grace = "30s",
    webserver: _Webserver = False,
    api: _Api = None,
) -> int:
    """Run deployments that exist on this machine until interrupted: those named, or all that have no work pool."""
    session = Session.of(ctx)
    settings = _settings(session)
    options = _options(settings, limit=limit, python=python, on_stop=on_stop, grace=grace, webserver=webserver)
    return _start(session, settings, options, names or [], api)


_WEBSERVER = """
flowctl runner webserver --port 8080
flowctl runner webserver --name etl/nightly --host 0.0.0.0
"""


@app.command("webserver", cls=Command, epilog=_WEBSERVER)
def run_webserver(
    ctx: typer.Context,
    names: _Deployment = None,
    host: Annotated[str | None, typer.Option(help="Address to listen at.", show_default="localhost")] = None,
    port: Annotated[int | None, typer.Option(help="Port; 0 takes a free one.", show_default="8080")] = None,
    log_level: Annotated[
        str | None, typer.Option(help="What the web server tells: debug, info, warning, error or critical.")
    ] = None,
    limit: _Limit = None,
    python: _Python = None,
    on_stop: _OnStop = "finish",
    grace: _Grace = "30s",
    api: _Api = None,
) -> int:
    """Run deployments as `runner start` does, with the web server that makes runs on request.

    Routes: /health, /run_count, /shutdown, /deployment/ID/run, /flow/run; /openapi.json describes their parameters.
    """
    session = Session.of(ctx)
    changes = {"runner_server_host": host, "runner_server_port": port, "runner_server_log_level": log_level}
    if log_level is not None and log_level.lower() not in {"debug", "info", "warning", "error", "critical"}:
        raise Invalid(f"{log_level!r} is no log level.", remedy="--log-level info")
    changed: dict[str, Any] = {key: value for key, value in changes.items() if value is not None}
    settings = replace(_settings(session), **changed)
    options = _options(settings, limit=limit, python=python, on_stop=on_stop, grace=grace, webserver=True)
    return _start(session, settings, options, names or [], api)


_STATUS = """
flowctl runner status
flowctl runner status --json
"""


@app.command("status", cls=Command, epilog=_STATUS)
def show_status(ctx: typer.Context) -> None:
    """List the runners of this machine, with the runs that each executes."""
    from flowctl import wire
    from flowctl.runner import status

    output = Session.of(ctx).output
    runners = status.running()
    if output.wants_data:
        output.data([wire.parse(wire.dumps(each)) for each in runners])
        return
    if output.format == "id":
        output.lines([str(each.pid) for each in runners])
        return
    output.table(_COLUMNS, runners)
    output.hint("" if runners else "no runner on this machine; flowctl runner serve FILE:FLOW starts one")


_COLUMNS = (
    Column("PID", lambda runner: runner.pid),
    Column("NAME", lambda runner: runner.name, cut=True),
    Column("STATE", lambda runner: "stopping" if runner.is_stopping else "running"),
    Column("RUNS", lambda runner: f"{len(runner.runs)}/{runner.limit}"),
    Column(
        "LAST POLL",
        lambda runner: moments.iso(runner.last_polled.isoformat()),
        lambda runner, look: run_table.time_text(runner.last_polled.isoformat(), look),
    ),
    Column("DEPLOYMENTS", lambda runner: ", ".join(runner.deployments), cut=True),
    Column("EXECUTING", lambda runner: ", ".join(runner.runs), cut=True, spare=True),
    Column("API", lambda runner: runner.api, cut=True, spare=True),
    Column("WEB SERVER", lambda runner: runner.webserver, cut=True, spare=True),
)


def _start(session: Session, settings: Settings, options: Options, names: list[str], api: str | None) -> int:
    from flowctl.runner import poller

    async def run() -> int:
        client = _client(settings, api)
        if names:
            ids = await poller.named(client, names)
            found = await poller.served(client, ids)
        else:
            ids, found = [], await poller.without_work_pool(client)
        listed = ", ".join(str(each["name"]) for each in found.values()) or "none yet"
        which = "Running" if names else "Running all deployments without a work pool"
        where = (
            f" Web server at {settings.runner_server_host}:{settings.runner_server_port}." if options.webserver else ""
        )
        session.output.note(f"{which}: {listed}, of {client.url}.{where} Ctrl-C stops.")
        deployments: Deployments = (
            (lambda: poller.served(client, ids)) if names else (lambda: poller.without_work_pool(client))
        )
        return await _run(client, settings, options, deployments)

    return _finish(run())


async def _run(client: Any, settings: Settings, options: Options, deployments: Deployments) -> int:
    from flowctl.runner.runner import Runner

    return await Runner(client, settings, options, deployments).run()


def _finish(work: Coroutine[Any, Any, T]) -> T:
    import asyncio
    import logging
    import sys

    told = logging.getLogger("flowctl.runner")
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(asctime)s | %(levelname)-7s | runner - %(message)s", "%H:%M:%S"))
    printed = logging.getLogger("flowctl.runner.output")
    lines = logging.StreamHandler(sys.stdout)
    told.setLevel(logging.INFO)
    told.handlers, printed.handlers, printed.propagate = [handler], [lines], False
    return asyncio.run(work)


def _client(settings: Settings, api: str | None) -> Any:
    from flowctl.runner.client import Api

    return Api.of(settings, api)


def _settings(session: Session) -> Settings:
    """The settings of the environment, of the active Prefect profile too: the runner is a client.

    Where commands speak to a server, by --context or FLOWCTL_API, the runner does.
    """
    from flowctl.settings import load

    try:
        found = load(profile=True)
    except ValueError as error:
        raise Invalid(str(error)) from error
    if not session.is_remote:
        return found
    own = session.settings
    return replace(found, api_url=session.api_url, api_key=own.api_key, client_auth_string=own.client_auth_string)


def _options(
    settings: Settings, *, limit: int | None, python: str | None, on_stop: str, grace: str, webserver: bool
) -> Options:
    from flowctl.runner.runner import Options

    choices: dict[str, Literal["finish", "handback"]] = {"finish": "finish", "handback": "handback"}
    if on_stop not in choices:
        raise typer.BadParameter(f"{on_stop!r} is not one of {', '.join(choices)}.", param_hint="--on-stop")
    return Options(
        limit=limit or settings.runner_process_limit,
        python=python,
        on_stop=choices[on_stop],
        grace_seconds=runner_flags.seconds(grace),
        webserver=webserver or settings.runner_server_enabled,
    )
