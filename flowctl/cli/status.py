"""`flowctl status`: the database, the server with its services, and what runs and will run, on one screen."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import typer

from flowctl.cli import amounts, moments
from flowctl.cli.context import Session
from flowctl.cli.output import Output

if TYPE_CHECKING:
    from flowctl.cli.results import NextRun, Status

EXAMPLES = """
flowctl status
flowctl status --json
watch -n 5 flowctl status
"""


def status(ctx: typer.Context) -> None:
    """Show how the database, the server, its services and the runs are, on one screen."""
    session = Session.of(ctx)
    output = session.output
    found = session.backend.status()
    if output.wants_data:
        output.data([found.wire()], single=True)
        return
    rows: list[tuple[str, str]] = []
    if found.database is not None:
        rows.append(("database", _database(found.database)))
    if found.free is not None:
        rows.append(("disk", f"{amounts.size(found.free)} free"))
    rows.append(("server", _server_line(found.server)))
    if found.server is not None and (services := found.server.get("services")):
        rows.append(("services", _services(services, output)))
    rows.append(("runs", _runs(found)))
    rows.append(("next", "\n".join(_next(run, output) for run in found.next_runs) or output.look.nothing))
    output.pairs(rows)


def _database(database: dict[str, Any]) -> str:
    line = f"{database['path']}  {amounts.size(database['size_bytes'])}"
    changes = database.get("wal_size_bytes")
    return line if changes is None else f"{line}, log of changes {amounts.size(changes)}"


def _server_line(server: dict[str, Any] | None) -> str:
    if server is None:
        return "none runs on this database"
    parts = [server["url"], f"process {server['pid']}" if "pid" in server else "", server.get("version", "")]
    line = "  ".join(part for part in parts if part)
    return line if server["message"] == "OK" else f"{line}  {server['message']}"


def _services(services: dict[str, dict[str, Any]], output: Output) -> str:
    """A line for each service: when it last ran, what it has done, and what is wrong with it."""
    width = max(map(len, services))
    lines: list[str] = []
    for name, each in services.items():
        tick = each["last_tick"]
        line = f"{name:{width}}  "
        line += f"{moments.age((output.now - moments.read(tick)).total_seconds())} ago" if tick else "not yet"
        if each["done"]:
            line += f", {each['done']:,} done"
        if each["failures"]:
            line += output.look.paint(f", failed {each['failures']} times: {each['last_error']}", "red")
        lines.append(line)
    return "\n".join(lines)


def _runs(found: Status) -> str:
    counts = [f"{count:,} {state}" for state, count in found.runs.items() if count]
    return ", ".join(counts) or "none that is not over"


def _next(run: NextRun, output: Output) -> str:
    at = moments.clock(moments.read(run.at), output.now, utc=output.options.utc)
    what = f"{run.flow}/{run.deployment}" if run.deployment else run.flow
    return f"{at}  {what}  {run.name}"
