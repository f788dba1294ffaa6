"""`flowctl deployments ls | show | pause | resume`."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from flowctl.cli import deployments_found as found_in
from flowctl.cli import lookups, moments, run_table
from flowctl.cli.commands import Command
from flowctl.cli.context import Session
from flowctl.cli.deployments_found import Filters, Found
from flowctl.cli.output import Output
from flowctl.cli.remote import run_lines
from flowctl.cli.schedule_text import describe
from flowctl.cli.tables import Column, block, plain

app = typer.Typer()

_DEFAULT_LIMIT = 50
_LAST_RUNS = 5
_NEXT_RUNS = 3

_LS = """
flowctl deployments ls
flowctl deployments ls --flow etl --active
flowctl deployments ls --pool gpu --tag prod -o csv
"""


@app.command("ls", cls=Command, epilog=_LS)
def list_deployments(
    ctx: typer.Context,
    flow: found_in.Flows = None,
    tag: found_in.Tags = None,
    name: found_in.Name = "",
    pool: found_in.Pools = None,
    paused: found_in.Paused = None,
    limit: Annotated[int, typer.Option("--limit", metavar="N", min=1, help="At most so many.")] = _DEFAULT_LIMIT,
    every: Annotated[bool, typer.Option("--all", help="No limit.")] = False,
) -> None:
    """List deployments with their schedules and the next run of each, by name."""
    session = Session.of(ctx)
    output = session.output
    found = found_in.select(session, Filters(flows=flow, tags=tag, name=name, pools=pool, paused=paused))
    shown = found if every else found[:limit]
    lines = _lines(session, shown)
    if output.wants_data:
        output.data([line.data() for line in lines])
        return
    output.table(_COLUMNS, lines)
    more = len(found) > len(shown)
    count = f"{'the first ' if more else ''}{len(shown):,} deployment{'' if len(shown) == 1 else 's'}"
    rest = f" of {len(found):,} · --all shows the rest" if more else ""
    output.hint(f"{count}{rest}" if found else "no deployments")


_SHOW = """
flowctl deployments show etl/nightly
flowctl deployments show etl/nightly --fields parameters,schedules
"""


@app.command("show", cls=Command, epilog=_SHOW)
def show_deployment(ctx: typer.Context, deployment: found_in.Reference) -> None:
    """Show everything about a deployment: its schedules, limits, parameters, where it runs, and its runs."""
    session = Session.of(ctx)
    output = session.output
    found = found_in.one(session, deployment)
    if output.wants_data or output.format in {"id", "csv"}:
        output.data([found.own], single=True)
        return
    coming = found_in.scheduled(session, [found.id], limit=_NEXT_RUNS)
    output.pairs([(name, value) for name, value in _pairs(found, coming, output) if value])
    body = {"flow_runs": {"deployment_id": {"any_": [found.id]}, "start_time": {"before_": output.now.isoformat()}}}
    last = session.api.all("/flow_runs/filter", {**body, "sort": "START_TIME_DESC"}, limit=_LAST_RUNS)
    if last:
        output.text("\n")
        output.table(run_table.COLUMNS, run_lines.lines(session.api, last))


_PAUSE = """
flowctl deployments pause etl/nightly
flowctl deployments pause etl/nightly report/weekly
flowctl deployments pause --flow etl
"""


@app.command("pause", cls=Command, epilog=_PAUSE)
def pause(
    ctx: typer.Context,
    deployments: found_in.References = None,
    flow: found_in.Flows = None,
    tag: found_in.Tags = None,
    name: found_in.Name = "",
    pool: found_in.Pools = None,
) -> None:
    """Pause deployments: their schedules make no runs, and those that were waiting for their time are deleted."""
    filters = Filters(flows=flow, tags=tag, name=name, pools=pool)
    _set_paused(Session.of(ctx), deployments, filters, paused=True)


_RESUME = """
flowctl deployments resume etl/nightly
flowctl deployments resume --tag prod
"""


@app.command("resume", cls=Command, epilog=_RESUME)
def resume(
    ctx: typer.Context,
    deployments: found_in.References = None,
    flow: found_in.Flows = None,
    tag: found_in.Tags = None,
    name: found_in.Name = "",
    pool: found_in.Pools = None,
) -> None:
    """Let the schedules of paused deployments make runs again."""
    filters = Filters(flows=flow, tags=tag, name=name, pools=pool)
    _set_paused(Session.of(ctx), deployments, filters, paused=False)


def _set_paused(session: Session, references: list[str] | None, filters: Filters, *, paused: bool) -> None:
    verb = "pause" if paused else "resume"
    chosen = found_in.choose(session, references, filters, what=f"deployments {verb}")
    output = session.output
    for found in chosen:
        if session.options.dry_run:
            output.note(f"would {verb} {found.name}")
            continue
        session.api.post(f"/deployments/{found.id}/{verb}_deployment")
        output.hint(f"{found.name} is {'paused' if paused else 'active'}")
    if output.wants_data:
        output.data([{**found.own, "paused": paused} for found in chosen])
    elif not chosen:
        output.note("no deployments")


class _Line:
    """What a table shows of one deployment."""

    def __init__(self, found: Found, next_run: str | None) -> None:
        self.found = found
        self.id = found.id
        self.next_run = next_run

    def data(self) -> dict[str, Any]:
        """As JSON has it."""
        own = self.found.own
        return {
            "id": self.id,
            "name": self.found.name,
            "paused": own["paused"],
            "status": own["status"],
            "tags": own["tags"],
            "schedules": self.found.active_schedules,
            "work_pool_name": own["work_pool_name"],
            "next_run": self.next_run and moments.iso(self.next_run),
        }


def _lines(session: Session, shown: list[Found]) -> list[_Line]:
    """Deployments with their next runs: one question for most, and one for each that other runs have crowded out."""
    ids = [found.id for found in shown]
    following: dict[str, str] = {}
    runs = found_in.scheduled(session, ids, limit=_PAGE)
    for run in runs:
        following.setdefault(run["deployment_id"], run["next_scheduled_start_time"])
    if len(runs) == _PAGE:
        for id in ids:
            if id not in following and (first := found_in.scheduled(session, [id], limit=1)):
                following[id] = first[0]["next_scheduled_start_time"]
    return [_Line(found, following.get(found.id)) for found in shown]


_PAGE = 200


def _pairs(found: Found, coming: list[dict[str, Any]], output: Output) -> list[tuple[str, str]]:
    own, look = found.own, output.look
    limit = own["global_concurrency_limit"]
    options: dict[str, Any] = own["concurrency_options"] or {}
    schema: dict[str, Any] = own["parameter_openapi_schema"] or {}
    fields: dict[str, Any] = schema.get("properties") or {}
    version, polled = own["version"] or "", own["last_polled"]
    return [
        ("name", look.paint(found.name, "bold")),
        ("id", found.id),
        ("status", found.status),
        ("description", own["description"] or ""),
        ("version", version[:12] if look.terminal else version),
        ("tags", plain(own["tags"])),
        ("entrypoint", own["entrypoint"] or ""),
        ("path", own["path"] or ""),
        ("work pool", "/".join(filter(None, [own["work_pool_name"], own["work_queue_name"]]))),
        ("last polled", lookups.clock(polled, look)),
        ("limit", _limit(limit, options)),
        ("schedules", "\n".join(describe(schedule, look) for schedule in own["schedules"])),
        ("next", "\n".join(_coming(run, output) for run in coming)),
        ("takes", "\n".join(_parameter(name, field, own) for name, field in fields.items())),
        ("parameters", block(own["parameters"])),
        ("job variables", block(own["job_variables"])),
        ("labels", block(own["labels"])),
        ("created", lookups.clock(own["created"], look)),
        ("updated", lookups.clock(own["updated"], look)),
    ]


def _limit(limit: dict[str, Any] | None, options: dict[str, Any]) -> str:
    if not limit:
        return ""
    strategy = {"ENQUEUE": "others wait", "CANCEL_NEW": "others are cancelled"}.get(
        options.get("collision_strategy", ""), ""
    )
    rest = f"; {strategy}" if strategy else ""
    return f"{limit['active_slots']} of {limit['limit']} runs at once{rest}"


def _coming(run: dict[str, Any], output: Output) -> str:
    due = run["next_scheduled_start_time"] or run["expected_start_time"]
    when = f" ({lookups.distance(moments.read(due), output.now)})" if output.look.terminal else ""
    return f"{lookups.clock(due, output.look)}{when}  {run['name']}"


def _parameter(name: str, field: dict[str, Any], own: dict[str, Any]) -> str:
    import json

    kinds = [str(each.get("type", "any")) for each in field.get("anyOf") or field.get("allOf") or [field]]
    required = name in (own["parameter_openapi_schema"].get("required") or ())
    default = f" = {json.dumps(field['default'], ensure_ascii=False)}" if "default" in field else ""
    return f"{name}: {'|'.join(kinds)}{default}{' (required)' if required else ''}"


_COLUMNS = (
    Column("ID", lambda line: line.id, lambda line, look: lookups.short(line.id, look)),
    Column("NAME", lambda line: line.found.name, cut=True),
    Column("STATUS", lambda line: line.found.status, style=lambda line: "yellow" if line.found.own["paused"] else ""),
    Column("SCHEDULES", lambda line: line.found.active_schedules),
    Column(
        "NEXT RUN",
        lambda line: line.next_run and moments.iso(line.next_run),
        lambda line, look: lookups.clock(line.next_run, look),
    ),
    Column("TAGS", lambda line: plain(line.found.own["tags"]), cut=True, spare=True),
    Column("POOL", lambda line: line.found.own["work_pool_name"], cut=True, spare=True, wide=True),
    Column("ENTRYPOINT", lambda line: line.found.own["entrypoint"], cut=True, spare=True, wide=True),
)
