"""Statistics of runs by flow or by task: asked of flowctl, or counted here from the lists of Prefect's server."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any, Literal

from flowctl.cli import lookups, moments
from flowctl.cli.context import Session
from flowctl.cli.selection import counted
from flowctl.cli.tables import Column, Look
from flowctl.domain.errors import Invalid

PARTS = 16
DEFAULT_SINCE = "7d"

_BARS = "▁▂▃▄▅▆▇█"

Kind = Literal["flows", "task_runs"]


def read(
    session: Session,
    kind: Kind,
    *,
    since: str,
    until: str = "",
    flow_ids: Sequence[str] | None = None,
    run_ids: Sequence[str] | None = None,
) -> list[dict[str, Any]]:
    """Statistics as flowctl's API has them (`domain/run_statistics.py`), those with most runs first.

    since, until  as people type times
    Raises Invalid.
    """
    begin, end = _span(session, since, until)
    if session.api.is_prefect:
        return _counted(session, kind, begin, end, flow_ids, run_ids)
    body: dict[str, Any] = {"since": begin.isoformat(), "until": end.isoformat(), "parts": PARTS}
    if flow_ids is not None:
        body["flow_ids"] = list(flow_ids)
    if run_ids is not None:
        body["flow_run_ids"] = list(run_ids)
    return session.api.post(f"/flowctl/statistics/{kind}", body)


def sparkline(counts: Sequence[int]) -> str:
    """Counts as a row of bars; a space for none."""
    most = max(counts, default=0)
    return "".join(_BARS[(count * (len(_BARS) - 1) + most - 1) // most] if count else " " for count in counts)


def columns(first: str) -> list[Column]:
    """The columns of a table of statistics; `first` is the title of the names."""
    return [
        Column(first, lambda each: each["name"], cut=True),
        Column("RUNS", lambda each: each["runs"], lambda each, _look: f"{each['runs']:,}"),
        Column("OK", lambda each: each["success_rate"], _rate, style=_rate_style),
        Column("FAILED", _failures, lambda each, _look: f"{_failures(each):,}" if _failures(each) else ""),
        Column("RETRIES", lambda each: each["retries"], lambda each, _look: _count(each["retries"]), spare=True),
        Column("P50", lambda each: each["p50_seconds"], lambda each, _look: _duration(each["p50_seconds"])),
        Column("P95", lambda each: each["p95_seconds"], lambda each, _look: _duration(each["p95_seconds"])),
        Column(
            "LAST",
            lambda each: each["last_start"],
            lambda each, look: lookups.clock(each["last_start"], look),
            spare=True,
        ),
        Column("HISTORY", lambda each: each["history"], _history, spare=True),
        Column("ACTIVE", lambda each: each["active"], wide=True),
        Column(
            "TOTAL", lambda each: each["total_seconds"], lambda each, _look: _duration(each["total_seconds"]), wide=True
        ),
    ]


def show(session: Session, found: list[dict[str, Any]], name: str, *, since: str, limit: int | None) -> None:
    """Print the statistics of flows or tasks; `name` is what one of them is called."""
    output = session.output
    shown = found[:limit]
    if output.wants_data:
        output.data(shown)
    elif output.format == "id":
        output.lines([each["key"] for each in shown])
    else:
        output.table(columns(name.upper()), shown)
        runs = sum(each["runs"] for each in found)
        rest = f" · the first {len(shown)} are shown, --all shows the rest" if len(shown) < len(found) else ""
        total = f"{counted(len(found), name)}, {runs:,} runs since {since}{rest}"
        output.hint(total if found else f"no {'' if name == 'flow' else f'{name} '}runs since {since}")


def _span(session: Session, since: str, until: str) -> tuple[datetime, datetime]:
    now = session.output.now
    try:
        begin = moments.parse_moment(since, now)
        end = moments.parse_moment(until, now) if until else now + timedelta(milliseconds=1)
    except ValueError as error:
        raise Invalid(str(error)) from None
    if begin >= end:
        raise Invalid("The span of time ends before it begins.")
    return begin, end


def _counted(
    session: Session,
    kind: Kind,
    begin: datetime,
    end: datetime,
    flow_ids: Sequence[str] | None,
    run_ids: Sequence[str] | None,
) -> list[dict[str, Any]]:
    """The same, counted from lists: Prefect's API has no statistics of single flows and tasks."""
    from flowctl.domain.run_statistics import RunFact, summarize

    own = "flow_runs" if kind == "flows" else "task_runs"
    key = "flow_id" if kind == "flows" else "task_key"
    due = "start_time" if kind == "flows" else "expected_start_time"
    filter: dict[str, Any] = {due: {"after_": begin.isoformat(), "before_": end.isoformat()}}
    body: dict[str, Any] = {own: filter, "sort": "EXPECTED_START_TIME_ASC"}
    if flow_ids is not None:
        body["flows"] = {"id": {"any_": list(flow_ids)}}
    if run_ids is not None:
        filter["flow_run_id"] = {"any_": list(run_ids)}

    def facts() -> Iterator[RunFact]:
        total = session.api.post(f"/{own}/count", {name: part for name, part in body.items() if name != "sort"})
        with session.output.progress("reading runs", total) as advance:
            for page in session.api.pages(f"/{own}/filter", body):
                for run in page:
                    start = run["start_time"] or run["expected_start_time"] or run["created"]
                    text = moments.stored(moments.read(start))
                    yield RunFact(run[key], run["state_type"], run["run_count"], run["total_run_time"], text)
                advance(len(page))

    names: dict[str, str] = {}
    if kind == "flows":
        names = {flow["id"]: flow["name"] for flow in session.api.all("/flows/filter", {})}
    edges = [moments.stored(begin + (end - begin) * part / PARTS) for part in range(PARTS + 1)]
    found = [asdict(each) for each in summarize(facts(), names, edges)]
    for each in found:
        each["last_start"] = moments.iso(each["last_start"].isoformat())
    return found


def _rate(each: dict[str, Any], _look: Look) -> str:
    rate = each["success_rate"]
    if rate is None:
        return ""
    return "100%" if rate == 1 else f"{min(rate * 100, 99.9):.1f}%".replace(".0%", "%")


def _rate_style(each: dict[str, Any]) -> str:
    rate = each["success_rate"]
    return "" if rate is None else "green" if rate >= 0.99 else "yellow" if rate >= 0.9 else "red"


def _failures(each: dict[str, Any]) -> int:
    return each["failed"] + each["crashed"]


def _count(number: int) -> str:
    return f"{number:,}" if number else ""


def _duration(seconds: float | None) -> str:
    return "" if seconds is None else moments.duration(seconds)


def _history(each: dict[str, Any], look: Look) -> str:
    return sparkline(each["history"]) if look.terminal and look.icons else ",".join(map(str, each["history"]))
