"""`flowctl deployments update | delete`."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from flowctl.cli import deployments_found as found_in
from flowctl.cli import parameters
from flowctl.cli.commands import Command
from flowctl.cli.context import Session
from flowctl.cli.deployments_found import Filters, Found
from flowctl.cli.selection import Chosen, counted, delete_each
from flowctl.domain.errors import Invalid

app = typer.Typer()

_STRATEGIES = {"wait": "ENQUEUE", "enqueue": "ENQUEUE", "cancel": "CANCEL_NEW", "cancel_new": "CANCEL_NEW"}

_UPDATE = """
flowctl deployments update etl/nightly --description 'Loads the day' --tag prod
flowctl deployments update etl/nightly --param rows=500 --concurrency-limit 2 --collision wait
flowctl deployments update etl/nightly --pool gpu --queue high --dry-run
"""


@app.command("update", cls=Command, epilog=_UPDATE)
def update_deployment(
    ctx: typer.Context,
    deployment: found_in.Reference,
    description: Annotated[str | None, typer.Option("--description", metavar="TEXT", help="What it does.")] = None,
    version: Annotated[str | None, typer.Option("--version", metavar="TEXT", help="Its version.")] = None,
    tag: Annotated[list[str] | None, typer.Option("--tag", metavar="TAG", help="Add a tag.")] = None,
    untag: Annotated[list[str] | None, typer.Option("--untag", metavar="TAG", help="Take a tag away.")] = None,
    param: parameters.Pairs = None,
    params_file: parameters.File = "",
    unset_param: Annotated[
        list[str] | None, typer.Option("--unset-param", metavar="NAME", help="Take a parameter away.")
    ] = None,
    concurrency_limit: Annotated[
        str, typer.Option("--concurrency-limit", metavar="N|none", help="How many of its runs may go at once.")
    ] = "",
    collision: Annotated[
        str, typer.Option("--collision", metavar="wait|cancel", help="What a run does that finds the limit reached.")
    ] = "",
    job_variable: Annotated[
        list[str] | None, typer.Option("--job-variable", metavar="K=V", help="Set a job variable, JSON or text.")
    ] = None,
    unset_job_variable: Annotated[
        list[str] | None, typer.Option("--unset-job-variable", metavar="NAME", help="Take a job variable away.")
    ] = None,
    pool: Annotated[str, typer.Option("--pool", metavar="POOL", help="The work pool that runs it.")] = "",
    queue: Annotated[str, typer.Option("--queue", metavar="QUEUE", help="The queue of the pool.")] = "",
) -> None:
    """Change a deployment: only what is given changes, and --param and --tag add to what there is."""
    session = Session.of(ctx)
    output = session.output
    found = found_in.one(session, deployment)
    own = found.own
    changes: dict[str, Any] = {}
    if description is not None:
        changes["description"] = description or None
    if version is not None:
        changes["version"] = version or None
    if tag or untag:
        kept = [each for each in own["tags"] if each not in (untag or ())]
        changes["tags"] = list(dict.fromkeys([*kept, *(tag or ())]))
    if param or params_file or unset_param:
        changes["parameters"] = _parameters(found, param, params_file, unset_param)
    if job_variable or unset_job_variable:
        changes["job_variables"] = _merged(own["job_variables"], parameters.collect(job_variable), unset_job_variable)
    if concurrency_limit:
        changes["concurrency_limit"] = _limit(concurrency_limit)
    if collision:
        changes["concurrency_options"] = {
            **(own["concurrency_options"] or {}),
            "collision_strategy": _strategy(collision),
        }
    if pool:
        changes["work_pool_name"] = pool
    if queue:
        if not (pool or own["work_pool_name"]):
            raise Invalid(f"{found.name} is in no work pool.", remedy="name one with --pool")
        changes.update(work_pool_name=pool or own["work_pool_name"], work_queue_name=queue)
    if not changes:
        raise Invalid("Nothing to change.", remedy="flowctl deployments update --help")
    if session.options.dry_run:
        if output.wants_data:
            output.data([{**own, **changes}], single=True)
        else:
            output.lines([f"would change {found.name}", *_difference(own, changes)])
        return
    session.api.call("PATCH", f"/deployments/{found.id}", changes)
    if output.wants_data or output.format in {"id", "csv"}:
        output.data([session.api.get(f"/deployments/{found.id}")], single=True)
    else:
        output.hint(f"changed {found.name}: {', '.join(changes)}")


_DELETE = """
flowctl deployments delete etl/nightly
flowctl deployments delete --flow etl --paused --dry-run
"""


@app.command("delete", cls=Command, epilog=_DELETE)
def delete_deployments(
    ctx: typer.Context,
    deployments: found_in.References = None,
    flow: found_in.Flows = None,
    tag: found_in.Tags = None,
    name: found_in.Name = "",
    pool: found_in.Pools = None,
    paused: found_in.Paused = None,
) -> int:
    """Delete deployments with their schedules and the runs that have not started; other runs stay."""
    session = Session.of(ctx)
    output = session.output
    filters = Filters(flows=flow, tags=tag, name=name, pools=pool, paused=paused)
    chosen = found_in.choose(session, deployments, filters, what="deployments delete")
    if not chosen:
        output.note("no deployments")
        return 0
    told = _told(session, chosen)
    if session.options.dry_run:
        output.note(f"would delete {told}")
        if output.wants_data or output.format == "id":
            output.data([{"id": found.id} for found in chosen])
        else:
            output.lines([found.name for found in chosen])
        return 0
    if not output.confirm(f"Delete {told}?"):
        output.note("Nothing was deleted.")
        return 1
    return delete_each(session, Chosen([found.id for found in chosen]), "/deployments", "deployment")


def _told(session: Session, chosen: list[Found]) -> str:
    """What goes, in words: names of a few, and how much of the rest."""
    what = chosen[0].name if len(chosen) == 1 else counted(len(chosen), "deployment")
    schedules = sum(len(found.own["schedules"]) for found in chosen)
    ids = [found.id for found in chosen]
    waiting = session.api.post(
        "/flow_runs/count",
        {"flow_runs": {"deployment_id": {"any_": ids}, "state": {"type": {"any_": ["SCHEDULED"]}}}},
    )
    return f"{what} with {counted(schedules, 'schedule')} and {counted(waiting, 'run')} not started yet"


def _parameters(found: Found, pairs: list[str] | None, file: str, unset: list[str] | None) -> dict[str, Any]:
    """The parameters as they are to be, checked with the schema, of which some may be left for the run to give."""
    schema: dict[str, Any] = found.own["parameter_openapi_schema"] or {}
    given = parameters.collect(pairs, file, schema=schema)
    merged = _merged(found.own["parameters"], given, unset)
    if found.own["enforce_parameter_schema"]:
        parameters.check(merged, {**schema, "required": []} if schema else None, of=found.name)
    return merged


def _merged(before: dict[str, Any], given: dict[str, Any], unset: list[str] | None) -> dict[str, Any]:
    missing = [name for name in unset or () if name not in before]
    if missing:
        raise Invalid(f"There is no {missing[0]!r} to take away.", remedy="flowctl deployments show")
    return {name: value for name, value in {**before, **given}.items() if name not in (unset or ())}


def _limit(text: str) -> int | None:
    if text.lower() == "none":
        return None
    if not text.isdecimal() or int(text) < 1:
        raise Invalid(f"{text!r} is not a limit; write a number of at least 1, or none.")
    return int(text)


def _strategy(text: str) -> str:
    strategy = _STRATEGIES.get(text.lower().replace("-", "_"))
    if strategy is None:
        raise Invalid(f"{text!r} is not a strategy; write wait or cancel.")
    return strategy


def _difference(before: dict[str, Any], changes: dict[str, Any]) -> list[str]:
    import json

    def text(value: object) -> str:
        return json.dumps(value, ensure_ascii=False)

    limit: dict[str, Any] = before["global_concurrency_limit"] or {}
    was: dict[str, Any] = {**before, "concurrency_limit": limit.get("limit")}
    return [f"  {name}: {text(was.get(name))} -> {text(value)}" for name, value in changes.items()]
