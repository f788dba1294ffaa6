"""`flowctl db query`."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from flowctl.cli import moments
from flowctl.cli.commands import Command
from flowctl.cli.context import Session
from flowctl.cli.tables import Column, item, plain
from flowctl.domain.errors import FlowctlError, Invalid

app = typer.Typer()

TIMED_OUT = 124

_QUERY = """
flowctl db query "SELECT state_name, count(*) FROM flow_run GROUP BY 1"
flowctl db query "SELECT name, created FROM flow_run WHERE name LIKE ?" "nightly-%" -o csv
flowctl db query --timeout 5m - < report.sql   # flowctl reads the statement from its input
"""


@app.command("query", cls=Command, epilog=_QUERY)
def query(
    ctx: typer.Context,
    sql: Annotated[str, typer.Argument(metavar="SQL", help="One statement; - reads it from standard input.")],
    values: Annotated[
        list[str] | None, typer.Argument(metavar="[VALUE...]", help="What the ? in it stand for.")
    ] = None,
    timeout: Annotated[str, typer.Option("--timeout", metavar="TIME", help="Give up after 30s, 5m …")] = "30s",
) -> int:
    """Ask the database in SQL; the statement may read, and nothing else.

    Tables and columns are those of Prefect's database; times are UTC text, JSON is text. Ends with 124 on a timeout.
    """
    session = Session.of(ctx)
    from flowctl.db import console

    text = sys.stdin.read() if sql == "-" else sql
    try:
        seconds = moments.parse_duration(timeout)
    except ValueError as error:
        raise Invalid(str(error)) from error
    if not text.strip():
        raise Invalid("There is no statement.", remedy="flowctl db query 'SELECT …'")
    try:
        answer = console.ask(session.database_path, text, values or (), seconds=seconds)
    except console.TimedOut:
        session.output.error(FlowctlError(f"No answer within {timeout}.", remedy="--timeout 5m, or a LIMIT"))
        return TIMED_OUT
    names = _unique(answer.columns)
    records = [dict(zip(names, map(_value, row), strict=True)) for row in answer.rows]
    if session.output.wants_data:
        session.output.data(records)
    elif session.output.format == "id":
        session.output.lines([plain(row[0]) for row in answer.rows])
    else:
        session.output.table([Column(name.upper(), item(name), cut=True) for name in names], records)
        session.output.hint(f"{len(records):,} row{'' if len(records) == 1 else 's'}")
    return 0


def _unique(names: list[str]) -> list[str]:
    """The names of columns, with a number where one comes again."""
    seen: dict[str, int] = {}
    found: list[str] = []
    for name in names:
        seen[name] = seen.get(name, 0) + 1
        found.append(name if seen[name] == 1 else f"{name}_{seen[name]}")
    return found


def _value(value: object) -> object:
    return value.hex() if isinstance(value, bytes) else value
