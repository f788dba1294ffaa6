"""`flowctl db path | init | stats | headroom`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import typer

from flowctl.cli import amounts
from flowctl.cli.commands import Command
from flowctl.cli.context import Session
from flowctl.cli.tables import Column

if TYPE_CHECKING:
    from flowctl.ops.headroom import Headroom
    from flowctl.ops.storage_stats import Stats

app = typer.Typer()

_PATH = """
flowctl db path
sqlite3 "$(flowctl db path)"
"""


@app.command("path", cls=Command, epilog=_PATH)
def path(ctx: typer.Context) -> None:
    """Print the path of the database file that commands use; it need not exist yet."""
    session = Session.of(ctx)
    found = str(session.database_path.absolute())
    if session.output.wants_data:
        session.output.data([{"path": found}], single=True)
    else:
        session.output.lines([found])


_INIT = """
flowctl db init
flowctl db init --db /srv/flowctl.db
"""


@app.command("init", cls=Command, epilog=_INIT)
def init(ctx: typer.Context) -> None:
    """Create the database file, or bring an older one to the present schema; a good one stays as it is."""
    session = Session.of(ctx)
    path = session.database_path.absolute()
    from flowctl.db import copies
    from flowctl.db.migrate import SCHEMA_VERSION

    is_there = path.exists() and path.stat().st_size > 0
    before = copies.schema_version(path) if is_there else None
    what = "exists" if before == SCHEMA_VERSION else "created" if before is None else "upgraded"
    if not session.options.dry_run:
        session.makes_file = True
        assert session.backend.database.path
    facts = {"path": str(path), "schema": SCHEMA_VERSION, "before": before, "result": what}
    if session.output.wants_data:
        session.output.data([facts], single=True)
        return
    dry = "would be " if session.options.dry_run and what != "exists" else ""
    told = {"exists": f"is there already, with schema {SCHEMA_VERSION}", "created": f"{dry}created"}
    session.output.lines([f"{path} {told.get(what, f'{dry}upgraded from schema {before} to {SCHEMA_VERSION}')}"])


_STATS = """
flowctl db stats
flowctl db stats -o json --fields growth_bytes_per_day
"""

_TABLE = (
    Column("TABLE", lambda table: table.name),
    Column("ROWS", lambda table: table.rows, lambda table, _: f"{table.rows:,}"),
    Column("SIZE", lambda table: table.size, lambda table, _: amounts.size(table.size)),
)


@app.command("stats", cls=Command, epilog=_STATS)
def stats(ctx: typer.Context) -> None:
    """Show what takes how much room in the file, runs by state, and how it grows.

    Sizes are those of the tables with their indices. Growth is that of the last 7 whole days.
    """
    session = Session.of(ctx)
    output = session.output
    from flowctl.ops import storage_stats

    with session.backend.database.read() as tx:
        found = storage_stats.read(tx)
    if output.wants_data:
        output.data([_stats_wire(str(session.database_path.absolute()), found)], single=True)
        return
    if output.format == "id":
        output.lines([table.name for table in found.tables])
        return
    if output.format == "csv":
        output.table(_TABLE, found.tables)
        return
    room = found.room
    states = ", ".join(f"{count:,} {name}" for name, count in found.states.items()) or "none"
    pairs = [
        ("file", str(session.database_path)),
        ("size", f"{amounts.size(room.size)}, of which {amounts.size(room.free)} are free inside"),
        ("runs", states),
        ("growth", f"about {amounts.size(found.growth)} a day"),
    ]
    output.pairs(pairs)
    if found.tables:
        output.lines([""])
        output.table(_TABLE, found.tables)
    if found.days:
        output.lines([""])
        output.table(_DAY, found.days)


_DAY = (
    Column("DAY", lambda day: day.day),
    Column("RUNS", lambda day: day.flow_runs, lambda day, _: f"{day.flow_runs:,}"),
    Column("TASK RUNS", lambda day: day.task_runs, lambda day, _: f"{day.task_runs:,}"),
    Column("LOG LINES", lambda day: day.log_lines, lambda day, _: f"{day.log_lines:,}"),
)


def _stats_wire(path: str, found: Stats) -> dict[str, Any]:
    return {
        "path": path,
        "size_bytes": found.room.size,
        "free_bytes": found.room.free,
        "growth_bytes_per_day": found.growth,
        "runs_by_state": found.states,
        "tables": [{"name": each.name, "rows": each.rows, "size_bytes": each.size} for each in found.tables],
        "days": [day._asdict() for day in found.days],
    }


_HEADROOM = """
flowctl db headroom
flowctl db headroom -o json --fields level
"""


@app.command("headroom", cls=Command, epilog=_HEADROOM)
def headroom(ctx: typer.Context) -> None:
    """Say in plain words how near the file is to outgrowing one machine, and what to do then.

    Measures for half a second what this machine does, on a file of its own beside the database.
    """
    session = Session.of(ctx)
    from flowctl.ops import headroom as op

    found = op.read(session.backend.database)
    if session.output.wants_data:
        session.output.data([_headroom_wire(found)], single=True)
    else:
        session.output.pairs(_headroom_words(found))
        session.output.lines(["", *_advice(found)])


def _headroom_words(found: Headroom) -> list[tuple[str, str]]:
    from flowctl.ops.headroom import COMFORTABLE_SIZE, level

    speed = found.speed
    size = f"{amounts.size(found.size)} of the {amounts.size(COMFORTABLE_SIZE)} that one file is comfortable with"
    if found.busiest is None:
        rate = "nothing ran in the last 7 days"
    else:
        rate = (
            f"{found.rate:.1f} state changes a second in the busiest minute of the last 7 days\n"
            f"({found.busiest} UTC); this machine commits about {speed.commits:,.0f}"
        )
    commit = f"{speed.commit_seconds * 1000:.1f} ms for a state change, {speed.lock_seconds * 1000:.1f} ms for the lock"
    disk = f"{amounts.size(found.disk_free)} free"
    if found.disk_days is not None:
        disk += f", enough for {_days(found.disk_days)}\nat {amounts.size(found.growth)} a day"
    return [
        ("size", f"{level(found.size_part)}: {size}"),
        ("writes", f"{level(found.rate_part)}: {rate}"),
        ("commit", commit),
        ("disk", f"{level(found.disk_part)}: {disk}"),
    ]


def _days(days: float) -> str:
    return "more than 10 years" if days > 3650 else f"{days / 365:.1f} years" if days > 730 else f"{days:,.0f} days"


def _advice(found: Headroom) -> list[str]:
    lines = {
        "plenty": ["One machine is plenty for this file."],
        "fine": ["One machine is fine for this file; look again in some months."],
        "near": ["This file is near what one machine does well. Plan the move while it is easy."],
        "outgrown": ["This file has outgrown one machine."],
    }[found.level]
    if found.disk_part >= 0.5:
        lines.append("The disk is filling up: `flowctl db prune --older-than 30d`, then `flowctl db vacuum`.")
    if found.level in {"near", "outgrown"}:
        lines += [
            "First see what need not be kept: `flowctl db prune --older-than 30d --dry-run`.",
            "Then move: a Prefect server on PostgreSQL (`prefect server start` with",
            "PREFECT_API_DATABASE_CONNECTION_URL=postgresql+asyncpg://…) takes over the API, flows stay as they are;",
            "Dask or Ray spread the tasks of a run over machines, Kubernetes workers the runs.",
        ]
    return lines


def _headroom_wire(found: Headroom) -> dict[str, Any]:
    return {
        "level": found.level,
        "size_bytes": found.size,
        "size_part": round(found.size_part, 4),
        "growth_bytes_per_day": found.growth,
        "busiest_minute": found.busiest,
        "state_changes_per_second": round(found.rate, 2),
        "state_changes_per_second_possible": round(found.speed.commits),
        "rate_part": round(found.rate_part, 4),
        "commit_seconds": round(found.speed.commit_seconds, 6),
        "lock_seconds": round(found.speed.lock_seconds, 6),
        "disk_free_bytes": found.disk_free,
        "disk_days": None if found.disk_days is None else round(found.disk_days, 1),
        "advice": _advice(found),
    }
