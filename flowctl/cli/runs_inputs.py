"""`flowctl runs params | input ls | input get | input put | tag add | tag rm`."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from typing import Annotated, Any
from uuid import uuid4

import typer

from flowctl.cli import completion, lookups, parameters
from flowctl.cli.commands import Command, Group
from flowctl.cli.context import Session
from flowctl.cli.selection import choose, each
from flowctl.cli.tables import Column, item
from flowctl.domain.errors import Conflict, Invalid, NotFound


class InputGroup(Group):
    """`flowctl runs input`."""

    aliases: Mapping[str, str] = {"list": "ls", "send": "put"}


class TagGroup(Group):
    """`flowctl runs tag`."""

    aliases: Mapping[str, str] = {"remove": "rm"}


app = typer.Typer()
inputs = typer.Typer(
    cls=InputGroup,
    help="Read what flow runs were sent, and send them something.",
    epilog="flowctl runs input ls brisk-otter\nflowctl runs input put brisk-otter --to str hello",
    rich_markup_mode=None,
)
app.add_typer(inputs, name="input")
tags = typer.Typer(
    cls=TagGroup,
    help="Add tags to flow runs, and remove them.",
    epilog="flowctl runs tag add brisk-otter reviewed\nflowctl runs tag rm a71e b802 prod,db",
    rich_markup_mode=None,
)
app.add_typer(tags, name="tag")

_Run = Annotated[str, typer.Argument(metavar="RUN", autocompletion=completion.runs)]
_MOST = 10_000
"""Inputs of a run that are listed."""

_PARAMS = """
flowctl runs params brisk-otter
flowctl runs params @last --json > params.json
flowctl runs params @last-failed --json | flowctl runs create etl/nightly --params-file -
"""


@app.command("params", cls=Command, epilog=_PARAMS)
def show_parameters(ctx: typer.Context, run: _Run) -> None:
    """Show the parameters that a flow run was called with; as JSON they can be given to another run."""
    session = Session.of(ctx)
    values: dict[str, Any] = _read(session, run)["parameters"]
    if session.output.wants_data:
        session.output.data([values], single=True)
    elif session.output.format == "id":
        session.output.lines(list(values))
    else:
        rows = [{"name": name, "value": _text(value)} for name, value in values.items()]
        session.output.table(_PARAMETER_COLUMNS, rows)
        if not rows:
            session.output.hint("no parameters")


_PARAMETER_COLUMNS = (Column("PARAMETER", item("name")), Column("VALUE", item("value"), cut=True))


# -- inputs

_LS = """
flowctl runs input ls brisk-otter
flowctl runs input ls @running -o json
"""


@inputs.command("ls", cls=Command, epilog=_LS)
def list_inputs(ctx: typer.Context, run: _Run) -> None:
    """List what was sent to a flow run, and the schemas of what it waits for; the oldest first."""
    session = Session.of(ctx)
    id = session.backend.runs.id(run)
    found = session.api.post(f"/flow_runs/{id}/input/filter", {"prefix": "", "limit": _MOST})
    if session.output.wants_data or session.output.format == "id":
        session.output.data(found)
    else:
        session.output.table(_INPUT_COLUMNS, found)
        if not found:
            session.output.hint("nothing was sent")


_INPUT_COLUMNS = (
    Column("KEY", item("key"), cut=True),
    Column("VALUE", item("value"), cut=True),
    Column("SENDER", item("sender"), cut=True, spare=True),
    Column("SENT", item("created"), lambda told, look: lookups.clock(told["created"], look)),
)

_GET = """
flowctl runs input get brisk-otter approval
flowctl runs input get brisk-otter approval > approval.json
"""


@inputs.command("get", cls=Command, epilog=_GET)
def get_input(ctx: typer.Context, run: _Run, key: Annotated[str, typer.Argument(metavar="KEY")]) -> None:
    """Print the value of one input of a flow run, which is JSON."""
    session = Session.of(ctx)
    id = session.backend.runs.id(run)
    try:
        value = session.api.get(f"/flow_runs/{id}/input/{key}")
    except NotFound:
        raise NotFound(f"{run} has no input {key!r}.", remedy=f"flowctl runs input ls {run}") from None
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    session.output.text(text + "\n")


_PUT = """
flowctl runs input put brisk-otter --to str hello
flowctl runs input put brisk-otter --to Approval '{"ok": true}' --sender ada
flowctl runs input put brisk-otter --key note '"read me"'
"""


@inputs.command("put", cls=Command, epilog=_PUT)
def put_input(
    ctx: typer.Context,
    run: _Run,
    value: Annotated[str, typer.Argument(metavar="VALUE", help="JSON or text; - reads standard input.")],
    to: Annotated[
        str, typer.Option("--to", metavar="TYPE", help="For receive_input(TYPE): str, int … or a class of inputs.")
    ] = "",
    key: Annotated[str, typer.Option("--key", metavar="KEY", help="Under this key, for get_run_input.")] = "",
    sender: Annotated[str, typer.Option("--sender", metavar="TEXT", help="Who sends it.")] = "",
) -> None:
    """Send a running flow run an input, as send_input does.

    --to names the type that the flow waits for with receive_input: of a class of inputs the value is an object with its
    fields, of str, int … the value itself.
    """
    session = Session.of(ctx)
    if bool(to) == bool(key):
        raise Invalid("Give --to TYPE or --key KEY.", remedy=f"flowctl runs input put {run} --to str {value!r}")
    parsed = parameters.parse_value(sys.stdin.read() if value == "-" else value)
    if to in _PLAIN:
        body = {"value": _plain(to, parsed, value)}
        key = f"{to}automaticruninput-auto-{uuid4()}"
    else:
        body = parsed
        key = key or f"{to.lower()}-auto-{uuid4()}"
    id = session.backend.runs.id(run)
    if session.options.dry_run:
        session.output.note(f"would send {json.dumps(body, ensure_ascii=False)} as {key}")
        return
    sent: dict[str, Any] = {"key": key, "value": json.dumps(body), "sender": sender or None}
    try:
        session.api.post(f"/flow_runs/{id}/input", sent)
    except Conflict:
        raise Conflict(f"{run} has an input {key!r} already.", remedy=f"flowctl runs input get {run} {key}") from None
    if session.output.wants_data:
        session.output.data([sent], single=True)
    else:
        session.output.lines([key if session.output.format == "id" else f"sent {run} the input {key}"])


_PLAIN = ("str", "int", "float", "bool", "list", "dict")
"""Types that Prefect wraps: their value is that of the field `value`."""


def _plain(type: str, parsed: Any, text: str) -> Any:
    """The value as its type has it: a text stays one, `--to str 42`."""
    return text if type == "str" and not isinstance(parsed, str) and text != "-" else parsed


# -- tags

_ADD = """
flowctl runs tag add brisk-otter reviewed
flowctl runs ls -q --flow etl | flowctl runs tag add - prod,db
"""

_RunsAndTags = Annotated[list[str], typer.Argument(metavar="RUN... TAG,...", autocompletion=completion.runs)]


@tags.command("add", cls=Command, epilog=_ADD)
def add_tags(ctx: typer.Context, runs_and_tags: _RunsAndTags) -> int:
    """Add tags to flow runs; several with commas behind the runs."""
    return _retag(ctx, runs_and_tags, lambda had, named: [*had, *(tag for tag in named if tag not in had)], "add")


_RM = """
flowctl runs tag rm brisk-otter reviewed
flowctl runs tag rm a71e b802 prod,db
"""


@tags.command("rm", cls=Command, epilog=_RM)
def remove_tags(ctx: typer.Context, runs_and_tags: _RunsAndTags) -> int:
    """Remove tags from flow runs; several with commas behind the runs."""
    return _retag(ctx, runs_and_tags, lambda had, named: [tag for tag in had if tag not in named], "rm")


def _retag(
    ctx: typer.Context,
    runs_and_tags: list[str],
    change: Callable[[list[str], list[str]], list[str]],
    verb: str,
) -> int:
    session = Session.of(ctx)
    *references, words = runs_and_tags
    named = list(dict.fromkeys(word.strip() for word in words.split(",") if word.strip()))
    if not references or not named:
        raise Invalid("A run or the tags are missing.", remedy=f"flowctl runs tag {verb} RUN… TAG,…")

    def work(id: str) -> dict[str, Any]:
        run = session.api.get(f"/flow_runs/{id}")
        after = change(run["tags"], named)
        if after != run["tags"] and not session.options.dry_run:
            session.api.call("PATCH", f"/flow_runs/{id}", {"tags": after})
        return {"id": id, "name": run["name"], "tags": after}

    outcome = each(session, choose(session, references, what=f"runs tag {verb}"), work)
    output = session.output
    if output.wants_data or output.format == "id":
        output.data(outcome.done, single=len(references) == len(outcome.done) == 1)
    else:
        output.lines(
            [
                f"{run['name']} ({lookups.short(run['id'], output.look)}): {', '.join(run['tags']) or 'no tags'}"
                for run in outcome.done
            ]
        )
    return outcome.code


def _read(session: Session, reference: str) -> dict[str, Any]:
    return session.api.get(f"/flow_runs/{session.backend.runs.id(reference)}")


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
