"""`flowctl serve`: the server on the database file.  Everything heavy is imported inside the command."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from flowctl.cli.commands import Command, Group
from flowctl.cli.context import Session
from flowctl.domain.errors import Invalid

EXAMPLES = """
flowctl serve
flowctl serve --host 0.0.0.0 --port 8080 --db /srv/flowctl.db --auth-file /etc/flowctl.auth
eval "$(flowctl serve --ensure)"
flowctl serve --services scheduler,mark-late-runs
flowctl serve stop
"""


class ServeGroup(Group):
    """`flowctl serve`: alone it is a command; its words (`stop`, `restart` …) look after what runs."""

    def __init__(self, *, callback: Callable[..., Any] | None = None, **rest: Any) -> None:
        options: dict[str, Any] = {**rest, "invoke_without_command": True, "subcommand_metavar": "[COMMAND]"}
        super().__init__(**options)
        self._alone = Command(self.name, callback=callback)

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Take flags and a word; without either it serves."""
        return TyperGroup.parse_args(self, ctx, args)

    def invoke(self, ctx: Any) -> Any:
        """Serve, or do what the word says."""
        return super().invoke(ctx) if ctx._protected_args else self._alone.invoke(ctx)


def serve(
    ctx: typer.Context,
    host: Annotated[str | None, typer.Option(help="Address to listen at.", show_default="127.0.0.1")] = None,
    port: Annotated[int | None, typer.Option(help="Port; 0 takes a free one.", show_default="4200")] = None,
    base_path: Annotated[str | None, typer.Option(help="Path below which a proxy serves dashboard and API.")] = None,
    auth_file: Annotated[
        Path | None, typer.Option(metavar="FILE", help="File with the user:password that clients must give.")
    ] = None,
    no_ui: Annotated[bool, typer.Option("--no-ui", help="Serve no dashboard.")] = False,
    no_services: Annotated[bool, typer.Option("--no-services", help="Run no background services.")] = False,
    services: Annotated[
        str | None, typer.Option(metavar="A,B", help="Run only these background services: scheduler,mark-late-runs.")
    ] = None,
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
    detach: Annotated[
        bool, typer.Option("--detach", "--background", "-b", help="Go on in the background, once it is ready.")
    ] = False,
    ensure: Annotated[
        bool, typer.Option("--ensure", help="Do nothing if the file is served already, else as with --detach.")
    ] = False,
    ready_json: Annotated[
        bool, typer.Option("--ready-json", help="Print url, api, pid and db as one line of JSON when ready.")
    ] = False,
    log_format: Annotated[str, typer.Option(help="How messages on stderr look: text or json.")] = "text",
) -> int:
    """Serve Prefect's API and the dashboard from the database file, until interrupted.

    With --read-only all that would change something is refused, and another server may have the file.
    """
    _one_of(log_format, ("text", "json"), "--log-format")
    _one_of(missed_runs, ("skip", "latest", "all"), "--missed-runs")
    session = Session.of(ctx)
    session.needs_file("flowctl serve")
    if no_services and services is not None:
        raise Invalid("--services names services to run, and --no-services says none.", remedy="leave out one of them")
    changes: dict[str, Any] = {"host": host, "port": port, "ui_serve_base": base_path, "request_limit": request_limit}
    changes["missed_runs"] = missed_runs
    changes["db"] = session.database_path.absolute()
    if session.options.wait_lock is not None:
        changes["busy_timeout"] = session.settings.busy_timeout
    changes = {name: value for name, value in changes.items() if value is not None}
    if no_ui:
        changes["ui_enabled"] = False
    if no_services:
        changes["services_enabled"] = False
    if services is not None:
        changes.update(_chosen_services(services))
    if auth_file is not None:
        changes["api_auth_string"] = read_auth_file(auth_file)
    flags = {
        "--db": changes["db"],
        "--host": host,
        "--port": port,
        "--base-path": base_path,
        "--auth-file": auth_file and auth_file.expanduser().absolute(),
        "--no-ui": no_ui,
        "--no-services": no_services,
        "--services": services,
        "--missed-runs": missed_runs,
        "--request-limit": request_limit,
        "--log-format": None if log_format == "text" else log_format,
        "--wait-lock": session.options.wait_lock,
        "--read-only": session.options.read_only,
    }
    arguments = _as_arguments(flags)
    if detach or ensure or session.options.dry_run:
        from flowctl.cli import serve_process

        return serve_process.begin(session, arguments, ensure=ensure, ready_json=ready_json)
    from flowctl.server import run
    from flowctl.settings import load

    options = run.Options(
        read_only=session.options.read_only,
        ready_json=ready_json,
        log_format="json" if log_format == "json" else "text",
        arguments=arguments,
    )
    try:
        return run.serve(replace(load(profile=True), **changes), options)
    except ValueError as error:
        raise Invalid(str(error)) from error


def _one_of(value: str | None, choices: tuple[str, ...], flag: str) -> None:
    if value is not None and value not in choices:
        raise typer.BadParameter(f"{value!r} is not one of {', '.join(choices)}.", param_hint=flag)


def _as_arguments(flags: dict[str, Any]) -> tuple[str, ...]:
    """The same flags for another process."""
    arguments: list[str] = []
    for flag, value in flags.items():
        if value is True:
            arguments.append(flag)
        elif value is not None and value is not False:
            arguments += [flag, str(value)]
    return tuple(arguments)


def _chosen_services(text: str) -> dict[str, bool]:
    """The settings that switch on the services that are named, and the others off.  Raises Invalid."""
    from flowctl.server.background import SERVICES

    switches = {_dashed(service.name): service.enabled for service in SERVICES if service.enabled != "services_enabled"}
    wanted = {word.strip().lower() for word in text.split(",") if word.strip()}
    unknown = sorted(wanted - switches.keys())
    if unknown or not wanted:
        what = f"{', '.join(unknown)!r} is no service" if unknown else "--services names none"
        raise Invalid(f"{what}; there are {', '.join(switches)}.")
    return {"services_enabled": True, **{switch: name in wanted for name, switch in switches.items()}}


def _dashed(name: str) -> str:
    """`MarkLateRuns` -> `mark-late-runs`."""
    return "".join(f"-{each.lower()}" if each.isupper() else each for each in name).lstrip("-")


def read_auth_file(path: Path) -> str:
    """The `user:password` that a file holds.  Raises Invalid."""
    try:
        text = path.expanduser().read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise Invalid(f"{path} cannot be read: {getattr(error, 'strerror', None) or error}.") from error
    user, colon, password = text.partition(":")
    if not (user and colon and password) or "\n" in text:
        raise Invalid(f"{path} does not hold one line user:password.")
    return text
