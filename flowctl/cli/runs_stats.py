"""`flowctl runs stats`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer

from flowctl.cli import flags, lookups, moments, statistics
from flowctl.cli.commands import Command
from flowctl.cli.context import Session
from flowctl.domain.errors import Invalid

if TYPE_CHECKING:
    from flowctl.domain.run_statistics import RunFact

app = typer.Typer()

_NONE = "(none)"
_KEYS = {
    "flow": "flow_run.flow_id",
    "deployment": "coalesce(flow_run.deployment_id, '')",
    "state": "coalesce(flow_run.state_name, '')",
    "day": "substr(coalesce(flow_run.start_time, flow_run.expected_start_time), 1, 10)",
}
_STARTED = "coalesce(flow_run.start_time, flow_run.expected_start_time, flow_run.created)"


class RunsSelection(Command):
    """A command on the runs that filters select."""

    flags = (*flags.SELECTION, flags.LISTING[1])


_STATS = """
flowctl runs stats
flowctl runs stats --flow etl --since 30d --by day
flowctl runs stats --tag prod --by deployment -o csv
"""


@app.command("stats", cls=RunsSelection, epilog=_STATS)
def stats(
    ctx: typer.Context,
    by: Annotated[
        str, typer.Option("--by", metavar="flow|deployment|state|day", help="What the runs are counted by (flow).")
    ] = "flow",
) -> None:
    """Count flow runs: how many, how many went well, how long they took, and how that went over time.

    Without --since, --until or --older-than the runs of the last 7 days are counted; --all counts all. Runs that are
    not due yet are counted with an --until in the future only. Durations are of
    runs that have ended; half of them took no longer than P50. OK is the share that completed of all that completed,
    failed or crashed. Days begin at midnight UTC.
    """
    session = Session.of(ctx)
    output, query = session.output, session.query
    if by not in _KEYS:
        raise Invalid(f"{by!r} is not one of {', '.join(_KEYS)}.", remedy="flowctl runs stats --by day")
    if not (query.all or query.since or query.until or query.older_than):
        query.since = statistics.DEFAULT_SINCE
    query.until = query.until or "now"
    query.all, query.sort = True, "start"
    from flowctl.domain.run_statistics import summarize

    facts = list((_on_server if session.is_remote else _in_file)(session, by))
    summaries = summarize(facts, _names(session, by, {fact.key for fact in facts}), _edges(session, facts))
    if by == "day":
        summaries.sort(key=lambda each: each.key)
    found = [asdict(each) for each in summaries]
    for each in found:
        each["last_start"] = moments.iso(each["last_start"].isoformat())
    if output.wants_data:
        output.data(found)
    elif output.format == "id":
        output.lines([each["key"] for each in found])
    else:
        output.table(statistics.columns(by.upper()), found)
        output.hint(_footer(len(facts), query.since))


def _footer(runs: int, since: str | None) -> str:
    span = f" since {since}" if since else ""
    return f"{runs:,} runs{span}" if runs else f"no runs{span}"


def _in_file(session: Session, by: str) -> Iterator[RunFact]:
    """What is counted of each run in the file, the oldest first."""
    from flowctl.cli.run_query import sql
    from flowctl.domain.run_statistics import RunFact

    with session.backend.database.read() as tx:
        where, values = sql(tx.execute, session.query, tx.now)
        columns = f"{_KEYS[by]}, flow_run.state_type, flow_run.run_count, flow_run.total_run_time, {_STARTED}"
        for row in tx.execute(f"SELECT {columns} FROM flow_run {where}", values):
            yield RunFact(*row)


def _on_server(session: Session, by: str) -> Iterator[RunFact]:
    """The same, of the lists of a server."""
    from flowctl.domain.run_statistics import RunFact

    def started(run: dict[str, Any]) -> str:
        return moments.stored(moments.read(run["start_time"] or run["expected_start_time"] or run["created"]))

    keys: dict[str, Callable[[dict[str, Any]], str]] = {
        "flow": lambda run: run["flow_id"],
        "deployment": lambda run: run["deployment_id"] or "",
        "state": lambda run: run["state_name"] or "",
        "day": lambda run: started(run)[:10],
    }
    for run in session.backend.runs.objects(session.query):
        yield RunFact(keys[by](run), run["state_type"], run["run_count"], run["total_run_time"], started(run))


def _names(session: Session, by: str, keys: set[str]) -> dict[str, str]:
    names = {"": _NONE}
    if by == "flow":
        names |= lookups.names(session.api, "flows", keys)
    elif by == "deployment":
        deployments = lookups.by_id(session.api, "deployments", keys)
        flows = lookups.names(session.api, "flows", (each["flow_id"] for each in deployments.values()))
        names |= {id: f"{flows.get(each['flow_id'], '?')}/{each['name']}" for id, each in deployments.items()}
    return names


def _edges(session: Session, facts: list[RunFact]) -> list[str]:
    """The parts of the span in which the runs started."""
    now = session.output.now
    starts = [fact.start for fact in facts]
    begin = moments.read(min(starts)) if starts else now
    if session.query.since:
        begin = moments.parse_moment(session.query.since, now)
    end = max(moments.read(max(starts)) if starts else now, begin) + timedelta(microseconds=1)
    return [_stored(begin, end, part) for part in range(statistics.PARTS + 1)]


def _stored(begin: datetime, end: datetime, part: int) -> str:
    return moments.stored(begin + (end - begin) * part / statistics.PARTS)
