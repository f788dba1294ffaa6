"""`flowctl logs search`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from flowctl.cli import completion, log_lines, logs_found, moments
from flowctl.cli.commands import Command
from flowctl.cli.context import Session
from flowctl.cli.tables import Column, item, short_id
from flowctl.domain.errors import Invalid

if TYPE_CHECKING:
    from flowctl.cli.tables import Look

app = typer.Typer()

PAGE = 200
MOST = 100
"""Matches that are shown unless a flag says otherwise."""

_MANY_WAITING = 300_000
"""Lines without the index from which on it is worth a hint."""

_SEARCH = """
flowctl logs search "connection refused" --since 7d
flowctl logs search "KeyError: 'x'" --flow etl -C 3
flowctl logs search "time*" --level warning --all -o jsonl
flowctl logs search --regex "took [0-9]{3,} s" --logger prefect.task_runs
"""


@app.command("search", cls=Command, epilog=_SEARCH)
def search(
    ctx: typer.Context,
    pattern: Annotated[str, typer.Argument(metavar="PATTERN")],
    regex: Annotated[bool, typer.Option("--regex", "-E", help="The pattern is a regular expression.")] = False,
    fixed: Annotated[
        bool, typer.Option("--fixed-string", "-F", help="The pattern is a text as it is, blanks and quotes included.")
    ] = False,
    flow: Annotated[
        list[str] | None,
        typer.Option("--flow", metavar="FLOW", help="Only runs of this flow.", autocompletion=completion.flows),
    ] = None,
    level: Annotated[str, typer.Option("--level", metavar="LEVEL", help="This level and above.")] = "",
    logger: Annotated[
        str | None, typer.Option("--logger", metavar="NAME", help="This logger and those below it; * is a wildcard.")
    ] = None,
    since: Annotated[str, typer.Option("--since", metavar="TIME", help="Logged since: 2h, 7d, today.")] = "",
    until: Annotated[str, typer.Option("--until", metavar="TIME", help="Logged before this time.")] = "",
    around: Annotated[
        int, typer.Option("-C", "--around", min=0, max=50, metavar="N", help="Also N lines of the run on either side.")
    ] = 0,
    limit: Annotated[int, typer.Option("--limit", min=1, metavar="N", help="The newest N matches.")] = MOST,
    everything: Annotated[bool, typer.Option("--all", help="All matches.")] = False,
) -> None:
    """Search what all runs logged; matches are grouped by run, the newest at the end.

    Every word of the pattern must be in a line, in any order and anywhere in a word; upper and lower case are the same.
    "In quotes" blanks count too, and time* finds words that begin so. -q prints the ids of the runs that have matches.
    """
    session = Session.of(ctx)
    output = session.output
    if regex and fixed:
        raise Invalid("A pattern is a regular expression or a fixed string, not both.")
    body: dict[str, Any] = {
        "pattern": pattern,
        "regex": regex,
        "fixed": fixed,
        "logger": logger,
        "logs": log_filter(level, since, until, session),
        "context": around,
        "limit": PAGE if everything else min(PAGE, limit),
    }
    flow_ids = [session.backend.flows.id(name) for name in flow or ()]
    matches, runs, is_all = _collect(session, body, flow_ids, None if everything else limit)
    records = [_record(match, runs) for match in reversed(matches)]
    if output.format == "id":
        output.lines(list(dict.fromkeys(record["flow_run_id"] for record in records if record["flow_run_id"])))
    elif output.wants_data:
        output.data(records)
    elif output.format == "csv":
        output.table(_COLUMNS, records)
    else:
        output.lines(_grouped(records, output.look) if output.look.terminal else _plain(records, output.look))
        _tell(session, records, is_all=is_all)


def log_filter(level: str, since: str, until: str, session: Session) -> dict[str, Any]:
    """The API's filter of log lines.  Raises Invalid."""
    number = log_lines.parse_level(level)
    bounds = {"after_": since, "before_": until}
    times = {
        name: moments.iso(moment.isoformat())
        for name, text in bounds.items()
        if (moment := log_lines.parse_since(text, session.output.now))
    }
    return {**({"level": {"ge_": number}} if number else {}), **({"timestamp": times} if times else {})}


def _collect(
    session: Session, body: dict[str, Any], flow_ids: list[str], limit: int | None
) -> tuple[list[dict[str, Any]], dict[str, Any], bool]:
    """Matches, the newest first, their runs by id, and whether these are all."""
    matches: list[dict[str, Any]] = []
    runs: dict[str, Any] = {}
    pages = logs_found.pages(session.api, body, flow_ids=flow_ids)
    page = next(pages, None)
    reached = page["before"] if page else None
    with session.output.progress("searching", reached or 0) as advance:
        while page:
            matches += page["matches"]
            runs.update((run["id"], run) for run in page["runs"])
            if limit is not None and len(matches) >= limit:
                return matches[:limit], runs, len(matches) == limit and page["before"] is None
            if reached is not None and page["before"] is not None:
                advance(reached - page["before"])
                reached = page["before"]
            page = next(pages, None)
    return matches, runs, True


def _record(match: dict[str, Any], runs: dict[str, Any]) -> dict[str, Any]:
    """A match as one object: the log line, names of its run and flow, and what the search adds."""
    line = match["log"]
    run = runs.get(line["flow_run_id"] or "", {})
    return {
        **line,
        "flow_run_name": run.get("name"),
        "flow_id": run.get("flow_id"),
        "flow_name": run.get("flow_name"),
        "spans": match["spans"],
        "earlier": match["earlier"],
        "later": match["later"],
    }


def _grouped(records: list[dict[str, Any]], look: Look) -> list[str]:
    """Lines for people: a head for each run, then its matches among the lines around them."""
    groups: dict[str | None, list[dict[str, Any]]] = {}
    for record in records:
        groups.setdefault(record["flow_run_id"], []).append(record)
    lines: list[str] = []
    for id, group in sorted(groups.items(), key=lambda item: item[1][-1]["timestamp"]):
        if lines:
            lines.append("")
        lines.append(_head(id, group[0], look))
        lines += _with_context(group, look)
    return lines


def _plain(records: list[dict[str, Any]], look: Look) -> list[str]:
    """Lines for programs: each begins with the name of its run."""
    lines: list[str] = []
    for record in records:
        name = record["flow_run_name"] or record["flow_run_id"] or "-"
        lines += [f"{name}  {line}" for line in _with_context([record], look)]
    return lines


def _head(id: str | None, record: dict[str, Any], look: Look) -> str:
    if id is None:
        return look.paint("no run", "bold")
    name = record["flow_run_name"]
    if name is None:
        return f"{look.paint(id, 'bold')}  {look.paint('a run that is gone', 'dim')}"
    more = f"{short_id(id)}  {record['flow_name'] or ''}"
    return f"{look.paint(name, 'bold')}  {look.paint(more, 'dim')}"


def _with_context(records: list[dict[str, Any]], look: Look) -> list[str]:
    """Matches of one run, oldest first, with the lines around them, each once; `--` stands where some are left out."""
    lines: list[str] = []
    shown: set[str] = set()
    hits = {record["id"]: record for record in records}
    for record in records:
        window = [*record["earlier"], record, *record["later"]]
        has_context = len(window) > 1
        if lines and has_context and window[0]["id"] not in shown:
            lines.append(look.paint("--", "dim"))
        for line in window:
            if line["id"] in shown:
                continue
            shown.add(line["id"])
            hit = hits.get(line["id"])
            text = log_lines.line_text(_marked(hit, look) if hit else line, look)
            lines.append(text if hit else _faint(text, look))
    return lines


def _faint(text: str, look: Look) -> str:
    return look.paint(text.replace("\x1b[0m", "\x1b[0;2m"), "dim")


def _marked(record: dict[str, Any], look: Look) -> dict[str, Any]:
    """The line with what was found in colour."""
    if not look.color:
        return record
    message = record["message"]
    parts: list[str] = []
    last = 0
    for begin, end in record["spans"]:
        parts += [message[last:begin], f"\x1b[1;31m{message[begin:end]}\x1b[0m"]
        last = end
    return {**record, "message": "".join([*parts, message[last:]])}


def _tell(session: Session, records: list[dict[str, Any]], *, is_all: bool) -> None:
    output = session.output
    if not records:
        output.hint("no matches")
        return
    runs = len({record["flow_run_id"] for record in records})
    count = f"{len(records):,} match{'' if len(records) == 1 else 'es'} in {runs:,} run{'' if runs == 1 else 's'}"
    output.hint(count if is_all else f"{count} · older ones are left out: --all, or --limit {len(records) * 10}")
    if not session.is_remote and output.look.terminal:
        from flowctl.cli.logs_index import waiting

        count = waiting(session)
        if count > _MANY_WAITING:
            output.hint(f"{count:,} lines are not in the index, which makes this slow: flowctl logs index")


_COLUMNS = (
    Column("TIMESTAMP", item("timestamp")),
    Column("LEVEL", item("level")),
    Column("FLOW_RUN_ID", item("flow_run_id")),
    Column("FLOW_RUN_NAME", item("flow_run_name")),
    Column("FLOW_NAME", item("flow_name")),
    Column("NAME", item("name")),
    Column("MESSAGE", item("message")),
)
