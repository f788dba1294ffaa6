"""Reading log lines from a server."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from flowctl.cli import lookups, moments
from flowctl.cli.api.door import Door
from flowctl.cli.log_lines import LogQuery
from flowctl.db.shapes import wire_time

_OVERLAP = timedelta(seconds=60)
"""Clients send lines in batches: one that is this much older than the last one seen may still arrive."""


class Logs:
    """Log lines in the API's shape, oldest first."""

    def __init__(self, door: Door) -> None:
        self._door = door
        self._seen: dict[str, datetime] = {}
        """Lines that have been given and could come again, and their times."""
        self._flows: dict[str, str] = {}
        """The flow of each run that was looked up."""

    def find(self, query: LogQuery, *, head: int | None = None, tail: int | None = None) -> list[dict[str, Any]]:
        """Lines, all or only the first or the last few."""
        if tail is None:
            return self._lines(query, "TIMESTAMP_ASC", head)
        return self._lines(query, "TIMESTAMP_DESC", tail)[::-1]

    def begin(self, query: LogQuery, *, tail: int | None = None) -> list[dict[str, Any]]:
        """Lines, all or only the last few; `more` goes on behind them."""
        newest = self._lines(query, "TIMESTAMP_DESC", 1)
        if tail is not None and newest:
            after = moments.read(newest[0]["timestamp"]) - _OVERLAP
            self._remember(self._lines(query, "TIMESTAMP_ASC", None, after=after))
        lines = self.find(query, tail=tail)
        self._remember(lines)
        return lines

    def more(self, query: LogQuery) -> list[dict[str, Any]]:
        """Lines that have been stored since the last call of this or of `begin`."""
        after = max(self._seen.values()) - _OVERLAP if self._seen else None
        found = self._lines(query, "TIMESTAMP_ASC", None, after=after)
        lines = [line for line in found if line["id"] not in self._seen]
        self._seen = {id: at for id, at in self._seen.items() if after and at >= after}
        self._remember(lines)
        return lines

    def _remember(self, lines: list[dict[str, Any]]) -> None:
        self._seen.update((line["id"], moments.read(line["timestamp"])) for line in lines)

    def _lines(
        self, query: LogQuery, sort: str, limit: int | None, *, after: datetime | None = None
    ) -> list[dict[str, Any]]:
        logs: dict[str, Any] = {}
        if query.run_ids:
            logs["flow_run_id"] = {"any_": list(query.run_ids)}
        if query.level:
            logs["level"] = {"ge_": query.level}
        since = max((moment for moment in (query.since, after) if moment), default=None)
        if since:
            logs["timestamp"] = {"after_": wire_time(since)}
        body = {"logs": logs, "sort": sort}
        if not query.flow_ids:
            return self._door.all("/logs/filter", body, limit=limit)
        found: list[dict[str, Any]] = []
        for line in self._of_flows(query, body) if limit != 0 else ():
            found.append(line)
            if len(found) == limit:
                break
        return found

    def _of_flows(self, query: LogQuery, body: dict[str, Any]) -> Iterator[dict[str, Any]]:
        """Lines of some flows' runs, which the API cannot ask for."""
        for page in self._door.pages("/logs/filter", body):
            unknown = {line["flow_run_id"] for line in page if line["flow_run_id"]} - self._flows.keys()
            for id, run in lookups.by_id(self._door, "flow_runs", unknown).items():
                self._flows[id] = run["flow_id"]
            yield from (line for line in page if self._flows.get(line["flow_run_id"] or "") in query.flow_ids)
