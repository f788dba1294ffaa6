"""`flowctl exec -- CMD`: a command with a server, for as long as it runs.  Everything heavy is imported inside."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated, Any

import typer

from flowctl.cli import moments
from flowctl.cli.commands import Command
from flowctl.cli.context import Session
from flowctl.domain.errors import Busy, FlowctlError, Invalid

if TYPE_CHECKING:
    from flowctl.settings import Settings

NOT_EXECUTABLE, NOT_FOUND = 126, 127
"""Exit codes of a shell for a command that it cannot run."""

_BY_TERMINAL = frozenset({"SIGINT", "SIGQUIT"})
"""Signals that a terminal sends to all processes in the foreground, the command among them."""

_FORWARDED = ("SIGINT", "SIGQUIT", "SIGTERM", "SIGHUP", "SIGUSR1", "SIGUSR2", "SIGCONT", "SIGWINCH")

EXAMPLES = """
flowctl exec -- python flows.py
flowctl exec --ephemeral -- pytest tests/
flowctl exec --ephemeral --port 4299 --timeout 60s -- ./ci.sh --fast
"""


class ExecCommand(Command):
    """A command whose arguments end where another command line begins."""

    allow_interspersed_args = False


CLASS = ExecCommand


@dataclass(frozen=True, slots=True)
class _Server:
    """A server that there is by now.

    db       its file; None if it is elsewhere
    is_ours  it was started for this command
    """

    api: str
    db: Path | None
    is_ours: bool


def run(
    ctx: typer.Context,
    command: Annotated[list[str], typer.Argument(metavar="-- CMD [ARG...]")],
    ephemeral: Annotated[
        bool, typer.Option("--ephemeral", help="A server of its own on an empty database, both gone in the end.")
    ] = False,
    port: Annotated[
        int | None, typer.Option(min=1, max=65535, help="Port of a server that is started.", show_default="a free one")
    ] = None,
    timeout: Annotated[
        str, typer.Option("--timeout", metavar="TIME", help="How long a server may take to start.")
    ] = "20s",
) -> int:
    """Run a command with PREFECT_API_URL set: to the server of this database, or one started for as long as it takes.

    The command's exit code is passed on, and signals are passed to it. FLOWCTL_DB is set too, so that flowctl within
    works on the same file. A server that is started runs the services but for retention, and has no dashboard.
    """
    session = Session.of(ctx)
    try:
        patience = moments.parse_duration(timeout)
    except ValueError as error:
        raise Invalid(str(error)) from error
    if ephemeral and session.is_remote:
        raise Invalid("--ephemeral starts a server, and --api names one.", remedy="leave out one of them")
    from flowctl.settings import load

    settings = load(profile=True)
    if session.options.dry_run:
        _tell(session, command, ephemeral=ephemeral)
        return 0
    with _served(session, settings, ephemeral=ephemeral, port=port, patience=patience) as server:
        if server.is_ours:
            session.output.hint(f"started {server.api}{' on an empty database' if ephemeral else ''}")
        return _run(command, _environment(session, settings, server))


def _tell(session: Session, command: Sequence[str], *, ephemeral: bool) -> None:
    from flowctl.server.lock import serving

    who = None if ephemeral or session.is_remote else serving(session.database_path)
    api = session.api_url or (who and who["api"])
    facts: dict[str, Any] = {"command": list(command), "api": api, "starts": api is None, "ephemeral": ephemeral}
    if session.output.wants_data:
        session.output.data([facts], single=True)
        return
    kind = "a server on an empty database" if ephemeral else f"a server on {session.database_path}"
    session.output.lines([f"would run {' '.join(command)} with {api or f'{kind}, started for it'}"])


@contextmanager
def _served(
    session: Session, settings: Settings, *, ephemeral: bool, port: int | None, patience: float
) -> Generator[_Server]:
    """See to it that a server is there until the block ends."""
    if session.api_url is not None:
        yield _Server(session.api_url, None, is_ours=False)
    elif ephemeral:
        import tempfile

        with tempfile.TemporaryDirectory(prefix="flowctl-", ignore_cleanup_errors=True) as folder:
            db = Path(folder) / "flowctl.db"
            with _started(db, port, patience) as api:
                yield _Server(api, db, is_ours=True)
    else:
        with _shared(session.database_path.absolute(), port, patience) as server:
            yield server


@contextmanager
def _shared(db: Path, port: int | None, patience: float) -> Generator[_Server]:
    """The server of a file: one that is there, or one of ours, which others may use too until they end."""
    from flowctl.server.lock import Users, found

    end = time.monotonic() + patience
    with Users(db) as users:
        while True:
            if who := found(db, end - time.monotonic()):
                yield _Server(who["api"], db, is_ours=False)
                return
            try:
                with _started(db, port, patience) as api:
                    yield _Server(api, db, is_ours=True)
                    users.wait_for_others()
                    return
            except Busy:  # somebody else was first: that server will do
                if time.monotonic() > end:
                    raise


@contextmanager
def _started(db: Path, port: int | None, patience: float) -> Generator[str]:
    from flowctl.server.subprocess_server import SubprocessASGIServer

    server = SubprocessASGIServer(port, db, services=True)
    try:
        server.start(patience)
    except FlowctlError as error:
        server.stop()
        if "Another server already serves" in error.message:
            raise Busy(error.message) from error
        raise
    try:
        yield server.api_url
    finally:
        server.stop()


def _environment(session: Session, settings: Settings, server: _Server) -> dict[str, str]:
    """The command's environment: this process's, and where the server is and how to get in."""
    added: dict[str, str | None] = {
        "PREFECT_API_URL": server.api,
        "PREFECT_SERVER_ALLOW_EPHEMERAL_MODE": "false",
        "FLOWCTL_DB": str(server.db) if server.db else None,
        "FLOWCTL_API": None if server.db else server.api,
        "PREFECT_API_AUTH_STRING": settings.api_auth_string if server.db else session.settings.client_auth_string,
        "PREFECT_API_KEY": None if server.db else session.settings.api_key,
    }
    # what says otherwise where flowctl works is for the outside
    inherited = {name: value for name, value in os.environ.items() if name not in ("FLOWCTL_API", "FLOWCTL_CONTEXT")}
    return {**inherited, **{name: value for name, value in added.items() if value}}


def _run(command: Sequence[str], environment: Mapping[str, str]) -> int:
    """Run the command to its end; its exit code, as a shell tells it."""
    program = shutil.which(command[0], path=environment.get("PATH"))
    if program is None:
        is_file = Path(command[0]).is_file()
        sys.stderr.write(f"error: {command[0]}: {'not executable' if is_file else 'command not found'}\n")
        return NOT_EXECUTABLE if is_file else NOT_FOUND
    process: subprocess.Popen[bytes] | None = None
    early: list[int] = []

    def forward(number: int, _frame: FrameType | None) -> None:
        if process is None:
            early.append(number)
        elif not (signal.Signals(number).name in _BY_TERMINAL and _is_in_foreground()):
            with suppress(ProcessLookupError):
                process.send_signal(number)

    numbers = [getattr(signal, name) for name in _FORWARDED if hasattr(signal, name)]
    originals = {number: signal.signal(number, forward) for number in numbers}
    try:
        try:
            process = subprocess.Popen([program, *command[1:]], env=environment)
        except OSError as error:
            sys.stderr.write(f"error: {command[0]}: {error.strerror}\n")
            return NOT_EXECUTABLE
        for number in early:
            process.send_signal(number)
        code = process.wait()
    finally:
        for number, original in originals.items():
            signal.signal(number, original)
    return code if code >= 0 else 128 - code


def _is_in_foreground() -> bool:
    """Whether a terminal sends its signals to this process's group."""
    try:
        with open("/dev/tty", "rb") as terminal:
            return os.tcgetpgrp(terminal.fileno()) == os.getpgrp()
    except (OSError, AttributeError):
        return False
