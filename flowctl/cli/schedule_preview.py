"""`flowctl deployments schedule preview`: the dates of schedules, across changes of the clock."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import typer

from flowctl.cli import deployments_found as found_in
from flowctl.cli import lookups, moments, schedule_text
from flowctl.cli import schedule_rules as rules
from flowctl.cli.commands import Command
from flowctl.cli.context import Session
from flowctl.cli.deployments_run import parse_future
from flowctl.cli.schedule_text import words
from flowctl.cli.tables import Column
from flowctl.domain.errors import Invalid

app = typer.Typer()

SHORT = 3
_LENGTH = 10

_PREVIEW = """
flowctl deployments schedule preview etl/nightly
flowctl deployments schedule preview --cron '30 2 * * *' --timezone Europe/Berlin --from 2026-03-27 -n 5
flowctl deployments schedule preview etl/nightly --interval 8h -o csv
"""


@app.command("preview", cls=Command, epilog=_PREVIEW)
def preview_schedule(
    ctx: typer.Context,
    deployment: Annotated[
        str,
        typer.Argument(metavar="[FLOW/DEPLOYMENT]", autocompletion=found_in.completion.deployments),
    ] = "",
    which: found_in.Which = "",
    cron: rules.Cron = "",
    interval: rules.Interval = "",
    rrule: rules.RRule = "",
    timezone: rules.Timezone = "",
    anchor: rules.Anchor = "",
    day_or: rules.DayAnd = None,
    number: Annotated[int, typer.Option("--number", "-n", metavar="N", min=1, help="How many.")] = _LENGTH,
    since: Annotated[str, typer.Option("--from", metavar="TIME", help="From this time on (now).")] = "",
) -> None:
    """Show when a schedule, or one that you think of, would make runs; nothing is changed.

    Dates follow the clock of the schedule's time zone; where that is put forward or back, the table says so.
    """
    session = Session.of(ctx)
    now = session.output.now
    start = _moment(since, now) or now
    found = found_in.one(session, deployment) if deployment else None
    entries: list[dict[str, Any]] = found.own["schedules"] if found else []
    if found and (which or len(entries) == 1 or cron or interval or rrule):
        entries = [found_in.entry(found, which)] if which or len(entries) == 1 else []
    before = entries[0]["schedule"] if len(entries) == 1 else None
    rule = rules.rule(cron, interval, rrule, timezone, anchor, day_or, now, before)
    chosen = [(rule, "")] if rule else [(entry["schedule"], words(entry["schedule"])) for entry in entries]
    if not chosen:
        what = f"{found.name} has no schedule." if found else "Which schedule?"
        raise Invalid(what, remedy="name a deployment, or give --cron, --interval or --rrule")
    show(session, chosen, number, start)


def _moment(text: str, now: datetime) -> datetime | None:
    try:
        return parse_future(text, now) if text and text != "now" else None
    except ValueError as error:
        raise Invalid(str(error)) from None


class _Date:
    """One date of a preview."""

    def __init__(self, date: datetime, before: datetime | None, name: str) -> None:
        self.id = date.isoformat()
        self.date = date
        self.name = name
        self.shift = (date.utcoffset() or timedelta()) - ((before or date).utcoffset() or timedelta())

    @property
    def note(self) -> str:
        """What happened to the clock since the date before."""
        minutes = self.shift.total_seconds() / 60
        return f"clock {'forward' if minutes > 0 else 'back'} {moments.duration(abs(minutes) * 60)}" if minutes else ""

    def data(self) -> dict[str, Any]:
        """As JSON has it."""
        return {"date": self.id, "utc": moments.iso(self.id), "schedule": self.name or None, "note": self.note or None}


def show(session: Session, rules: Sequence[tuple[dict[str, Any], str]], number: int, start: datetime) -> None:
    lines: list[_Date] = []
    for rule, name in rules:
        dates = schedule_text.upcoming(rule, start, number)
        before = [None, *dates]
        lines += [_Date(date, earlier, name) for date, earlier in zip(dates, before, strict=False)]
    lines.sort(key=lambda line: line.date.astimezone(UTC))
    lines = lines[:number]
    output = session.output
    if output.wants_data:
        output.data([line.data() for line in lines])
        return
    without = {"" if len(rules) > 1 else "SCHEDULE", "IN" if output.format == "csv" else ""}
    output.table([column for column in _DATES if column.title not in without], lines)
    if not lines:
        output.note("no dates to come")


_DATES = (
    Column("DATE", lambda line: line.id, lambda line, look: _weekday(line.date) if look.terminal else line.id),
    Column("UTC", lambda line: moments.iso(line.id), lambda line, look: _utc(line.date, look.terminal)),
    Column("IN", lambda line: None, lambda line, look: lookups.distance(line.date, look.now)),
    Column("SCHEDULE", lambda line: line.name, cut=True),
    Column("NOTE", lambda line: line.note, lambda line, _look: line.note or " ", style=lambda line: "yellow"),
)


def _weekday(date: datetime) -> str:
    return date.strftime("%a %Y-%m-%d %H:%M:%S %Z")


def _utc(date: datetime, terminal: bool) -> str:
    return date.astimezone(UTC).strftime("%m-%d %H:%M") if terminal else moments.iso(date.isoformat())
