"""`flowctl deployments run | next`."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer

from flowctl.cli import deployments_found as found_in
from flowctl.cli import lookups, moments, parameters, run_table, schedule_text, waiting
from flowctl.cli.commands import Command
from flowctl.cli.context import Session
from flowctl.cli.deployments_found import Filters, Found
from flowctl.cli.tables import Column
from flowctl.domain.errors import Invalid

if TYPE_CHECKING:
    from flowctl.cli.output import Output
    from flowctl.cli.results import Moment

app = typer.Typer()

_NEXT = 10

_RUN = """
flowctl deployments run etl/nightly --param day=2026-01-31 --wait
flowctl deployments run etl/nightly --in 10m --tag backfill
flowctl deployments run etl/nightly --params-file params.json --watch
"""


@app.command("run", cls=Command, epilog=_RUN)
def run_deployment(
    ctx: typer.Context,
    deployment: found_in.Reference,
    param: parameters.Pairs = None,
    params_file: parameters.File = "",
    params: parameters.Text = "",
    at: Annotated[
        str, typer.Option("--at", "--start-at", metavar="TIME", help="When: 14:30 (the next), 2026-01-31T10:00 …")
    ] = "",
    after: Annotated[
        str, typer.Option("--in", "--start-in", metavar="TIME", help="When: this long from now, 10m.")
    ] = "",
    tag: Annotated[list[str] | None, typer.Option("--tag", metavar="TAG", help="A tag more for this run.")] = None,
    job_variable: Annotated[
        list[str] | None,
        typer.Option("--job-variable", "-jv", metavar="K=V", help="A job variable for this run, JSON or text."),
    ] = None,
    name: Annotated[str, typer.Option("--name", "--flow-run-name", metavar="NAME", help="Name of the run.")] = "",
    wait: Annotated[bool, typer.Option("--wait", help="Wait until it has ended; the exit code tells how.")] = False,
    watch: Annotated[bool, typer.Option("--watch", help="As --wait, and print each state.")] = False,
    timeout: Annotated[
        str,
        typer.Option("--timeout", "--watch-timeout", metavar="TIME", help="Give up waiting after this long: code 124."),
    ] = "",
) -> int:
    """Make a run of a deployment, now or later, with other parameters if you like.

    Parameters are checked with the flow's own schema before anything is made. With --wait or --watch the exit code is
    that of `runs wait`: 0 Completed, 10 Failed, 11 Crashed, 12 Cancelled, 13 Paused, 124 timed out.
    """
    session = Session.of(ctx)
    output = session.output
    seconds = waiting.parse_timeout(timeout)
    due = _due(at, after, output.now)
    found = found_in.one(session, deployment)
    schema: dict[str, Any] = found.own["parameter_openapi_schema"] or {}
    values = parameters.collect(param, params_file, params, schema=schema)
    if found.own["enforce_parameter_schema"]:
        parameters.check({**found.own["parameters"], **values}, schema, of=found.name)
    state: dict[str, Any] = {"type": "SCHEDULED", "name": "Scheduled"}
    if due:
        state["state_details"] = {"scheduled_time": due.isoformat()}
    body: dict[str, Any] = {"state": state, "parameters": values, "tags": tag or []}
    if name:
        body["name"] = name
    if job_variable:
        body["job_variables"] = parameters.collect(job_variable)
    if session.options.dry_run:
        when = f"at {moments.clock(due, output.now, utc=output.options.utc, precise=True)}" if due else "now"
        output.note(f"would make a run of {found.name} {when}")
        if output.wants_data:
            output.data([body], single=True)
        return 0
    run = session.api.post(f"/deployments/{found.id}/create_flow_run", body)
    waits = wait or watch
    if waits or not (output.wants_data or output.format in {"id", "csv"}):
        _tell(session, run, found, due)
    if not waits:
        if output.wants_data or output.format in {"id", "csv"}:
            output.data([run], single=True)
        return 0
    return _wait(session, run["id"], seconds, watch=watch)


_NEXT_EXAMPLES = """
flowctl deployments next
flowctl deployments next 20
flowctl deployments next etl/nightly 5 -o json
"""


@app.command("next", cls=Command, epilog=_NEXT_EXAMPLES)
def next_runs(
    ctx: typer.Context,
    what: Annotated[
        list[str] | None,
        typer.Argument(metavar="[FLOW/DEPLOYMENT...] [N]", autocompletion=found_in.completion.deployments),
    ] = None,
    limit: Annotated[
        int, typer.Option("--limit", min=1, metavar="N", help="So many runs, also as last argument.")
    ] = _NEXT,
) -> None:
    """Show the runs that deployments will make next: those that are made already, and those that schedules will make.

    Without a deployment, of all of them.
    """
    session = Session.of(ctx)
    output = session.output
    words = list(what or ())
    limit = int(words.pop()) if words and words[-1].isdecimal() else limit
    if limit < 1:
        raise Invalid("0 is less than 1.")
    deployments = [found_in.one(session, word) for word in words] if words else found_in.select(session, Filters())
    lines = _coming(session, deployments, limit)
    if output.wants_data:
        output.data([line.data() for line in lines])
        return
    output.table([column for column in _COLUMNS if output.format != "csv" or column.title != "IN"], lines)
    paused = sum(found.own["paused"] for found in deployments)
    parts = ["" if lines else "no runs to come", f"{paused:,} deployment{'s' * (paused != 1)} paused" if paused else ""]
    if any(parts):
        output.hint(" · ".join(part for part in parts if part))


class Coming:
    """A run to come.

    id  None as long as only the schedule knows of it
    """

    def __init__(self, found: Found, at: datetime, *, run: dict[str, Any] | None = None, schedule: str = "") -> None:
        self.found = found
        self.at = at
        self.id: str | None = run["id"] if run else None
        self.run_name: str | None = run["name"] if run else None
        self.state: str | None = run["state_name"] if run else None
        by_schedule = schedule or ("schedule" if run and run["auto_scheduled"] else "")
        self.made_by = by_schedule or "request"

    def data(self) -> dict[str, Any]:
        """As JSON has it."""
        return {
            "id": self.id,
            "deployment": self.found.name,
            "deployment_id": self.found.id,
            "at": moments.iso(self.at.isoformat()),
            "name": self.run_name,
            "state": self.state,
            "by": self.made_by,
        }


def _coming(session: Session, deployments: list[Found], limit: int) -> list[Coming]:
    """The next runs, made or to be made; of a deployment, dates count from the last run that its schedules made."""
    by_id = {found.id: found for found in deployments}
    lines: list[Coming] = []
    last: dict[str, datetime] = {}
    for start in range(0, len(deployments), 100):
        ids = [found.id for found in deployments[start : start + 100]]
        for run in found_in.scheduled(session, ids, limit=None if len(ids) == 1 else 2000):
            at = moments.read(run["next_scheduled_start_time"] or run["expected_start_time"])
            lines.append(Coming(by_id[run["deployment_id"]], at, run=run))
            if run["auto_scheduled"]:
                last[run["deployment_id"]] = max(at, last.get(run["deployment_id"], at))
    now = session.output.now
    for found in deployments:
        begin = last.get(found.id, now)
        for entry in found.own["schedules"] if not found.own["paused"] else ():
            if entry["active"]:
                dates = schedule_text.upcoming(entry["schedule"], begin + timedelta(microseconds=1), limit)
                text = schedule_text.words(entry["schedule"])
                lines += [Coming(found, date.astimezone(UTC), schedule=text) for date in dates]
    lines.sort(key=lambda line: (line.at, line.found.name))
    return lines[:limit]


def _due(at: str, after: str, now: datetime) -> datetime | None:
    """When a run is due; None: now.  Raises Invalid."""
    if at and after:
        raise Invalid("Give --at or --in, not both.")
    try:
        if after:
            return now + timedelta(seconds=moments.parse_duration(after.removeprefix("in ")))
        if not at or at == "now":
            return None
        return parse_future(at, now)
    except (ValueError, OverflowError) as error:
        raise Invalid(str(error)) from None


def parse_future(text: str, now: datetime) -> datetime:
    """The UTC time that `14:30` (the next one), `tomorrow` or an ISO time names; without a zone it is local.

    Raises ValueError.
    """
    local = now.astimezone()
    word = text.strip().lower()
    if word == "tomorrow":
        midnight = local.replace(hour=0, minute=0, second=0, microsecond=0, tzinfo=None)
        return (midnight + timedelta(days=1)).astimezone(UTC)
    hour, colon, _ = word.partition(":")
    try:
        if colon and hour.isdigit() and len(hour) <= 2:
            time = datetime.fromisoformat(f"{local.date().isoformat()}T{word:0>5}")
            found = time.astimezone(UTC)
            return found if found > now else (time + timedelta(days=1)).astimezone(UTC)
        return datetime.fromisoformat(text.strip()).astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError(f"{text!r} is not a time; write it like 14:30, tomorrow or 2026-01-31T10:00.") from None


def _tell(session: Session, run: dict[str, Any], found: Found, due: datetime | None) -> None:
    """Say that the run was made, and where it can be seen."""
    output = session.output
    when = ""
    if due and due > output.now:
        when = f" for {lookups.clock(due.isoformat(), output.look)} ({lookups.distance(due, output.now)})"
    lines = [f"{run['name']} ({lookups.short(run['id'], output.look)}) of {found.name} is scheduled{when}"]
    if url := lookups.page_url(session, f"/runs/flow-run/{run['id']}"):
        lines.append(url)
    if output.wants_data or output.format in {"id", "csv"}:
        for line in lines:
            output.hint(line)
    else:
        output.lines(lines)


def _wait(session: Session, id: str, seconds: float | None, *, watch: bool) -> int:
    output = session.output
    told: list[str | None] = []

    def changed(moment: Moment) -> None:
        if watch and told[-1:] != [moment.state_name]:
            told.append(moment.state_name)
            _write_state(output, moment)

    waited = waiting.wait(session, [id], timeout=seconds, seen=changed)
    waiting.report(session, waited, [id])
    if output.wants_data or output.format in {"id", "csv"}:
        output.data([session.api.get(f"/flow_runs/{id}")], single=True)
    elif not watch:
        output.lines([waiting.line(moment, output.look) for moment in waited.ended.values() if moment])
    return waited.code([id])


def _write_state(output: Output, moment: Moment) -> None:
    if not output.wants_data and output.format not in {"id", "csv"}:
        now = moments.now()
        output.write(f"{moments.clock(now, now, utc=output.options.utc)}  {waiting.line(moment, output.look)}\n")


_COLUMNS = (
    Column(
        "TIME",
        lambda line: moments.iso(line.at.isoformat()),
        lambda line, look: lookups.clock(line.at.isoformat(), look),
    ),
    Column("IN", lambda line: None, lambda line, look: lookups.distance(line.at, look.now)),
    Column("DEPLOYMENT", lambda line: line.found.name, cut=True),
    Column("RUN", lambda line: line.run_name, cut=True),
    Column(
        "ID",
        lambda line: line.id,
        lambda line, look: lookups.short(line.id or "", look),
    ),
    Column(
        "STATE",
        lambda line: line.state,
        style=lambda line: run_table.state_style("SCHEDULED") if line.state == "Late" else "",
        spare=True,
    ),
    Column("BY", lambda line: line.made_by, cut=True, spare=True),
)
