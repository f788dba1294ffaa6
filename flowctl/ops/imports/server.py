"""Reading a history through the API of a running server, Prefect's or flowctl's, page by page.

States and inputs are asked for run by run, as the API has no other way; a file is far faster where there is one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

from flowctl.db import shapes
from flowctl.db.columns import encode_time
from flowctl.db.queries import import_kinds as kinds
from flowctl.db.queries.import_kinds import Matter, Row
from flowctl.db.queries.imports import sparse_part
from flowctl.domain.errors import FlowctlError

_RUNS_A_REQUEST = 50
_EARLIEST = "2000-01-01T00:00:00Z"
_ENDED = frozenset({"COMPLETED", "FAILED", "CANCELLED", "CRASHED"})


class Api(Protocol):
    """Sends requests and gives parsed answers; errors are raised."""

    where: str

    def get(self, path: str, **query: object) -> Any: ...
    def post(self, path: str, body: object = None, **query: object) -> Any: ...
    def pages(self, path: str, body: Mapping[str, object], *, limit: int | None = None) -> Iterator[list[Any]]: ...
    def close(self) -> None: ...


class PrefectServer:
    """A server's history, as it is when it is asked for; what changes meanwhile comes with the next import.

    since           leaves out what ended earlier; runs that go on, and the parents of others, stay
    skip_scheduled  leaves out the runs that schedules have made for the future
    """

    def __init__(self, api: Api, *, since: datetime | None = None, skip_scheduled: bool = False) -> None:
        self.where = api.where
        self._api = api
        self.is_partial = since is not None or skip_scheduled
        self._since = since
        self._skip_scheduled = skip_scheduled
        self._flow_runs: list[str] = []
        self._loose_task_runs: list[str] = []
        self._schedules: list[dict[str, Any]] = []
        self._readers: Mapping[Matter, Callable[[], Iterator[list[Any]]]] = {
            kinds.FLOWS: lambda: api.pages("/flows/filter", {"sort": "NAME_ASC"}),
            kinds.WORK_POOLS: lambda: api.pages("/work_pools/filter", {}),
            kinds.WORK_QUEUES: lambda: api.pages("/work_queues/filter", {}),
            kinds.WORKERS: self._workers,
            kinds.DEPLOYMENTS: self._deployments,
            kinds.SCHEDULES: lambda: iter([self._schedules]),
            kinds.LIMITS: self._limits,
            kinds.SEARCHES: lambda: api.pages("/saved_searches/filter", {}),
            kinds.VARIABLES: lambda: api.pages("/variables/filter", {}),
            kinds.FLOW_RUNS: self._read_flow_runs,
            kinds.TASK_RUNS: self._task_runs,
            kinds.INPUTS: self._inputs,
            kinds.ARTIFACTS: lambda: self._artifacts("/artifacts/filter", "ID_DESC"),
            kinds.COLLECTIONS: lambda: self._artifacts("/artifacts/latest/filter", "ID_DESC"),
            kinds.LOGS: self._logs,
            kinds.EVENTS: self._events,
        }

    def close(self) -> None:
        """Close the connection."""
        self._api.close()

    def count(self, matter: Matter) -> int | None:
        """How many there are of the kinds that the API counts."""
        path = _COUNTS.get(matter.table)
        return None if path is None else self._api.post(path)

    def left_out(self) -> dict[str, int]:
        """What the server holds and flowctl has no place for, as far as it tells."""
        found: dict[str, int] = {}
        for label, path in _LEFT_OUT.items():
            try:
                count = self._api.post(path)
            except FlowctlError:  # a flowctl, or a release that has none
                continue
            if count:
                found[label] = count
        return found

    def pages(self, matter: Matter, size: int) -> Iterator[list[Row]]:
        """Rows as the API pages them."""
        reader = self._readers.get(matter)
        for page in reader() if reader else ():
            if page:
                yield [_row(matter, item) for item in page]

    def states(self, matter: Matter, owners: Sequence[str]) -> list[Row]:
        """The states of some runs, oldest first."""
        owner = matter.columns[-1]
        found: list[Row] = []
        for id in owners:
            for state in self._api.get(f"/{matter.table}s/", **{owner: id}):
                moment = state["timestamp"]
                found.append(_row(matter, {**state, owner: id, "created": moment, "updated": moment}))
        return found

    # -- kinds that the API hands out in a way of their own

    def _workers(self) -> Iterator[list[Any]]:
        for pools in self._api.pages("/work_pools/filter", {}):
            for pool in pools:
                yield from self._api.pages(f"/work_pools/{pool['name']}/workers/filter", {})

    def _deployments(self) -> Iterator[list[Any]]:
        for page in self._api.pages("/deployments/filter", {"sort": "NAME_ASC"}):
            for deployment in page:
                limit: dict[str, Any] = deployment.get("global_concurrency_limit") or {}
                deployment["concurrency_limit_id"] = limit.get("id")
                deployment["infra_overrides"] = deployment.get("job_variables")
                self._schedules.extend(reversed(deployment.get("schedules") or []))  # the one changed last comes first
            yield page

    def _limits(self) -> Iterator[list[Any]]:
        """Limits; those on tags have a kind of their own in the first releases of 3, and are listed twice in others."""
        names: set[str] = set()
        for page in self._api.pages("/v2/concurrency_limits/filter", {}):
            names.update(limit["name"] for limit in page)
            yield [{**limit, "active_slots": 0} for limit in page]
        for page in self._api.pages("/concurrency_limits/filter", {}):
            yield [
                {
                    **{name: limit[name] for name in ("id", "created", "updated")},
                    "active": True,
                    "name": f"tag:{limit['tag']}",
                    "limit": limit["concurrency_limit"],
                }
                for limit in page
                if f"tag:{limit['tag']}" not in names
            ]

    def _read_flow_runs(self) -> Iterator[list[Any]]:
        self._flow_runs = []
        parents: set[str] = set()
        known: set[str] = set()
        for page in self._selected("/flow_runs/filter", "flow_runs"):
            wanted = [run for run in page if run["id"] not in known and not self._is_scheduled(run)]
            known.update(run["id"] for run in wanted)
            parents.update(run["parent_task_run_id"] for run in wanted if run["parent_task_run_id"])
            yield [_with_state_time(run) for run in wanted]
        while parents and self._since:
            asked, parents = list(parents), set[str]()
            for ids in _batches(asked, _RUNS_A_REQUEST):
                filter = {"task_runs": {"id": {"any_": ids}}}
                for page in self._api.pages("/flow_runs/filter", {**filter, "sort": "ID_DESC"}):
                    wanted = [run for run in page if run["id"] not in known]
                    known.update(run["id"] for run in wanted)
                    parents.update(run["parent_task_run_id"] for run in wanted if run["parent_task_run_id"])
                    yield [_with_state_time(run) for run in wanted]
        self._flow_runs = sorted(known)

    def _task_runs(self) -> Iterator[list[Any]]:
        for ids in _batches(self._flow_runs, _RUNS_A_REQUEST):
            filter = {"flow_runs": {"id": {"any_": ids}}, "sort": "ID_DESC"}
            for page in self._api.pages("/task_runs/filter", filter):
                yield [_with_state_time(run) for run in page]
        filter = {"task_runs": {"flow_run_id": {"is_null_": True}}, "sort": "ID_DESC"}
        for page in self._api.pages("/task_runs/filter", filter):
            wanted = [run for run in page if self._is_recent(run)]
            self._loose_task_runs.extend(run["id"] for run in wanted)
            yield [_with_state_time(run) for run in wanted]

    def _inputs(self) -> Iterator[list[Any]]:
        for id in self._flow_runs:
            yield self._api.post(f"/flow_runs/{id}/input/filter", {"prefix": "", "limit": 200, "exclude_keys": []})

    def _artifacts(self, path: str, sort: str) -> Iterator[list[Any]]:
        runs = frozenset(self._flow_runs)
        for page in self._api.pages(path, {"sort": sort}):
            yield [
                artifact
                for artifact in page
                if not self.is_partial
                or (artifact["flow_run_id"] in runs if artifact["flow_run_id"] else self._is_recent(artifact))
            ]

    def _logs(self) -> Iterator[list[Any]]:
        for column, all_ids in (("flow_run_id", self._flow_runs), ("task_run_id", self._loose_task_runs)):
            for ids in _batches(all_ids, _RUNS_A_REQUEST):
                filter = {"logs": {column: {"any_": ids}}, "sort": "TIMESTAMP_ASC"}
                yield from self._api.pages("/logs/filter", filter)

    def _events(self) -> Iterator[list[Any]]:
        since = shapes.wire_time(self._since) if self._since else _EARLIEST
        answer = self._api.post("/events/filter", {"filter": {"occurred": {"since": since}, "order": "DESC"}})
        while True:
            yield [
                {
                    **event,
                    "resource_id": event["resource"]["prefect.resource.id"],
                    "related_resource_ids": [related["prefect.resource.id"] for related in event["related"]],
                    "recorded": event["received"],
                }
                for event in answer["events"]
            ]
            if not answer.get("next_page"):
                return
            answer = self._api.get("/events/filter/next?" + answer["next_page"].partition("?")[2])

    # -- what is wanted

    def _selected(self, path: str, name: str) -> Iterator[list[Any]]:
        if self._since is None:
            yield from self._api.pages(path, {"sort": "ID_DESC"})
            return
        for condition in ({"after_": shapes.wire_time(self._since)}, {"is_null_": True}):
            for page in self._api.pages(path, {name: {"end_time": condition}, "sort": "ID_DESC"}):
                yield [run for run in page if self._is_recent(run)]

    def _is_recent(self, item: Mapping[str, Any]) -> bool:
        if self._since is None or item.get("state_type", "COMPLETED") not in _ENDED:
            return True
        names = ("end_time", "start_time", "expected_start_time", "updated")
        last = next((item[name] for name in names if item.get(name)), None)
        return last is None or datetime.fromisoformat(last) >= self._since

    def _is_scheduled(self, run: Mapping[str, Any]) -> bool:
        return self._skip_scheduled and run["auto_scheduled"] and run["state_type"] == "SCHEDULED"


_COUNTS = {
    "flow": "/flows/count",
    "work_pool": "/work_pools/count",
    "deployment": "/deployments/count",
    "variable": "/variables/count",
    "flow_run": "/flow_runs/count",
    "task_run": "/task_runs/count",
    "artifact": "/artifacts/count",
    "artifact_collection": "/artifacts/latest/count",
}

_LEFT_OUT = {"blocks": "/block_documents/count", "automations": "/automations/count"}


def _batches(ids: Sequence[str], size: int) -> Iterator[Sequence[str]]:
    return (ids[start : start + size] for start in range(0, len(ids), size))


def _with_state_time(run: dict[str, Any]) -> dict[str, Any]:
    state: dict[str, Any] = run.get("state") or {}
    run["state_timestamp"] = state.get("timestamp")
    return run


def _row(matter: Matter, item: Mapping[str, Any]) -> Row:
    """An object of the API as a row."""
    row: Row = []
    for column in matter.columns:
        value = item.get(column)
        if value is None:
            row.append(matter.default(column))
        elif column in matter.times:
            row.append(encode_time(datetime.fromisoformat(value)))
        elif column in matter.sparse:
            row.append(shapes.dumps(sparse_part(value, matter.sparse[column])))
        elif column in matter.json:
            row.append(shapes.dumps(value))
        else:
            row.append(int(value) if isinstance(value, bool) else value)
    return row
