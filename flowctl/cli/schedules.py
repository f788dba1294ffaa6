"""`flowctl deployments schedule ls | add | update | pause | resume | delete | preview`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any

import typer

from flowctl.cli import deployments_found as found_in
from flowctl.cli import lookups, moments, parameters, schedule_preview, schedule_text
from flowctl.cli import schedule_rules as rules
from flowctl.cli.commands import Command, Group
from flowctl.cli.context import Session
from flowctl.cli.deployments_found import Filters, Found
from flowctl.cli.schedule_text import words, zone
from flowctl.cli.tables import Column
from flowctl.domain.errors import Invalid


class ScheduleGroup(Group):
    """`flowctl deployments schedule`."""

    aliases: Mapping[str, str] = {"list": "ls", "create": "add", "remove": "delete"}


app = typer.Typer()
schedule = typer.Typer(
    cls=ScheduleGroup,
    help="List, add, change and preview the schedules of deployments.",
    epilog="flowctl deployments schedule ls etl/nightly\nflowctl deployments schedule preview --cron '0 3 * * *'",
    rich_markup_mode=None,
)
schedule.add_typer(schedule_preview.app)
app.add_typer(schedule, name="schedule")


_LS = """
flowctl deployments schedule ls
flowctl deployments schedule ls etl/nightly -o json
"""


@schedule.command("ls", cls=Command, epilog=_LS)
def list_schedules(ctx: typer.Context, deployments: found_in.References = None) -> None:
    """List the schedules of deployments, of all if none is named, with the next date of each."""
    session = Session.of(ctx)
    output = session.output
    found = (
        [found_in.one(session, name) for name in deployments] if deployments else found_in.select(session, Filters())
    )
    lines = [_Line(each, entry, output.now) for each in found for entry in each.own["schedules"]]
    if output.wants_data:
        output.data([line.entry for line in lines])
        return
    output.table(_COLUMNS, lines)
    if not lines:
        output.hint("no schedules")


_ADD = """
flowctl deployments schedule add etl/nightly --cron '0 3 * * *' --timezone Europe/Berlin
flowctl deployments schedule add etl/nightly --interval 6h --anchor 2026-01-31T03:00 --slug often
flowctl deployments schedule add etl/nightly --rrule 'FREQ=WEEKLY;BYDAY=MO' --param full=true
"""


@schedule.command("add", cls=Command, epilog=_ADD)
def add_schedule(
    ctx: typer.Context,
    deployment: found_in.Reference,
    cron: rules.Cron = "",
    interval: rules.Interval = "",
    rrule: rules.RRule = "",
    timezone: rules.Timezone = "",
    anchor: rules.Anchor = "",
    day_or: rules.DayAnd = None,
    param: parameters.Pairs = None,
    params_file: parameters.File = "",
    slug: rules.Slug = "",
    max_scheduled_runs: rules.Ahead = None,
    paused: Annotated[bool, typer.Option("--paused", help="Do not make runs yet.")] = False,
) -> None:
    """Add a schedule to a deployment, with parameters of its own if you like."""
    session = Session.of(ctx)
    output = session.output
    found = found_in.one(session, deployment)
    rule = rules.rule(cron, interval, rrule, timezone, anchor, day_or, output.now)
    if rule is None:
        raise Invalid("Which schedule?", remedy="give --cron, --interval or --rrule")
    if slug and any(entry["slug"] == slug for entry in found.own["schedules"]):
        raise Invalid(f"{found.name} has a schedule {slug!r} already.", remedy="flowctl deployments schedule update")
    body: dict[str, Any] = {"schedule": rule, "active": not paused}
    if values := _parameters(found, param, params_file):
        body["parameters"] = values
    if slug:
        body["slug"] = slug
    if max_scheduled_runs is not None:
        body["max_scheduled_runs"] = max_scheduled_runs
    if session.options.dry_run:
        output.note(f"would add {words(rule)} {zone(rule)} to {found.name}")
        schedule_preview.show(session, [(rule, "")], schedule_preview.SHORT, output.now)
        return
    (made,) = session.api.post(f"/deployments/{found.id}/schedules", [body])
    if output.wants_data or output.format == "id":
        output.data([made], single=True)
    else:
        output.lines([f"{lookups.short(made['id'], output.look)}  {schedule_text.describe(made, output.look)}"])


_UPDATE = """
flowctl deployments schedule update etl/nightly --cron '30 3 * * *'
flowctl deployments schedule update etl/nightly often --interval 4h --param full=false
"""


@schedule.command("update", cls=Command, epilog=_UPDATE)
def update_schedule(
    ctx: typer.Context,
    deployment: found_in.Reference,
    which: found_in.Which = "",
    cron: rules.Cron = "",
    interval: rules.Interval = "",
    rrule: rules.RRule = "",
    timezone: rules.Timezone = "",
    anchor: rules.Anchor = "",
    day_or: rules.DayAnd = None,
    param: parameters.Pairs = None,
    params_file: parameters.File = "",
    slug: rules.Slug = "",
    max_scheduled_runs: rules.Ahead = None,
) -> None:
    """Change a schedule, named by its id or slug unless it is the only one; what is not given stays."""
    session = Session.of(ctx)
    output = session.output
    found = found_in.one(session, deployment)
    entry = found_in.entry(found, which)
    rule = rules.rule(cron, interval, rrule, timezone, anchor, day_or, output.now, entry["schedule"])
    # Parameters that are not sent are emptied, so they always are.
    body: dict[str, Any] = {"parameters": {**entry["parameters"], **_parameters(found, param, params_file)}}
    changed = body["parameters"] != entry["parameters"]
    for name, value in (("schedule", rule), ("slug", slug or None), ("max_scheduled_runs", max_scheduled_runs)):
        if value is not None:
            body[name], changed = value, True
    if not changed:
        raise Invalid("Nothing to change.", remedy="flowctl deployments schedule update --help")
    after = {**entry, **body}
    if session.options.dry_run:
        output.note(f"would make it: {schedule_text.describe(after, output.messages)}")
        schedule_preview.show(session, [(after["schedule"], "")], schedule_preview.SHORT, output.now)
        return
    session.api.call("PATCH", f"/deployments/{found.id}/schedules/{entry['id']}", body)
    output.hint(f"{found.name}: {schedule_text.describe(after, output.messages)}")
    if output.wants_data:
        output.data([after], single=True)


_PAUSE = "flowctl deployments schedule pause etl/nightly often"


@schedule.command("pause", cls=Command, epilog=_PAUSE)
def pause_schedule(ctx: typer.Context, deployment: found_in.Reference, which: found_in.Which = "") -> None:
    """Pause one schedule of a deployment; the others go on."""
    _set_active(Session.of(ctx), deployment, which, active=False)


_RESUME = "flowctl deployments schedule resume etl/nightly often"


@schedule.command("resume", cls=Command, epilog=_RESUME)
def resume_schedule(ctx: typer.Context, deployment: found_in.Reference, which: found_in.Which = "") -> None:
    """Let a paused schedule of a deployment make runs again."""
    _set_active(Session.of(ctx), deployment, which, active=True)


_DELETE = """
flowctl deployments schedule delete etl/nightly often
flowctl deployments schedule delete etl/nightly --all --dry-run
"""


@schedule.command("delete", cls=Command, epilog=_DELETE)
def delete_schedule(
    ctx: typer.Context,
    deployment: found_in.Reference,
    which: found_in.Which = "",
    every: Annotated[bool, typer.Option("--all", help="All schedules of the deployment.")] = False,
) -> int:
    """Delete a schedule with the runs that it has made and that have not started."""
    return _delete(Session.of(ctx), deployment, which, every=every)


_CLEAR = """
flowctl deployments schedule clear etl/nightly --dry-run
"""


@schedule.command("clear", cls=Command, epilog=_CLEAR, hidden=True)
def clear_schedules(ctx: typer.Context, deployment: found_in.Reference) -> int:
    """Delete all schedules of a deployment: Prefect's spelling of `schedule delete --all`."""
    return _delete(Session.of(ctx), deployment, "", every=True)


def _delete(session: Session, deployment: str, which: str, *, every: bool) -> int:
    output = session.output
    found = found_in.one(session, deployment)
    if every and which:
        raise Invalid("Name a schedule or give --all, not both.")
    entries: list[dict[str, Any]] = found.own["schedules"] if every else [found_in.entry(found, which)]
    told = ", ".join(words(entry["schedule"]) for entry in entries) or "no schedules"
    if session.options.dry_run:
        output.note(f"would delete of {found.name}: {told}")
    elif not output.confirm(f"Delete of {found.name}: {told}?"):
        output.note("Nothing was deleted.")
        return 1
    else:
        for entry in entries:
            session.api.call("DELETE", f"/deployments/{found.id}/schedules/{entry['id']}")
        output.note(f"deleted {len(entries)} schedule{'' if len(entries) == 1 else 's'}")
    if output.wants_data or output.format == "id":
        output.data([{"id": entry["id"]} for entry in entries])
    return 0


def _set_active(session: Session, reference: str, which: str, *, active: bool) -> None:
    found = found_in.one(session, reference)
    entry, output = found_in.entry(found, which), session.output
    if session.options.dry_run:
        output.note(f"would {'resume' if active else 'pause'} {words(entry['schedule'])} of {found.name}")
    else:
        body = {"active": active, "parameters": entry["parameters"]}
        session.api.call("PATCH", f"/deployments/{found.id}/schedules/{entry['id']}", body)
        output.hint(f"{words(entry['schedule'])} of {found.name} is {'active' if active else 'paused'}")
    if output.wants_data:
        output.data([{**entry, "active": active}], single=True)


def _parameters(found: Found, pairs: Sequence[str] | None, file: str) -> dict[str, Any]:
    schema: dict[str, Any] = found.own["parameter_openapi_schema"] or {}
    values = parameters.collect(pairs, file, schema=schema)
    if values and found.own["enforce_parameter_schema"]:
        parameters.check(values, {**schema, "required": []} if schema else None, of=found.name)
    return values


class _Line:
    """One schedule of a deployment in the table."""

    def __init__(self, found: Found, entry: dict[str, Any], now: datetime) -> None:
        self.found = found
        self.entry = entry
        self.id: str = entry["id"]
        self.is_active = bool(entry["active"]) and not found.own["paused"]
        dates = schedule_text.upcoming(entry["schedule"], now, 1) if self.is_active else []
        self.next: str | None = dates[0].isoformat() if dates else None

    @property
    def status(self) -> str:
        """`active`, `paused`, or paused with the whole deployment."""
        if self.is_active:
            return "active"
        return "deployment paused" if self.entry["active"] else "paused"


_COLUMNS = (
    Column("ID", lambda line: line.id, lambda line, look: lookups.short(line.id, look)),
    Column("DEPLOYMENT", lambda line: line.found.name, cut=True),
    Column("SCHEDULE", lambda line: words(line.entry["schedule"]), cut=True),
    Column("TIMEZONE", lambda line: zone(line.entry["schedule"]), spare=True),
    Column("STATUS", lambda line: line.status, style=lambda line: "" if line.is_active else "yellow"),
    Column(
        "NEXT",
        lambda line: line.next and moments.iso(line.next),
        lambda line, look: lookups.clock(line.next, look),
    ),
    Column("SLUG", lambda line: line.entry["slug"], cut=True, spare=True),
    Column("PARAMETERS", lambda line: line.entry["parameters"] or None, cut=True, spare=True),
)
