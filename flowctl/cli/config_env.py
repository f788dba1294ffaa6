"""`flowctl config env`: the variables that make Prefect's client talk to where flowctl works."""

from __future__ import annotations

import os
import shlex
from typing import Annotated

import typer

from flowctl.cli import completion
from flowctl.cli.commands import Command
from flowctl.cli.context import Session
from flowctl.domain.errors import Invalid

app = typer.Typer()

_ENV = """
eval "$(flowctl config env)"
flowctl config env --context prod --shell fish | source
flowctl config env --json
"""


@app.command("env", cls=Command, epilog=_ENV)
def env(
    ctx: typer.Context,
    shell: Annotated[
        str | None,
        typer.Option(
            "--shell",
            metavar="SHELL",
            help="bash, zsh, sh, fish, pwsh or cmd; else that of $SHELL.",
            autocompletion=completion.env_shells,
        ),
    ] = None,
) -> None:
    """Print the lines that make Prefect's client of this shell talk to the server in force.

    That is the server of --api or of the context, else the one that serves the database file now, else the one that
    `flowctl serve` would start.  Credentials are printed too.
    """
    session = Session.of(ctx)
    found = variables(session)
    if session.output.wants_data:
        session.output.data([found], single=True)
        return
    line = _LINES.get(shell or os.path.basename(os.environ.get("SHELL", "")), None if shell else _LINES["sh"])
    if line is None:
        raise Invalid(f"{shell!r} is no shell that is known.", remedy=f"use one of {', '.join(_LINES)}")
    session.output.write("".join(line(name, value) + "\n" for name, value in found.items()))


def variables(session: Session) -> dict[str, str]:
    """PREFECT_API_URL, and the credentials that belong to it."""
    from flowctl.server.lock import serving

    settings = session.settings
    url = session.api_url
    if url is None:
        server = serving(session.database_path)
        url = server["api"] if server else f"http://{settings.host}:{settings.port}{settings.api_base_path}"
    auth = settings.client_auth_string or (None if session.is_remote else settings.api_auth_string)
    found = {"PREFECT_API_URL": url, "PREFECT_API_AUTH_STRING": auth, "PREFECT_API_KEY": settings.api_key}
    return {name: value for name, value in found.items() if value}


def _posix(name: str, value: str) -> str:
    return f"export {name}={shlex.quote(value)}"


def _fish(name: str, value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"set -gx {name} '{escaped}'"


def _pwsh(name: str, value: str) -> str:
    doubled = value.replace("'", "''")
    return f"$env:{name} = '{doubled}'"


def _cmd(name: str, value: str) -> str:
    return f'set "{name}={value}"'


_LINES = {"bash": _posix, "zsh": _posix, "sh": _posix, "fish": _fish, "pwsh": _pwsh, "powershell": _pwsh, "cmd": _cmd}
