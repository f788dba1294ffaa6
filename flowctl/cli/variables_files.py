"""`flowctl variables dump | load`: variables as a JSON document, to keep or to take elsewhere."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated, Any, cast

import typer

from flowctl.cli import documents
from flowctl.cli import variables_found as found_in
from flowctl.cli.commands import Command
from flowctl.cli.context import Session, exit_code
from flowctl.cli.selection import Outcome
from flowctl.cli.tables import Column, item
from flowctl.cli.variables_found import text_of
from flowctl.domain.errors import FlowctlError, Invalid

app = typer.Typer()

_DUMP = """
flowctl variables dump > variables.json
flowctl variables dump city zip -o yaml
flowctl variables dump --tag prod | flowctl variables load - --context prod
"""


@app.command("dump", cls=Command, epilog=_DUMP)
def dump_variables(
    ctx: typer.Context,
    variables: found_in.OptionalReferences = None,
    tag: Annotated[
        list[str] | None, typer.Option("--tag", metavar="TAG", help="Has this tag; given twice, has both.")
    ] = None,
) -> None:
    """Print names, values and tags as JSON that `load` reads; all variables if none is named."""
    session = Session.of(ctx)
    output = session.output
    if variables and tag:
        raise Invalid("Name variables or give tags, not both.", remedy="flowctl variables dump --help")
    if variables:
        found = [found_in.one(session, name) for name in found_in.named(variables)]
    else:
        filter = {"variables": {"tags": {"all_": tag}}} if tag else {}
        found = session.api.all("/variables/filter", filter)
    if output.wants_data or output.format == "id":
        output.data(found if output.format == "id" or output.options.fields else [_kept(each) for each in found])
    elif output.format == "csv":
        output.table(_COLUMNS, found)
    else:
        output.text(documents.json_text([_kept(each) for each in found]) + "\n")


_LOAD = """
flowctl variables load variables.json
flowctl variables load settings.json --tag imported --dry-run
prefect variable ls -o json | flowctl variables load -
"""


@app.command("load", cls=Command, epilog=_LOAD)
def load_variables(
    ctx: typer.Context,
    file: Annotated[str, typer.Argument(metavar="FILE", help="What `dump` printed; - reads standard input.")],
    tag: Annotated[list[str] | None, typer.Option("--tag", metavar="TAG", help="Add a tag to each of them.")] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite/--no-overwrite", help="Replace the values of those that exist.")
    ] = True,
) -> int:
    """Set the variables of a JSON file: what `dump` printed, one object a line, or an object of names and values."""
    session = Session.of(ctx)
    output = session.output
    wanted = _read(file)
    for each in wanted:
        found_in.check(each["name"], each["value"])
        if tag:
            each["tags"] = list(dict.fromkeys([*each.get("tags", ()), *tag]))
    there = found_in.by_name(session, (each["name"] for each in wanted))
    lines: list[dict[str, Any]] = []
    outcome: Outcome[str] = Outcome()
    with output.progress("loading", len(wanted)) as advance:
        for each in wanted:
            before = there.get(each["name"])
            result = _result(before, each, overwrite=overwrite)
            try:
                if result in {"created", "changed"} and not session.options.dry_run:
                    found_in.store(session, before, each)
            except FlowctlError as error:
                output.error(error)
                outcome.failed.append((each["name"], exit_code(error)))
            else:
                lines.append({**each, "result": result})
                outcome.done.append(each["name"])
            advance(1)
    if output.wants_data:
        output.data(lines)
    elif output.format == "id":
        output.lines([line["name"] for line in lines if line["result"] in {"created", "changed"}])
    else:
        output.table([*_COLUMNS, Column("RESULT", item("result"))], lines)
        output.note(("would be: " if session.options.dry_run else "") + _summary(lines))
    return outcome.code


def _result(before: dict[str, Any] | None, wanted: dict[str, Any], *, overwrite: bool) -> str:
    """What becomes of a variable."""
    if before is None:
        return "created"
    if all(_same(before[name], value) for name, value in wanted.items()):
        return "same"
    return "changed" if overwrite else "kept"


def _same(one: object, other: object) -> bool:
    """Whether two values are the same JSON; 1, 1.0 and true are not."""
    return json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)


def _summary(lines: list[dict[str, Any]]) -> str:
    results = [line["result"] for line in lines]
    return " · ".join(f"{results.count(word):,} {word}" for word in dict.fromkeys(results)) or "no variables"


def _kept(variable: dict[str, Any]) -> dict[str, Any]:
    return {name: variable[name] for name in ("name", "value", "tags")}


def _read(file: str) -> list[dict[str, Any]]:
    """The variables that a file describes, each with name and value, and perhaps tags.  Raises Invalid."""
    try:
        text = sys.stdin.read() if file == "-" else Path(file).expanduser().read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise Invalid(f"{file} cannot be read: {getattr(error, 'strerror', None) or error}.") from None
    wanted = [_variable(each, place, file) for place, each in enumerate(_parsed(text, file), 1)]
    names = [each["name"] for each in wanted]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise Invalid(f"{file} has {twice!r} twice.")
    return wanted


def _parsed(text: str, file: str) -> list[object]:
    try:
        found: object = json.loads(text)
    except ValueError as error:
        try:
            found = [json.loads(line) for line in text.splitlines() if line.strip()]
        except ValueError:
            raise Invalid(f"{file}: not JSON: {error}.") from None
    if isinstance(found, dict):
        entry = cast("dict[str, object]", found)
        if set(entry) >= {"name", "value"} and isinstance(entry["name"], str):  # the one line of a file of lines
            return [entry]
        return [{"name": name, "value": value} for name, value in entry.items()]
    if isinstance(found, list):
        return cast("list[object]", found)
    raise Invalid(f"{file} holds no variables.", remedy='write them like {"name": "value"}')


def _variable(found: object, place: int, file: str) -> dict[str, Any]:
    entry = cast("dict[str, Any]", found) if isinstance(found, dict) else {}
    tags: list[object] = entry.get("tags", [])
    if not isinstance(entry.get("name"), str) or "value" not in entry or not isinstance(tags, list):  # pyright: ignore[reportUnnecessaryIsInstance] - what people write
        raise Invalid(f"{file}: number {place} is no variable.", remedy='write it like {"name": "city", "value": 1}')
    return {name: entry[name] for name in ("name", "value", "tags") if name in entry}


_COLUMNS = (
    Column("NAME", item("name"), cut=True),
    Column("VALUE", lambda variable: text_of(variable["value"]), cut=True),
    Column("TAGS", lambda variable: variable.get("tags"), cut=True, spare=True),
)
