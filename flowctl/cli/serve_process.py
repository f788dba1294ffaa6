"""`flowctl serve --detach | --ensure | stop | restart | status`: servers that run by themselves."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
import zipfile
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, Annotated, Any

import typer

from flowctl.cli import moments
from flowctl.cli.commands import Command
from flowctl.cli.context import Session
from flowctl.domain.errors import Busy, FlowctlError, Invalid, NotFound

app = typer.Typer()

START_SECONDS = 30.0
_LONGEST_LOG = 10_000_000
"""Bytes; a log that is longer when a server starts makes room for a new one."""
_TOLD_LINES = 20
NOT_RUNNING = 1
_BUSY = 5

Facts = dict[str, Any]


def own_command() -> list[str]:
    """How this program is called, whatever way it was installed."""
    if zipfile.is_zipfile(sys.argv[0]):
        return [sys.executable, os.path.realpath(sys.argv[0])]
    return [sys.executable, "-m", "flowctl"]


def log_path(db: Path) -> Path:
    """Where a detached server writes what it has to say."""
    return db.with_name(f"{db.name}.log")


def begin(session: Session, arguments: Sequence[str], *, ensure: bool, ready_json: bool) -> int:
    """Start a server in the background, unless `ensure` and one is there, and tell where it is."""
    from flowctl.server.lock import found

    db = session.database_path.absolute()
    who = found(db, START_SECONDS) if ensure else None
    if session.options.dry_run:
        there = f"a server runs already at {who['url']}" if who else " ".join(["would run", *_shown(arguments)])
        session.output.lines([there])
        return 0
    started = who is None
    if who is None:
        try:
            who = start(db, arguments)
        except Busy:  # another `--ensure` was faster
            who = found(db, START_SECONDS) if ensure else None
            if who is None:
                raise
            started = False
    facts = {"url": who["url"], "api": who["api"], "pid": who["pid"], "db": str(db)}
    _tell(session, facts, started=started, ready_json=ready_json)
    return 0


def _shown(arguments: Sequence[str]) -> list[str]:
    return ["flowctl", "serve", *arguments]


def _tell(session: Session, facts: Facts, *, started: bool, ready_json: bool) -> None:
    output = session.output
    if ready_json:
        from flowctl import __version__

        output.write(json.dumps({**facts, "version": __version__}) + "\n")
        return
    log = str(log_path(Path(facts["db"])))
    if output.wants_data:
        output.data([{**facts, "log": log, "started": started}], single=True)
        return
    what = "serving" if started else "already serving"
    output.note(f"{what} {facts['db']} at {facts['url']} (process {facts['pid']}, log {log})")
    output.write(f"export PREFECT_API_URL={facts['api']}\n")


def start(db: Path, arguments: Sequence[str]) -> Facts:
    """Start a server that outlives this process, and wait until it is ready; gives url, api, pid and db.

    Raises Busy when another server has the file, FlowctlError with the end of the log when it does not start.
    """
    log = log_path(db)
    log.parent.mkdir(parents=True, exist_ok=True)
    if log.exists() and log.stat().st_size > _LONGEST_LOG:
        log.replace(log.with_name(f"{log.name}.1"))
    with log.open("ab") as messages:
        begins = messages.tell()
        process = subprocess.Popen(
            [*own_command(), "serve", *arguments, "--ready-json"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=messages,
            start_new_session=True,
            creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),
        )
    assert process.stdout
    line = _first_line(process.stdout, START_SECONDS)
    if line:
        process.stdout.close()
        process.returncode = 0  # it is not waited for: it goes on
        return json.loads(line)
    with suppress(subprocess.TimeoutExpired):
        process.wait(1)
    if process.poll() is None:
        process.kill()
        process.wait()
        raise FlowctlError(f"The server was not ready after {START_SECONDS:g} s.\n{_told(log, begins)}".rstrip())
    said = _told(log, begins).removeprefix("error: ")
    kind = Busy if process.returncode == _BUSY else FlowctlError
    raise kind(said or f"The server ended with code {process.returncode}.")


def _first_line(stream: IO[bytes], patience: float) -> bytes:
    lines: list[bytes] = []
    reader = threading.Thread(target=lambda: lines.append(stream.readline()), daemon=True)
    reader.start()
    reader.join(patience)
    return lines[0] if lines else b""


def _told(log: Path, begins: int) -> str:
    """The last lines of a log from a place on."""
    with log.open("rb") as file:
        file.seek(begins)
        return "\n".join(file.read().decode(errors="replace").splitlines()[-_TOLD_LINES:])


STOP = """
flowctl serve stop
flowctl serve stop --db /srv/flowctl.db --timeout 60s --force
"""

_Timeout = Annotated[str, typer.Option("--timeout", metavar="TIME", help="How long it may take to finish its work.")]
_Force = Annotated[bool, typer.Option("--force", help="Kill it if it takes longer.")]


@app.command("stop", cls=Command, epilog=STOP)
def stop(ctx: typer.Context, timeout: _Timeout = "20s", force: _Force = False) -> None:
    """Stop the server of this database file: it finishes what it is at, and ends. Without one, all is well."""
    session = Session.of(ctx)
    session.needs_file("flowctl serve stop")
    db, output = session.database_path.absolute(), session.output
    who = _holder(db)
    if who and not session.options.dry_run:
        _stop(db, who, _seconds(timeout), force=force)
    if output.wants_data:
        output.data([{"db": str(db), "pid": who and who["pid"], "stopped": bool(who)}], single=True)
    elif who is None:
        output.lines([f"no server runs on {db}"])
    else:
        would = "would stop" if session.options.dry_run else "stopped"
        output.lines([f"{would} the server of {db} (process {who['pid']})"])


_RESTART = """
flowctl serve restart
flowctl serve restart --db /srv/flowctl.db
"""


@app.command("restart", cls=Command, epilog=_RESTART)
def restart(ctx: typer.Context, timeout: _Timeout = "20s", force: _Force = False) -> None:
    """Stop the server of this database file and start it again, with the flags it had, in the background."""
    session = Session.of(ctx)
    session.needs_file("flowctl serve restart")
    db = session.database_path.absolute()
    who = _holder(db)
    if who is None:
        raise NotFound(f"No server runs on {db}.", remedy="flowctl serve --detach")
    arguments = _again(db, who)
    unit = _unit(who["pid"])
    if session.options.dry_run:
        session.output.lines([f"would restart {unit}" if unit else " ".join(["would run", *_shown(arguments)])])
        return
    if unit:
        subprocess.run(["systemctl", "--user", "restart", unit], check=True)
        return
    _stop(db, who, _seconds(timeout), force=force)
    _tell(session, start(db, arguments), started=True, ready_json=False)


def _again(db: Path, who: Facts) -> list[str]:
    """The arguments of a running server; a port that it has found itself is kept."""
    arguments = [str(each) for each in who.get("arguments") or ["--db", str(db)]]
    if "url" in who:
        arguments += ["--port", who["url"].rpartition(":")[2]]
    return arguments


_STATUS = """
flowctl serve status
flowctl serve status -o json
"""


@app.command("status", cls=Command, epilog=_STATUS)
def status(ctx: typer.Context) -> int:
    """Tell whether a server runs on this database file, where, and whether it answers; ends with 1 if not."""
    session = Session.of(ctx)
    session.needs_file("flowctl serve status")
    db, output = session.database_path.absolute(), session.output
    from flowctl.server.lock import holder

    who = holder(db)
    answers = bool(who and "api" in who and _answers(who["api"]))
    facts = {
        "running": who is not None,
        "answers": answers,
        "db": str(db),
        **{name: (who or {}).get(name) for name in ("pid", "url", "api", "started")},
    }
    if output.wants_data:
        output.data([facts], single=True)
    elif who is None:
        output.lines([f"no server runs on {db}"])
    else:
        state = "ready" if answers else "starting" if "api" not in who else "does not answer"
        since = who.get("started")
        pairs = [
            ("server", f"{who.get('url', '')} {state}".strip()),
            ("process", str(who["pid"])),
            ("database", str(db)),
        ]
        if since:
            pairs.append(("since", moments.clock(moments.read(since), output.now, utc=output.look.utc)))
        output.pairs(pairs)
    return 0 if answers else NOT_RUNNING


def _answers(api: str) -> bool:
    from urllib.error import HTTPError
    from urllib.request import urlopen

    try:
        with urlopen(f"{api}/health", timeout=5):
            return True
    except HTTPError:  # it asks for credentials, for one
        return True
    except OSError:
        return False


def _seconds(text: str) -> float:
    try:
        return moments.parse_duration(text)
    except ValueError as error:
        raise Invalid(str(error)) from error


def _holder(db: Path) -> Facts | None:
    """Who serves a file.  Raises Busy if its process cannot be seen from here, as out of a container."""
    from flowctl.processes import look_up
    from flowctl.server.lock import holder

    who = holder(db)
    if who and who.get("started"):
        process = look_up(who["pid"])
        if process is None or process.started.isoformat() != who["started"]:
            raise Busy(f"The server of {db} is process {who['pid']} of another container or machine; stop it there.")
    return who


def _stop(db: Path, who: Facts, patience: float, *, force: bool) -> None:
    pid = who["pid"]
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGTERM)
    if _is_over(db, pid, patience):
        return
    if not force:
        raise Busy(
            f"The server (process {pid}) is still at work after {patience:g} s.", remedy="add --force to kill it"
        )
    with suppress(ProcessLookupError):
        os.kill(pid, getattr(signal, "SIGKILL", signal.SIGTERM))
    _is_over(db, pid, _AFTER_KILL_SECONDS)


_AFTER_KILL_SECONDS = 5.0


def _is_over(db: Path, pid: int, patience: float) -> bool:
    """Wait for the end of a server; tells whether it came."""
    from flowctl.server.lock import holder

    end = time.monotonic() + patience
    while (who := holder(db)) is not None and who["pid"] == pid:
        if time.monotonic() > end:
            return False
        time.sleep(0.05)
    return True


def _unit(pid: int) -> str | None:
    """The service of systemd that a process is the main one of, if `flowctl serve service` made it."""
    try:
        groups = Path(f"/proc/{pid}/cgroup").read_text()
    except OSError:
        return None
    found = re.search(r"/(flowctl[^/\n]*\.service)$", groups, re.MULTILINE)
    return found[1] if found else None
