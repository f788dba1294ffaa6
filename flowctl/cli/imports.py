"""`flowctl import prefect`."""

from __future__ import annotations

import os
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import urlsplit

import typer

from flowctl.cli import moments
from flowctl.cli.commands import Command
from flowctl.cli.context import Session
from flowctl.cli.progress import PATIENCE_SECONDS
from flowctl.cli.selection import counted
from flowctl.cli.tables import Column
from flowctl.domain.errors import Invalid, NotFound

if TYPE_CHECKING:
    from datetime import datetime

    from flowctl.db.queries.import_kinds import Matter
    from flowctl.ops.imports.source import Source
    from flowctl.ops.imports.work import Report

app = typer.Typer()

_PREFECT = """
flowctl import prefect --dry-run
flowctl import prefect ~/.prefect/prefect.db --since 90d
flowctl import prefect http://127.0.0.1:4200/api --pause-schedules
"""


@app.command("prefect", cls=Command, epilog=_PREFECT)
def import_prefect(
    ctx: typer.Context,
    source: Annotated[
        str | None,
        typer.Argument(
            metavar="[DB|URL]", help="A Prefect 3 server's SQLite file, or its API; without it ~/.prefect/prefect.db."
        ),
    ] = None,
    since: Annotated[
        str | None,
        typer.Option("--since", metavar="WHEN", help="Leave out what ended earlier: 90d, 2026-01-31, monday."),
    ] = None,
    pause_schedules: Annotated[
        bool,
        typer.Option("--pause-schedules", help="Schedules come inactive, and the runs they have planned do not come."),
    ] = False,
) -> int:
    """Bring the whole history of a Prefect server here, with its ids.

    Flows, runs with their states, logs, inputs and artifacts, deployments, work pools, limits, events. The source is
    only read, and may be in use. The same import again brings what is new there, and goes on after an interruption.
    What changed in both places stays as it is here.
    """
    session = Session.of(ctx)
    output, options = session.output, session.options
    session.needs_file("flowctl import prefect")
    from flowctl.ops.imports import work
    from flowctl.server.lock import serving

    moment = None if since is None else _moment(since, output.now)
    reader = _open(session, source, moment, skip_scheduled=pause_schedules)
    try:
        with _target(session) as database, _bars(shown=output.messages.terminal) as progress:
            report = work.run(
                database,
                reader,
                dry_run=options.dry_run,
                pause_schedules=pause_schedules,
                is_alone=serving(database.path) is None,
                progress=progress,
            )
    finally:
        reader.close()
    _tell(session, reader.where, report)
    return 0


def _moment(text: str, now: datetime) -> datetime:
    try:
        return moments.parse_moment(text, now)
    except ValueError as error:
        raise Invalid(str(error)) from error


def _open(session: Session, source: str | None, since: datetime | None, *, skip_scheduled: bool) -> Source:
    """What to read from.  Raises Invalid, NotFound, Unusable, Unreachable."""
    source = source or os.environ.get("PREFECT_SERVER_DATABASE_CONNECTION_URL")
    source = source or os.environ.get("PREFECT_API_DATABASE_CONNECTION_URL")
    if source and source.startswith(("http://", "https://")):
        from flowctl.cli.api.server import ServerDoor
        from flowctl.ops.imports.server import PrefectServer

        api = ServerDoor(_api_root(source), session.settings)
        return PrefectServer(api, since=since, skip_scheduled=skip_scheduled)
    if source and source.startswith("postgres"):
        raise Invalid(
            "A PostgreSQL database is read through the Prefect server that works on it.",
            remedy="flowctl import prefect http://HOST:4200/api",
        )
    from flowctl.db.queries.imports import PrefectFile

    if source is None:
        path = Path(os.environ.get("PREFECT_HOME") or "~/.prefect").expanduser() / "prefect.db"
        if not path.is_file():
            raise NotFound(
                f"No Prefect server has left a database on this machine: there is no {path}.",
                remedy="flowctl import prefect FILE|URL",
            )
    else:
        path = Path(source.removeprefix("sqlite+aiosqlite:///").removeprefix("sqlite:///")).expanduser()
    return PrefectFile(path, since=since, skip_scheduled=skip_scheduled)


def _api_root(url: str) -> str:
    """The API's address, also when that of the server was given."""
    return url if urlsplit(url).path.strip("/") else url.rstrip("/") + "/api"


@contextmanager
def _target(session: Session) -> Generator[Any]:
    """The database to write to; for a dry run without one an empty one that leaves nothing behind."""
    if not session.options.dry_run or session.database_path.exists():
        session.makes_file = True
        yield session.backend.database
        return
    from flowctl.db.database import Database

    with TemporaryDirectory() as folder:
        database = Database(Path(folder) / "empty.db", session.settings)
        try:
            yield database
        finally:
            database.close()


@contextmanager
def _bars(*, shown: bool) -> Generator[Callable[[Matter, int | None, int], None]]:
    """Give a function that tells of rows done; a bar for each kind appears once the work has taken a while."""
    if not shown:
        yield lambda _matter, _total, _amount: None
        return
    import time

    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description:20}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    progress = Progress(*columns, console=Console(stderr=True), transient=True)
    tasks: dict[str, TaskID] = {}
    started = time.monotonic()

    def advance(matter: Matter, total: int | None, amount: int) -> None:
        if matter.table not in tasks:
            tasks[matter.table] = progress.add_task(matter.label, total=total)
        progress.advance(tasks[matter.table], amount)
        if time.monotonic() - started > PATIENCE_SECONDS:
            progress.start()

    try:
        yield advance
    finally:
        progress.stop()


# -- telling


_COLUMNS = (
    Column("KIND", lambda line: line["kind"]),
    Column("IN SOURCE", lambda line: line["source"], text=lambda line, look: _count(line["source"], look.nothing)),
    Column("NEW", lambda line: line["new"], text=lambda line, _: f"{line['new']:,}"),
    Column("UPDATED", lambda line: line["updated"], text=lambda line, _: f"{line['updated']:,}"),
    Column("SKIPPED", lambda line: line["skipped"], text=lambda line, _: f"{line['skipped']:,}"),
)


def _count(value: int | None, nothing: str) -> str:
    return nothing if value is None else f"{value:,}"


def _tell(session: Session, where: str, report: Report) -> None:
    output, dry_run = session.output, session.options.dry_run
    lines: list[dict[str, Any]] = [
        {
            "kind": matter.label,
            "table": matter.table,
            "source": tally.source,
            "new": tally.new,
            "updated": tally.updated,
            "skipped": tally.skipped,
            "kept": tally.kept,
            "joined": tally.joined,
        }
        for matter, tally in report.tallies.items()
    ]
    if output.format in ("json", "jsonl", "yaml"):
        facts = {
            "source": where,
            "dry_run": dry_run,
            "kinds": lines,
            "left_out": report.left_out,
            "active_schedules": report.schedules_active,
            "active_runs": report.active_runs,
        }
        output.data([facts], single=True)
    elif output.format != "id":
        output.table(_COLUMNS, [line for line in lines if line["source"] or line["new"]])
    new, updated = sum(line["new"] for line in lines), sum(line["updated"] for line in lines)
    verb = "would bring" if dry_run else "brought"
    output.hint(f"{verb} {new:,} new and {updated:,} changed rows from {where}")
    for sentence in _sentences(report):
        output.note(sentence)


def _sentences(report: Report) -> list[str]:
    """What somebody has to know about an import."""
    kept = sum(tally.kept for tally in report.tallies.values())
    joined = sum(tally.joined for tally in report.tallies.values())
    sentences: list[str] = []
    if report.left_out:
        names = ", ".join(f"{name} ({count:,})" for name, count in report.left_out.items())
        sentences.append(f"Left out, as flowctl has no place for them: {names}.")
    if kept:
        sentences.append(f"{counted(kept, 'object')} changed or deleted here: left as it is here.")
    if joined:
        sentences.append(f"{counted(joined, 'object')} with a namesake here, which takes its place.")
    if report.schedules_active:
        sentences.append(
            f"{counted(report.schedules_active, 'active schedule')} may make runs in both places: pause them in "
            "one (`flowctl deployments pause FLOW/DEPLOYMENT`), or import with --pause-schedules."
        )
    if report.active_runs:
        sentences.append(
            f"{counted(report.active_runs, 'run')} under way there: brought as it is there; import again after the end."
        )
    if report.retention_suspended:
        sentences.append(
            "Nothing is deleted by itself here, as these runs have a past: "
            "`flowctl db retention --older-than 90d` changes that."
        )
    return sentences
