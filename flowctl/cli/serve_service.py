"""`flowctl serve service install | status | remove`: a server that the system starts, with systemd or launchd."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from flowctl.cli.commands import Command
from flowctl.cli.context import Session
from flowctl.cli.serve_process import log_path, own_command
from flowctl.domain.errors import FlowctlError, Invalid, NotFound, Unsupported

app = typer.Typer()

NOT_RUNNING = 1
_NAME = re.compile(r"flowctl[A-Za-z0-9._-]*")

_Name = Annotated[str, typer.Option("--name", metavar="NAME", help="Name of the service; it begins with flowctl.")]

_INSTALL = """
flowctl serve service install
flowctl serve service install --name flowctl-etl --db /srv/etl.db -- --port 4300 --no-ui
flowctl serve service install --print
"""


@dataclass(frozen=True, slots=True)
class Unit:
    """What the system is told: the file, its text, and the commands that make it take notice."""

    path: Path
    text: str
    load: Sequence[Sequence[str]]
    unload: Sequence[Sequence[str]]
    ask: Sequence[str]


@app.command("install", cls=Command, epilog=_INSTALL)
def install(
    ctx: typer.Context,
    arguments: Annotated[list[str] | None, typer.Argument(metavar="-- [FLAG...]")] = None,
    name: _Name = "flowctl",
    print_only: Annotated[bool, typer.Option("--print", help="Print the unit, and install nothing.")] = False,
) -> None:
    """Let the system serve this database file from now on: at log-in, and again after a crash.

    It is a unit of the user's own systemd on Linux, an agent of launchd on macOS. Flags of `flowctl serve` stand
    behind `--`.
    """
    session = Session.of(ctx)
    session.needs_file("flowctl serve service install")
    output = session.output
    db = session.database_path.absolute()
    unit = make_unit(name, db, arguments or [])
    if print_only:
        output.write(unit.text)
        return
    _require(unit)
    if session.options.dry_run:
        output.lines([f"would write {unit.path}", *(f"would run {' '.join(command)}" for command in unit.load)])
        return
    if unit.path.exists() and unit.path.read_text() != unit.text:
        if not output.confirm(f"Replace {unit.path}, which is another one?"):
            output.note("Nothing was installed.")
            return
        _run(unit.unload, is_vital=False)
    unit.path.parent.mkdir(parents=True, exist_ok=True)
    unit.path.write_text(unit.text)
    _run(unit.load, is_vital=True)
    if output.wants_data:
        output.data([{"name": name, "path": str(unit.path), "db": str(db)}], single=True)
        return
    output.lines([f"installed {unit.path}, which serves {db}"])
    if sys.platform == "linux":
        output.hint("it stops when you log out, unless you run: loginctl enable-linger")


_STATUS = """
flowctl serve service status
flowctl serve service status --name flowctl-etl
"""


@app.command("status", cls=Command, epilog=_STATUS)
def status(ctx: typer.Context, name: _Name = "flowctl") -> int:
    """Tell whether the service is installed, and whether it runs; ends with 1 if not."""
    session = Session.of(ctx)
    unit = make_unit(name, session.database_path.absolute(), [])
    is_there = unit.path.exists()
    state = "not installed"
    is_running = False
    if is_there:
        _require(unit)
        asked = subprocess.run(unit.ask, capture_output=True, text=True, check=False)
        is_running = asked.returncode == 0
        state = "running" if is_running else "not running"
    if session.output.wants_data:
        facts = {"name": name, "path": str(unit.path), "installed": is_there, "running": is_running}
        session.output.data([facts], single=True)
    else:
        session.output.lines([f"{name} is {state}{f' ({unit.path})' if is_there else ''}"])
    return 0 if is_running else NOT_RUNNING


_REMOVE = """
flowctl serve service remove
flowctl serve service remove --name flowctl-etl -y
"""


@app.command("remove", cls=Command, epilog=_REMOVE)
def remove(ctx: typer.Context, name: _Name = "flowctl") -> int:
    """Stop the service and forget it; the database file stays."""
    session = Session.of(ctx)
    output = session.output
    unit = make_unit(name, session.database_path.absolute(), [])
    if not unit.path.exists():
        raise NotFound(
            f"There is no service {name}: {unit.path} does not exist.", remedy="--name NAME, for another one"
        )
    _require(unit)
    if session.options.dry_run:
        output.lines([*(f"would run {' '.join(command)}" for command in unit.unload), f"would delete {unit.path}"])
        return 0
    if not output.confirm(f"Stop {name} and delete {unit.path}?"):
        output.note("Nothing was removed.")
        return 1
    _run(unit.unload, is_vital=False)
    unit.path.unlink()
    if output.wants_data:
        output.data([{"name": name, "path": str(unit.path), "removed": True}], single=True)
    else:
        output.lines([f"removed {unit.path}"])
    return 0


def make_unit(name: str, db: Path, arguments: Sequence[str], platform: str = sys.platform) -> Unit:
    """The service of a database file.  Raises Invalid for a name, Unsupported for a system that has neither."""
    if not _NAME.fullmatch(name):
        raise Invalid(f"{name!r} is no name for the service; it begins with flowctl and has letters, digits, - and _.")
    command = [*own_command(), "serve", "--db", str(db), *arguments]
    if platform == "linux":
        return _systemd(name, db, command)
    if platform == "darwin":
        return _launchd(name, db, command)
    raise Unsupported(f"There is no support for services of {platform}.", remedy="flowctl serve --detach")


def _systemd(name: str, db: Path, command: Sequence[str]) -> Unit:
    home = Path(os.environ.get("XDG_CONFIG_HOME", "").strip() or "~/.config").expanduser()
    text = f"""[Unit]
Description=flowctl: Prefect's API and dashboard on {str(db).replace("%", "%%")}

[Service]
Type=exec
ExecStart={" ".join(_quoted(word) for word in command)}
Restart=on-failure
RestartSec=2
TimeoutStopSec=20

[Install]
WantedBy=default.target
"""
    unit = f"{name}.service"
    return Unit(
        path=home / "systemd" / "user" / unit,
        text=text,
        load=[["systemctl", "--user", "daemon-reload"], ["systemctl", "--user", "enable", "--now", unit]],
        unload=[["systemctl", "--user", "disable", "--now", unit]],
        ask=["systemctl", "--user", "is-active", "--quiet", unit],
    )


def _quoted(word: str) -> str:
    """A word of a command as systemd reads it (systemd.service(5), "Command lines")."""
    escaped = word.replace("%", "%%").replace("$", "$$").replace("\\", "\\\\").replace('"', '\\"')
    return escaped if re.fullmatch(r"[A-Za-z0-9_./:=@%+,$-]+", escaped) else f'"{escaped}"'


def _launchd(name: str, db: Path, command: Sequence[str]) -> Unit:
    import plistlib

    label = f"io.{name}"
    path = Path("~/Library/LaunchAgents").expanduser() / f"{label}.plist"
    domain = f"gui/{os.getuid() if hasattr(os, 'getuid') else 0}"
    facts = {
        "Label": label,
        "ProgramArguments": list(command),
        "RunAtLoad": True,
        "KeepAlive": {"SuccessfulExit": False},
        "StandardOutPath": str(log_path(db)),
        "StandardErrorPath": str(log_path(db)),
    }
    return Unit(
        path=path,
        text=plistlib.dumps(facts).decode(),
        load=[["launchctl", "bootstrap", domain, str(path)]],
        unload=[["launchctl", "bootout", f"{domain}/{label}"]],
        ask=["launchctl", "print", f"{domain}/{label}"],
    )


def _require(unit: Unit) -> None:
    """Raise Unsupported where the system's manager of services is not at work."""
    program = unit.ask[0]
    works = shutil.which(program) is not None
    if works and program == "systemctl":
        alive = subprocess.run(["systemctl", "--user", "show-environment"], capture_output=True, check=False)
        works = alive.returncode == 0
    if not works:
        manager = {"systemctl": "systemd for users", "launchctl": "launchd"}[program]
        raise Unsupported(
            f"{manager} is not at work here, so no service can be looked after.",
            remedy="flowctl serve --detach, or --print the unit and hand it to whatever starts programs here",
        )


def _run(commands: Sequence[Sequence[str]], *, is_vital: bool) -> None:
    for command in commands:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode and is_vital:
            raise FlowctlError(f"{' '.join(command)} failed: {done.stderr.strip() or done.stdout.strip()}")
