"""`flowctl logs export | stats`."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Generator, Iterable
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TextIO

import typer

from flowctl.cli import amounts, completion, documents, log_lines, logs_found, lookups, targets
from flowctl.cli.commands import Command, FlagOption
from flowctl.cli.context import Session
from flowctl.cli.flags import Flag
from flowctl.cli.logs_search import log_filter
from flowctl.cli.tables import Column, Look, item
from flowctl.domain.errors import Invalid

if TYPE_CHECKING:
    from flowctl.cli.api.door import Door

app = typer.Typer()

FORMATS = ("text", "csv", "jsonl")
_BY_SUFFIX = {".csv": "csv", ".jsonl": "jsonl", ".ndjson": "jsonl"}
_FIELDS = ("timestamp", "level", "name", "flow_run_id", "task_run_id", "message")

_Flow = Annotated[
    list[str] | None,
    typer.Option("--flow", metavar="FLOW", help="Only runs of this flow.", autocompletion=completion.flows),
]
_Run = Annotated[
    list[str] | None, typer.Option("--run", metavar="RUN", help="Only this run.", autocompletion=completion.runs)
]
_Level = Annotated[str, typer.Option("--level", metavar="LEVEL", help="This level and above.")]
_Logger = Annotated[
    str | None, typer.Option("--logger", metavar="NAME", help="This logger and those below it; * is a wildcard.")
]
_Since = Annotated[str, typer.Option("--since", metavar="TIME", help="Logged since: 2h, 7d, today.")]
_Until = Annotated[str, typer.Option("--until", metavar="TIME", help="Logged before this time.")]


class ExportCommand(Command):
    """A command whose `-o` names the format of what it writes."""

    def __init__(self, name: str | None, **rest: Any) -> None:
        super().__init__(name, **rest)
        flag = Flag("--output", "-o", metavar="FORMAT", choices=FORMATS, help="text, csv or jsonl; else FILE tells it.")
        self.params = [each for each in self.params if "--output" not in each.opts]
        self.params.append(FlagOption(flag))


_EXPORT = """
flowctl logs export --since 7d week.jsonl
flowctl logs export --flow etl --level warning -o csv > warnings.csv
flowctl logs export --run brisk-otter
"""


@app.command("export", cls=ExportCommand, epilog=_EXPORT)
def export(
    ctx: typer.Context,
    file: Annotated[Path | None, typer.Argument(metavar="[FILE]")] = None,
    flow: _Flow = None,
    run: _Run = None,
    level: _Level = "",
    logger: _Logger = None,
    since: _Since = "",
    until: _Until = "",
) -> int:
    """Write log lines to a file or to standard output, as text, CSV or JSON lines, in the order they were stored.

    Lines are read and written page by page: a log of any length takes little memory.
    """
    session = Session.of(ctx)
    output = session.output
    kind = _format(session, file)
    body, flow_ids = _selection(session, flow, run, level, logger, since, until)
    if file and file.exists() and not session.options.dry_run and not output.confirm(f"Replace {file}?"):
        output.note("Nothing was written.")
        return 1
    pages = logs_found.lines(session.api, body, flow_ids=flow_ids)
    count = 0
    with _target(file if not session.options.dry_run else Path("/dev/null")) as stream:
        write = _writer(session, stream, kind)
        page = next(pages, None)
        with output.progress("exporting", page["last"] if page else 0) as advance:
            reached = 0
            while page:
                write(page["lines"])
                count += len(page["lines"])
                advance((page["after"] or page["last"]) - reached)
                reached = page["after"] or page["last"]
                page = next(pages, None)
    if session.options.dry_run:
        output.lines([f"would write {count:,} lines to {file or 'standard output'}"])
    elif file:
        output.note(f"{count:,} lines written to {file}")
    return 0


def _format(session: Session, file: Path | None) -> str:
    """What is written.  Raises Invalid for one that a log cannot be written as."""
    named = session.output.format
    if named in FORMATS:
        return named
    if named != "table":
        raise Invalid(f"A log is not written as {named}.", remedy="use -o text, -o csv or -o jsonl")
    return _BY_SUFFIX.get(file.suffix.lower(), "text") if file else "text"


def _selection(
    session: Session,
    flow: list[str] | None,
    run: list[str] | None,
    level: str,
    logger: str | None,
    since: str,
    until: str,
) -> tuple[dict[str, Any], list[str]]:
    logs = log_filter(level, since, until, session)
    if run:
        logs["flow_run_id"] = {"any_": [id for each in run for id in targets.runs(session.backend.find, each)]}
    return {"logs": logs, "logger": logger}, [session.backend.flows.id(name) for name in flow or ()]


@contextmanager
def _target(file: Path | None) -> Generator[TextIO]:
    """Standard output, or a file that takes its name once it is complete."""
    if file is None:
        yield sys.stdout
        return
    if not file.parent.is_dir():
        raise Invalid(f"{file.parent} is no directory.")
    if file.exists() and not file.is_file():
        with file.open("w", encoding="utf-8", newline="") as stream:
            yield stream
        return
    part = file.with_name(f"{file.name}.part")
    try:
        with part.open("w", encoding="utf-8", newline="") as stream:
            yield stream
        part.replace(file)
    finally:
        part.unlink(missing_ok=True)


def _writer(session: Session, stream: TextIO, kind: str) -> Callable[[Iterable[dict[str, Any]]], object]:
    names = session.options.field_names
    if kind == "csv":
        import csv

        columns = names or list(_FIELDS)
        writer = csv.writer(stream)
        if not session.options.no_headers:
            writer.writerow(columns)
        return lambda lines: writer.writerows([documents.dig(line, name) for name in columns] for line in lines)
    if kind == "jsonl":

        def shaped(line: dict[str, Any]) -> dict[str, Any]:
            return {name: documents.dig(line, name) for name in names} if names else line

        return lambda lines: stream.writelines(documents.json_line(shaped(line)) + "\n" for line in lines)
    own = session.output.look
    plain = Look(terminal=False, color=False, icons=False, utc=True, width=80, now=own.now)
    look = own if stream is sys.stdout else plain
    return lambda lines: stream.writelines(log_lines.line_text(line, look) + "\n" for line in lines)


_STATS = """
flowctl logs stats
flowctl logs stats --since 7d --flow etl
flowctl logs stats --level warning -o json
"""

_MOST = 10


@app.command("stats", cls=Command, epilog=_STATS)
def stats(
    ctx: typer.Context,
    flow: _Flow = None,
    run: _Run = None,
    level: _Level = "",
    logger: _Logger = None,
    since: _Since = "",
    until: _Until = "",
) -> None:
    """Count log lines by level, flow, run and day, with the bytes of their messages."""
    session = Session.of(ctx)
    output = session.output
    body, flow_ids = _selection(session, flow, run, level, logger, since, until)
    counts = logs_found.counts(session.api, body, flow_ids=flow_ids)
    groups = _groups(session.api, counts)
    if output.wants_data:
        total = {"lines": sum(each["lines"] for each in counts), "size_bytes": sum(each["size"] for each in counts)}
        output.data([{**total, **{f"by_{name}": rows for name, rows in groups.items()}}], single=True)
        return
    if output.format == "id":
        output.lines([row["flow_run_id"] for row in groups["run"] if row["flow_run_id"]])
        return
    if output.format == "csv":
        output.table([Column("BY", item("by")), *_columns("VALUE")], _flat(groups))
        return
    for number, (name, rows) in enumerate(groups.items()):
        shown = rows if name in ("level", "day") else rows[:_MOST]
        if number:
            output.lines([""])
        output.table(_columns(name.upper()), shown)
        if len(shown) < len(rows):
            output.hint(f"and {len(rows) - len(shown):,} more: -o csv")


def _columns(title: str) -> list[Column]:
    return [
        Column(title, item("value"), cut=True),
        Column("LINES", item("lines"), lambda row, _: f"{row['lines']:,}"),
        Column("SIZE", item("size_bytes"), lambda row, _: amounts.size(row["size_bytes"])),
    ]


def _flat(groups: dict[str, list[dict[str, Any]]]) -> list[dict[str, Any]]:
    return [{"by": name, **row} for name, rows in groups.items() for row in rows]


def _groups(door: Door, counts: list[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    """The counts by each of their sides: levels and days in order, flows and runs with most lines first."""
    runs = lookups.by_id(door, "flow_runs", {each["flow_run_id"] for each in counts})
    flows = lookups.names(door, "flows", {run["flow_id"] for run in runs.values()})

    def flow_of(count: dict[str, Any]) -> str | None:
        run = runs.get(count["flow_run_id"] or "")
        return flows.get(run["flow_id"]) if run else None

    levels = _sums(counts, lambda each: each["level"])
    by_run = _sums(counts, lambda each: each["flow_run_id"])
    return {
        "level": [{"value": log_lines.level_name(row["value"]), **_rest(row), "level": row["value"]} for row in levels],
        "flow": _most_first(_sums(counts, flow_of)),
        "run": _most_first(
            {
                "value": runs[row["value"]]["name"] if row["value"] in runs else row["value"],
                **_rest(row),
                "flow_run_id": row["value"],
            }
            for row in by_run
        ),
        "day": _sums(counts, lambda each: each["day"]),
    }


def _rest(row: dict[str, Any]) -> dict[str, Any]:
    return {"lines": row["lines"], "size_bytes": row["size_bytes"]}


def _sums(counts: list[dict[str, Any]], key: Callable[[dict[str, Any]], Any]) -> list[dict[str, Any]]:
    lines: Counter[Any] = Counter()
    sizes: Counter[Any] = Counter()
    for count in counts:
        lines[key(count)] += count["lines"]
        sizes[key(count)] += count["size"]
    ordered = sorted(lines, key=lambda value: (value is None, value))
    return [{"value": value, "lines": lines[value], "size_bytes": sizes[value]} for value in ordered]


def _most_first(rows: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(rows, key=lambda row: -row["lines"])
