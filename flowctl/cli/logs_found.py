"""What a search of logs finds: asked of flowctl's API, or put together from what a Prefect server can do."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from flowctl.cli import lookups
from flowctl.domain.errors import Unusable

if TYPE_CHECKING:
    from flowctl.cli.api.door import Door

Page = dict[str, Any]
"""As `POST /flowctl/logs/search` answers."""

_MOST_CHARACTERS = 200
"""Prefect: LogFilterTextSearch.query."""


def pages(door: Door, body: dict[str, Any], *, flow_ids: list[str]) -> Iterator[Page]:
    """Matches, the newest first; many pages are short or empty, as one request looks at a bounded number of lines."""
    if door.is_prefect:
        yield from _from_prefect(door, body, flow_ids)
        return
    if flow_ids:
        body = {**body, "flows": {"id": {"any_": flow_ids}}}
    before: int | None = None
    while True:
        page = door.post("/flowctl/logs/search", {**body, "before": before})
        yield page
        before = page["before"]
        if before is None:
            return


def lines(door: Door, body: dict[str, Any], *, flow_ids: list[str]) -> Iterator[Page]:
    """All lines of a selection, oldest first, as `POST /flowctl/logs/read` answers."""
    if door.is_prefect:
        runs: dict[str, dict[str, Any]] = {}
        for found in _by_time(door, body["logs"]):
            page = [line for line in found if _is_of(line["name"], body["logger"])]
            if flow_ids:
                _add_runs(door, runs, {line["flow_run_id"] for line in page if line["flow_run_id"]})
                page = [line for line in page if runs.get(line["flow_run_id"] or "", {}).get("flow_id") in flow_ids]
            yield {"lines": page, "after": None, "last": 0}
        return
    if flow_ids:
        body = {**body, "flows": {"id": {"any_": flow_ids}}}
    after: int | None = 0
    while after is not None:
        page = door.post("/flowctl/logs/read", {**body, "after": after})
        yield page
        after = page["after"]


def _by_time(door: Door, logs: dict[str, Any]) -> Iterator[list[dict[str, Any]]]:
    """Pages of a Prefect server's lines by time; each begins at the time where the last one ended."""
    seen: set[str] = set()
    bounds = dict(logs.get("timestamp", {}))
    while True:
        asked = {**logs, **({"timestamp": bounds} if bounds else {})}
        offset = 0
        found: list[dict[str, Any]] = []
        while True:  # one instant may have more lines than a page
            found = door.post("/logs/filter", {"logs": asked, "sort": "TIMESTAMP_ASC", "limit": 200, "offset": offset})
            new = [line for line in found if line["id"] not in seen]
            if new or len(found) < 200:
                break
            offset += len(found)
        if not new:
            return
        yield new
        last = new[-1]["timestamp"]
        seen = {line["id"] for line in found if line["timestamp"] == last} | (
            seen if bounds.get("after_") == last else set()
        )
        bounds["after_"] = last


def counts(door: Door, body: dict[str, Any], *, flow_ids: list[str]) -> list[dict[str, Any]]:
    """Lines and bytes of messages by day, level and flow run, as `POST /flowctl/logs/stats` answers."""
    if not door.is_prefect:
        return door.post("/flowctl/logs/stats", {**body, "flows": {"id": {"any_": flow_ids}} if flow_ids else None})
    found: dict[tuple[str, int, str | None], list[int]] = {}
    for page in lines(door, body, flow_ids=flow_ids):
        for line in page["lines"]:
            sums = found.setdefault((line["timestamp"][:10], line["level"], line["flow_run_id"]), [0, 0])
            sums[0] += 1
            sums[1] += len(line["message"].encode())
    return [
        {"day": day, "level": level, "flow_run_id": run, "lines": count, "size": size}
        for (day, level, run), (count, size) in found.items()
    ]


def _from_prefect(door: Door, body: dict[str, Any], flow_ids: list[str]) -> Iterator[Page]:
    """The same from a Prefect server, which finds texts in messages and names of loggers; the rest is done here."""
    from flowctl.domain.log_search import parse

    pattern = parse(body["pattern"], regex=body["regex"], fixed=body["fixed"])
    runs: dict[str, dict[str, Any]] = {}
    for found in _candidates(door, body["logs"], _prefect_query(pattern.literals)):
        lines = [line for line in found if _is_of(line["name"], body["logger"]) and pattern.matches(line["message"])]
        _add_runs(door, runs, {line["flow_run_id"] for line in lines if line["flow_run_id"]})
        if flow_ids:
            lines = [line for line in lines if runs.get(line["flow_run_id"] or "", {}).get("flow_id") in flow_ids]
        matches = [
            {
                "log": line,
                "spans": pattern.spans(line["message"]),
                "earlier": _neighbours(door, line, body["context"], later=False),
                "later": _neighbours(door, line, body["context"], later=True),
            }
            for line in lines
        ]
        yield {"matches": matches, "runs": list(runs.values()), "looked": len(found), "before": None}


def _candidates(door: Door, logs: dict[str, Any], query: str) -> Iterator[list[dict[str, Any]]]:
    """Pages of lines, the newest first, that the server finds by a text; of all lines where it cannot."""
    if query:
        asked: dict[str, Any] = {"logs": {**logs, "text": {"query": query}}, "sort": "TIMESTAMP_DESC"}
        try:
            door.post("/logs/filter", {**asked, "limit": 1})
        except Unusable:
            pass  # Prefect's search needs SQLite 3.44, without which its server answers 500
        else:
            yield from door.pages("/logs/filter", asked)
            return
    yield from door.pages("/logs/filter", {"logs": logs, "sort": "TIMESTAMP_DESC"})


def _prefect_query(literals: tuple[str, ...]) -> str:
    """Texts that must all be in a line, in Prefect's language for searches, as many as it takes."""
    terms: list[str] = []
    for literal in sorted((text for text in literals if text.strip()), key=len, reverse=True):
        quoted = literal.replace("\\", "\\\\").replace('"', '\\"')
        term = f'+"{quoted}"'
        if len(" ".join([*terms, term])) <= _MOST_CHARACTERS:
            terms.append(term)
        elif not terms:
            terms.append(f'+"{quoted[: _MOST_CHARACTERS - 5].rstrip(chr(92))}"')
    return " ".join(terms)


def _is_of(name: str, logger: str | None) -> bool:
    from fnmatch import fnmatchcase

    if not logger:
        return True
    has_wildcards = any(character in logger for character in "*?[")
    return name == logger or fnmatchcase(name, logger if has_wildcards else f"{logger}.*")


def _add_runs(door: Door, runs: dict[str, dict[str, Any]], ids: set[str]) -> None:
    """Look up runs that are not known yet, and the names of their flows."""
    found = lookups.by_id(door, "flow_runs", ids - runs.keys())
    flows = lookups.by_id(door, "flows", {run["flow_id"] for run in found.values()})
    for id, run in found.items():
        flow = flows.get(run["flow_id"])
        runs[id] = {"id": id, "name": run["name"], "flow_id": run["flow_id"], "flow_name": flow and flow["name"]}


def _neighbours(door: Door, line: dict[str, Any], count: int, *, later: bool) -> list[dict[str, Any]]:
    """Lines of the same run next to a line, oldest first; those of the same instant count as earlier."""
    if not count or not line["flow_run_id"]:
        return []
    bound = {"after_" if later else "before_": line["timestamp"]}
    body = {
        "logs": {"flow_run_id": {"any_": [line["flow_run_id"]]}, "timestamp": bound},
        "sort": "TIMESTAMP_ASC" if later else "TIMESTAMP_DESC",
        "limit": min(200, count + _OF_ONE_INSTANT),
    }
    lines = [each for each in door.post("/logs/filter", body) if each["id"] != line["id"]]
    if later:
        return [each for each in lines if each["timestamp"] > line["timestamp"]][:count]
    return lines[:count][::-1]


_OF_ONE_INSTANT = 20
"""Lines that one instant may have, about."""
