"""`flowctl events ls | tail | stats`."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Annotated, Any
from urllib.parse import urlsplit

import typer

from flowctl.cli import completion, documents, lookups, moments
from flowctl.cli.commands import Command
from flowctl.cli.context import Session
from flowctl.cli.tables import Column, Look, clean, short_id
from flowctl.domain.errors import Invalid

app = typer.Typer()

_PAGE = 50
_DEFAULT_LIMIT = 50
_POLL_SECONDS = 1.0
_OVERLAP = timedelta(seconds=30)
"""Clients send events in batches: one that is this much older than the last one seen may still arrive."""

_BAR = 24
_SPANS = ("minute", "hour", "day", "week")

_Prefix = Annotated[
    list[str] | None, typer.Option("--event", metavar="PREFIX", help="Name begins so: prefect.flow-run. …")
]
_Resource = Annotated[
    list[str] | None,
    typer.Option("--resource", metavar="ID", help="Is about (or related to) this resource; * at the end: begins so."),
]
_Run = Annotated[
    list[str] | None,
    typer.Option("--run", metavar="RUN", help="Is about this flow run.", autocompletion=completion.runs),
]
_Text = Annotated[str, typer.Option("--text", metavar="WORDS", help="Holds these words, anywhere.")]
_Since = Annotated[str, typer.Option("--since", metavar="TIME", help="Occurred since 2h, 7d, today …")]
_Until = Annotated[str, typer.Option("--until", metavar="TIME", help="Occurred before this time.")]

_LS = """
flowctl events ls
flowctl events ls --event prefect.flow-run. --since 2h
flowctl events ls --run @last -o jsonl
"""


@app.command("ls", cls=Command, epilog=_LS)
def list_events(
    ctx: typer.Context,
    event: _Prefix = None,
    resource: _Resource = None,
    run: _Run = None,
    text: _Text = "",
    since: _Since = "",
    until: _Until = "",
    limit: Annotated[int, typer.Option("--limit", metavar="N", min=1, help="At most so many.")] = _DEFAULT_LIMIT,
    every: Annotated[bool, typer.Option("--all", help="No limit.")] = False,
    reverse: Annotated[bool, typer.Option("--reverse", "-r", help="Oldest first.")] = False,
) -> None:
    """List events, the newest first."""
    session = Session.of(ctx)
    output = session.output
    criteria = _filter(session, event, resource, run, text, since, until)
    criteria["order"] = "ASC" if reverse else "DESC"
    found = list(_find(session, criteria, None if every else limit))
    if output.wants_data or output.format == "id":
        output.data(found)
        return
    output.table(_COLUMNS, found)
    if not found:
        output.hint("no events")
    elif not every and len(found) == limit:
        output.hint(f"{'first' if reverse else 'last'} {len(found):,} events · --all shows the rest")


_TAIL = """
flowctl events tail
flowctl events tail --event prefect.flow-run. -n 20
flowctl events tail --run @running -o jsonl
"""


@app.command("tail", cls=Command, epilog=_TAIL)
def tail_events(
    ctx: typer.Context,
    event: _Prefix = None,
    resource: _Resource = None,
    run: _Run = None,
    text: _Text = "",
    number: Annotated[int, typer.Option("-n", metavar="N", min=0, help="First show the last N.")] = 10,
) -> None:
    """Print events as they arrive, until you press Ctrl-C."""
    session = Session.of(ctx)
    output = session.output
    if output.format not in {"table", "wide", "jsonl"}:
        raise Invalid(f"Events that arrive cannot be printed as {output.format}.", remedy="use -o table or -o jsonl")
    criteria = _filter(session, event, resource, run, text, "", "")
    last = list(_find(session, {**criteria, "order": "DESC"}, max(number, 1)))[::-1]
    _write(session, last[-number:] if number else [])
    begin = max((moments.read(each["occurred"]) for each in last), default=output.now)
    seen = {each["id"] for each in _since(session, criteria, begin)}
    while True:
        time.sleep(_POLL_SECONDS)
        arrived = list(_since(session, criteria, begin))
        _write(session, [each for each in arrived if each["id"] not in seen])
        seen = {each["id"] for each in arrived}
        begin = max([begin, *(moments.read(each["occurred"]) for each in arrived)])


_STATS = """
flowctl events stats
flowctl events stats --by resource --event prefect.flow-run. --since 7d
flowctl events stats --by hour --since 2d -o csv
"""


@app.command("stats", cls=Command, epilog=_STATS)
def event_statistics(
    ctx: typer.Context,
    by: Annotated[
        str, typer.Option("--by", metavar="WHAT", help="event, resource, minute, hour, day or week.")
    ] = "event",
    event: _Prefix = None,
    resource: _Resource = None,
    run: _Run = None,
    text: _Text = "",
    since: _Since = "1d",
    until: _Until = "",
    limit: Annotated[int, typer.Option("--limit", metavar="N", min=1, help="At most so many.")] = _DEFAULT_LIMIT,
    every: Annotated[bool, typer.Option("--all", help="No limit.")] = False,
) -> None:
    """Count events: by name, by the resource that they are about, or by time."""
    session = Session.of(ctx)
    output = session.output
    if by not in ("event", "resource", *_SPANS):
        raise Invalid(f"{by!r} is nothing to count by.", remedy="use event, resource, minute, hour, day or week")
    body: dict[str, Any] = {"filter": _filter(session, event, resource, run, text, since, until)}
    if by in _SPANS:
        body |= {"time_unit": by, "time_interval": 1}
    counted: list[dict[str, Any]] = session.api.post(f"/events/count-by/{'time' if by in _SPANS else by}", body)
    shown = counted if every or by in _SPANS else counted[:limit]
    if output.wants_data:
        output.data(shown)
        return
    if output.format == "id":
        output.lines([each["value"] for each in shown])
        return
    most = max((each["count"] for each in shown), default=0)
    output.table(_count_columns(by, most), shown)
    total = sum(each["count"] for each in counted)
    output.hint(f"{total:,} events since {since}" if total else f"no events since {since}")


def _filter(
    session: Session,
    events: Sequence[str] | None,
    resources: Sequence[str] | None,
    runs: Sequence[str] | None,
    text: str,
    since: str,
    until: str,
) -> dict[str, Any]:
    """The filter that the flags make.  Raises NotFound for a run that does not exist, Invalid for a time."""
    now = session.output.now
    criteria: dict[str, Any] = {}
    try:
        occurred = {
            name: moments.parse_moment(word, now).isoformat()
            for name, word in (("since", since), ("until", until))
            if word
        }
    except ValueError as error:
        raise Invalid(str(error)) from None
    if occurred:
        criteria["occurred"] = occurred
    if events:
        criteria["event"] = {"prefix": [name.removesuffix("*") for name in events]}
    about: dict[str, list[str]] = {}
    if resources:
        about["id"] = [id for id in resources if not id.endswith("*")]
        about["id_prefix"] = [id.removesuffix("*") for id in resources if id.endswith("*")]
    if runs:
        about.setdefault("id", []).extend(f"prefect.flow-run.{id}" for id in session.backend.runs.ids(runs))
    if about:
        criteria["any_resource"] = {name: ids for name, ids in about.items() if ids}
    if text:
        criteria["text"] = {"query": text}
    return criteria


def _find(session: Session, criteria: Mapping[str, Any], limit: int | None) -> Iterator[dict[str, Any]]:
    """Events that pass a filter, page by page."""
    left = limit
    page: dict[str, Any] = session.api.post(
        "/events/filter", {"filter": dict(criteria), "limit": _PAGE if left is None else min(_PAGE, left)}
    )
    while True:
        events: list[dict[str, Any]] = page["events"]
        yield from events[:left]
        left = None if left is None else left - len(events)
        if not page["next_page"] or (left is not None and left <= 0):
            return
        link: str = page["next_page"]
        page = session.api.get(f"/events/filter/next?{urlsplit(link).query}")


def _since(session: Session, criteria: Mapping[str, Any], begin: datetime) -> Iterator[dict[str, Any]]:
    """Events from shortly before a time on, oldest first; those that a clock puts in the future, too."""
    span = {"since": (begin - _OVERLAP).isoformat(), "until": (moments.now() + timedelta(days=1)).isoformat()}
    return _find(session, {**criteria, "occurred": span, "order": "ASC"}, None)


def _write(session: Session, events: Sequence[dict[str, Any]]) -> None:
    output = session.output
    names = output.options.field_names
    for event in events:
        if output.wants_data:
            shown = {name: documents.dig(event, name) for name in names} if names else event
            output.write(documents.json_line(shown) + "\n")
        else:
            output.write(_text_line(event, output.look) + "\n")


def _text_line(event: dict[str, Any], look: Look) -> str:
    when = lookups.clock(event["occurred"], look)
    parts = (look.paint(when, "dim"), clean(event["event"]), look.paint(clean(subject(event, look)), "cyan"))
    return "  ".join(part for part in parts if part)


def subject(event: Mapping[str, Any], look: Look) -> str:
    """What an event is about: the resource's kind, name and id, short on a terminal."""
    resource: dict[str, str] = event["resource"]
    id = resource.get("prefect.resource.id", "")
    if not look.terminal:
        return id
    kind, _, own = id.removeprefix("prefect.").rpartition(".")
    name = resource.get("prefect.resource.name")
    short = short_id(own) if len(own) == 36 else own
    return f"{kind} {name} ({short})".strip() if name else f"{kind} {short}".strip()


def _related(event: Mapping[str, Any]) -> str:
    """Names of what it is related to, by role."""
    related: list[dict[str, str]] = event["related"]
    words: list[str] = []
    for each in related:
        name = each.get("prefect.resource.name") or each.get("prefect.resource.id", "")
        words.append(f"{each.get('prefect.resource.role', '')}:{name}")
    return " ".join(words)


_COLUMNS = (
    Column(
        "TIME", lambda event: moments.iso(event["occurred"]), lambda event, look: lookups.clock(event["occurred"], look)
    ),
    Column("EVENT", lambda event: event["event"], cut=True),
    Column("RESOURCE", lambda event: event["resource"].get("prefect.resource.id"), subject, cut=True),
    Column("RELATED", _related, cut=True, spare=True),
    Column(
        "ID", lambda event: event["id"], lambda event, look: lookups.short(event["id"], look), spare=True, wide=True
    ),
)


def _count_columns(by: str, most: int) -> list[Column]:
    def bar(count: dict[str, Any], look: Look) -> str:
        cells = round(count["count"] * _BAR / most) if most else 0
        return ("█" if look.icons else "#") * cells if look.terminal else ""

    if by in _SPANS:
        first = Column(
            "FROM",
            lambda count: moments.iso(count["start_time"]),
            lambda count, look: lookups.clock(count["start_time"], look),
        )
    else:
        first = Column(
            by.upper(),
            lambda count: count["value"],
            lambda count, look: count["label" if look.terminal else "value"],
            cut=True,
        )
    return [
        first,
        Column("COUNT", lambda count: count["count"], lambda count, _look: f"{count['count']:,}"),
        Column("", lambda count: None, lambda count, look: bar(count, look) or " ", spare=True),
    ]
