"""`flowctl variables ls | get | set | unset`."""

from __future__ import annotations

import sys
from fnmatch import fnmatchcase
from typing import Annotated, Any

import typer

from flowctl.cli import lookups, moments
from flowctl.cli import variables_found as found_in
from flowctl.cli.commands import Command
from flowctl.cli.context import Session, exit_code
from flowctl.cli.parameters import parse_value
from flowctl.cli.selection import Outcome, counted
from flowctl.cli.tables import Column, item
from flowctl.cli.variables_found import raw_text, text_of
from flowctl.domain.errors import Conflict, FlowctlError, Invalid, NotFound

app = typer.Typer()

_SORTS = {"name": "NAME_ASC", "-name": "NAME_DESC", "-created": "CREATED_DESC", "-updated": "UPDATED_DESC"}

_LS = """
flowctl variables ls
flowctl variables ls --tag prod --name 'db_*'
flowctl variables ls -o json --fields name,value
"""


@app.command("ls", cls=Command, epilog=_LS)
def list_variables(
    ctx: typer.Context,
    name: Annotated[str, typer.Option("--name", metavar="GLOB", help="Its name; *, ? and [abc] are wildcards.")] = "",
    tag: Annotated[
        list[str] | None, typer.Option("--tag", metavar="TAG", help="Has this tag; given twice, has both.")
    ] = None,
    sort: Annotated[
        str, typer.Option("--sort", metavar="name|-name|-created|-updated", help="With a minus the last comes first.")
    ] = "name",
    limit: Annotated[int, typer.Option("--limit", metavar="N", min=1, help="At most so many.")] = 50,
    every: Annotated[bool, typer.Option("--all", help="No limit.")] = False,
) -> None:
    """List variables with their values, by name."""
    session = Session.of(ctx)
    output = session.output
    if sort not in _SORTS:
        raise Invalid(f"Cannot sort by {sort!r}.", remedy=f"one of {', '.join(_SORTS)}")
    body: dict[str, Any] = {"sort": _SORTS[sort]}
    if tag:
        body["variables"] = {"tags": {"all_": tag}}
    most = None if every else limit
    found = session.api.all("/variables/filter", body, limit=None if name else most)
    if name:
        found = [each for each in found if fnmatchcase(each["name"], name)][:most]
    if output.wants_data or output.format == "id":
        output.data(found)
        return
    output.table(_COLUMNS, found)
    if not found:
        output.hint("no variables")
    elif len(found) == most:
        output.hint(f"first {len(found):,} variables · --all shows the rest")


_GET = """
flowctl variables get city
flowctl variables get city --json
"""


@app.command("get", cls=Command, epilog=_GET)
def get_variable(ctx: typer.Context, variable: found_in.Reference) -> None:
    """Print the value of a variable: a text as it stands, anything else as JSON."""
    session = Session.of(ctx)
    output = session.output
    found = found_in.one(session, variable)
    if output.wants_data or output.format == "id":
        output.data([found], single=True)
        return
    if output.format == "csv":
        output.table(_COLUMNS, [found])
        return
    output.text(raw_text(found["value"]) + "\n")
    tags = f" · tags {', '.join(found['tags'])}" if found["tags"] else ""
    output.hint(f"updated {lookups.clock(found['updated'], output.messages)}{tags} · {found['id']}")


_SET = """
flowctl variables set city Köln
flowctl variables set limits '{"rows": 500}' --tag prod
flowctl variables set zip 01234 --text
flowctl variables set query - < query.sql
"""


@app.command("set", cls=Command, epilog=_SET)
def set_variable(
    ctx: typer.Context,
    name: found_in.Reference,
    value: Annotated[str, typer.Argument(metavar="VALUE", help="JSON, or else a text; - reads standard input.")],
    text: Annotated[bool, typer.Option("--text", help="Take the value as a text, also if it is JSON.")] = False,
    tag: Annotated[list[str] | None, typer.Option("--tag", metavar="TAG", help="Add a tag.")] = None,
    untag: Annotated[list[str] | None, typer.Option("--untag", metavar="TAG", help="Take a tag away.")] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite/--no-overwrite", help="Replace the value of one that exists.")
    ] = True,
) -> None:
    """Create a variable, or give one that exists another value; its tags stay unless you change them."""
    session = Session.of(ctx)
    output = session.output
    if value == "-":
        value = sys.stdin.read().removesuffix("\n")
    before = found_in.by_name(session, [name]).get(name)
    wanted: dict[str, Any] = {"name": name, "value": value if text else parse_value(value)}
    found_in.check(name, wanted["value"])
    if before and not overwrite:
        raise Conflict(f"There is a variable {name!r} already.", remedy=f"flowctl variables set {name} VALUE")
    kept = [each for each in (before["tags"] if before else ()) if each not in (untag or ())]
    if tag or untag:
        wanted["tags"] = list(dict.fromkeys([*kept, *(tag or ())]))
    if session.options.dry_run:
        was = f"change {name}: {text_of(before['value'])} ->" if before else f"create {name}:"
        tags = f", tags {', '.join(wanted['tags']) or 'none'}" if "tags" in wanted else ""
        output.note(f"would {was} {text_of(wanted['value'])}{tags}")
        return
    stored = found_in.store(session, before, wanted)
    if output.wants_data or output.format == "id":
        output.data([stored], single=True)
    elif output.format == "csv":
        output.table(_COLUMNS, [stored])
    else:
        output.hint(f"{'changed' if before else 'created'} {name}")


_UNSET = """
flowctl variables unset city
flowctl variables unset city zip -y
flowctl variables ls --tag old -q | flowctl variables unset - -y
"""


@app.command("unset", cls=Command, epilog=_UNSET)
def unset_variables(ctx: typer.Context, variables: found_in.References) -> int:
    """Delete variables, by name or id; - reads them from a pipe.  Nothing brings them back."""
    session = Session.of(ctx)
    output = session.output
    outcome: Outcome[str] = Outcome()
    chosen: dict[str, dict[str, Any]] = {}
    references = found_in.named(variables)
    for reference in references:
        try:
            found = found_in.one(session, reference)
        except NotFound as error:
            if len(references) == 1:
                raise
            output.error(error)
            outcome.failed.append((reference, exit_code(error)))
        else:
            chosen[found["id"]] = found
    names = ", ".join(each["name"] for each in chosen.values())
    told = f"variable {names}" if len(chosen) == 1 else f"{len(chosen):,} variables: {names}"
    if session.options.dry_run or not chosen:
        output.note(f"would delete {told}" if chosen else "no variables")
        if output.wants_data or output.format == "id":
            output.data([{"id": id, "name": each["name"]} for id, each in chosen.items()])
        return outcome.code
    if not output.confirm(f"Delete {told}? Nothing brings that back."):
        output.note("Nothing was deleted.")
        return 1
    for id, each in chosen.items():
        try:
            session.api.call("DELETE", f"/variables/{id}")
            outcome.done.append(id)
        except FlowctlError as error:
            output.error(error)
            outcome.failed.append((each["name"], exit_code(error)))
    if output.wants_data or output.format == "id":
        output.data([{"id": id, "name": chosen[id]["name"]} for id in outcome.done])
    else:
        output.note(f"deleted {counted(len(outcome.done), 'variable')}")
    return outcome.code


_COLUMNS = (
    Column("NAME", item("name"), cut=True),
    Column("VALUE", lambda variable: text_of(variable["value"]), cut=True),
    Column("TAGS", item("tags"), cut=True, spare=True),
    Column(
        "UPDATED",
        lambda variable: moments.iso(variable["updated"]),
        lambda variable, look: lookups.clock(variable["updated"], look),
        spare=True,
    ),
    Column("ID", item("id"), wide=True),
)
