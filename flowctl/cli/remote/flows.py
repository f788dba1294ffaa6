"""Reading flows from a server."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from flowctl.cli.api.door import Door
from flowctl.cli.remote.run_filters import glob, literal_of
from flowctl.cli.results import FlowLine
from flowctl.cli.run_query import STATE_TYPES, RunQuery
from flowctl.cli.run_table import DEFAULT_LIMIT
from flowctl.cli.targets import Named

if TYPE_CHECKING:
    from flowctl.cli.targets import Find

_SORTS = {"name": "NAME_ASC", "-name": "NAME_DESC", "-created": "CREATED_DESC"}


class Flows(Named):
    """Flows, in the API's shape where they are objects."""

    def __init__(self, door: Door, find: Find) -> None:
        super().__init__(find, "flow")
        self._door = door

    def lines(self, query: RunQuery) -> tuple[list[FlowLine], bool]:
        """The flows of a table, and whether there are more than the query's limit."""
        limit = None if query.all else query.limit or DEFAULT_LIMIT
        found = self._found(query, None if limit is None else limit + 1)
        shown = found[:limit]
        deployments: dict[str, int] = {}
        for start in range(0, len(shown), 200):
            ids = [flow["id"] for flow in shown[start : start + 200]]
            deployments.update(self._door.post("/ui/flows/count-deployments", {"flow_ids": ids}))
        lines = [self._line(flow, deployments.get(flow["id"], 0)) for flow in shown]
        return lines, limit is not None and len(found) > limit

    def objects(self, query: RunQuery) -> list[dict[str, Any]]:
        """The same flows in full."""
        return self._found(query, None if query.all else query.limit or DEFAULT_LIMIT)

    def read(self, id: str) -> dict[str, Any]:
        """A flow in full."""
        return self._door.get(f"/flows/{id}")

    def deployments(self, id: str) -> list[str]:
        """Names of the deployments of a flow."""
        found = self._door.all("/deployments/filter", {"flows": _only(id), "sort": "NAME_ASC"})
        return [deployment["name"] for deployment in found]

    def run_states(self, id: str) -> dict[str, int]:
        """How many runs of a flow are in which state, by state type."""
        counts: dict[str, int] = {}
        for type_ in STATE_TYPES:
            body = {"flows": _only(id), "flow_runs": {"state": {"type": {"any_": [type_]}}}}
            counts[type_] = self._door.post("/flow_runs/count", body)
        return dict(
            sorted(((type_, count) for type_, count in counts.items() if count), key=lambda item: (-item[1], item[0]))
        )

    # -- inside

    def _line(self, flow: dict[str, Any], deployments: int) -> FlowLine:
        last = self._last_run(flow) or {}
        return FlowLine(
            id=flow["id"],
            name=flow["name"],
            created=flow["created"],
            updated=flow["updated"],
            tags=",".join(flow["tags"]) or None,
            runs=self._door.post("/flow_runs/count", {"flows": _only(flow["id"])}),
            deployments=deployments,
            last_state_type=last.get("state_type"),
            last_state_name=last.get("state_name"),
            last_start_time=last.get("start_time") or last.get("expected_start_time"),
        )

    def _last_run(self, flow: dict[str, Any]) -> dict[str, Any] | None:
        due = {"expected_start_time": {"before_": datetime.now(UTC).isoformat()}}
        body = {"flows": _only(flow["id"]), "flow_runs": due, "sort": "START_TIME_DESC"}
        return next(iter(self._door.all("/flow_runs/filter", body, limit=1)), None)

    def _found(self, query: RunQuery, limit: int | None) -> list[dict[str, Any]]:
        sort: str = query.__dict__.get("sort", "name")
        body: dict[str, Any] = {"flows": _filter(query), "sort": _SORTS.get(sort, "NAME_ASC")}
        if sort in _SORTS and query.name is None:
            return self._door.all("/flows/filter", body, limit=limit)
        found = self._door.all("/flows/filter", body)
        if query.name is not None:
            matches = glob(query.name).fullmatch
            found = [flow for flow in found if matches(flow["name"])]
        if sort not in _SORTS:
            found.sort(key=self._order(sort), reverse=sort.startswith("-"))
        return found[:limit]

    def _order(self, sort: str) -> Callable[[dict[str, Any]], str]:
        """What to sort by, where the API cannot."""

        def last_start(flow: dict[str, Any]) -> str:
            last = self._last_run(flow) or {}
            return last.get("start_time") or last.get("expected_start_time") or ""

        return last_start if sort.endswith("start") else lambda flow: flow["created"]


def _filter(query: RunQuery) -> dict[str, Any]:
    flows: dict[str, Any] = {}
    if query.tag:
        flows["tags"] = {"all_": list(query.tag)}
    if query.name is not None and (plain := literal_of(query.name)):
        flows["name"] = {"like_": plain}
    return flows


def _only(id: str) -> dict[str, Any]:
    return {"id": {"any_": [id]}}
