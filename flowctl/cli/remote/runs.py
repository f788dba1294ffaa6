"""Reading flow runs from a server."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from flowctl.cli import lookups, moments, run_table
from flowctl.cli.api.door import PAGE, Door
from flowctl.cli.remote import run_filters, run_lines
from flowctl.cli.remote.run_filters import Run, Wanted
from flowctl.cli.results import Moment, Surroundings
from flowctl.cli.run_query import RunQuery
from flowctl.cli.targets import Named
from flowctl.db.shapes import wire_time
from flowctl.domain.errors import NotFound, Unsupported

if TYPE_CHECKING:
    from flowctl.cli.targets import Find

_BEGINNING = moments.read("2000-01-01")
_CENTURY = timedelta(days=36525)


class Runs(Named):
    """Flow runs, in the API's shape where they are objects."""

    def __init__(self, door: Door, find: Find) -> None:
        super().__init__(find, "flow_run")
        self._door = door

    def lines(self, query: RunQuery) -> tuple[list[run_table.RunLine], bool]:
        """The runs of a table, and whether there are more than the query's limit."""
        limit = None if query.all else query.limit or run_table.DEFAULT_LIMIT
        found = self._found(query, None if limit is None else limit + 1)
        return run_lines.lines(self._door, found[:limit]), limit is not None and len(found) > limit

    def objects(self, query: RunQuery) -> list[dict[str, Any]]:
        """The same runs in full."""
        return self._found(query, None if query.all else query.limit or run_table.DEFAULT_LIMIT)

    def selected(self, query: RunQuery) -> list[str]:
        """The ids of the runs that a query selects; without a limit of its own, all of them."""
        return [run["id"] for run in self._found(query, None if query.all else query.limit)]

    def read(self, ids: Sequence[str]) -> list[dict[str, Any]]:
        """Runs in full, in the order of their ids; those that are gone are left out."""
        found = lookups.by_id(self._door, "flow_runs", ids)
        return [found[id] for id in ids if id in found]

    def surroundings(self, id: str) -> Surroundings:
        """What stands around a run."""
        run = self._one(id)
        flows = lookups.names(self._door, "flows", [run["flow_id"]])
        deployments = lookups.names(self._door, "deployments", [run["deployment_id"]])
        parent_id, parent_name = self._parent(run)
        return Surroundings(
            flow=flows.get(run["flow_id"]),
            deployment=deployments.get(run["deployment_id"] or ""),
            parent_id=parent_id,
            parent_name=parent_name,
            task_states=self._task_states(id),
            child_states=self._states_of("flow_runs", {"flow_runs": {"parent_flow_run_id": {"any_": [id]}}}),
        )

    def why(self, id: str) -> dict[str, Any]:
        """Why a run waits, does not get on, or has ended.  Raises Unsupported for Prefect's own server."""
        if self._door.is_prefect:
            raise Unsupported(
                f"{self._door.where} is Prefect's own server, which does not tell why.",
                remedy=f"flowctl runs history {id}",
            )
        return self._door.get(f"/flowctl/runs/{id}/why")

    def states(self, id: str) -> list[dict[str, Any]]:
        """All states of a run, oldest first."""
        found: list[dict[str, Any]] = self._door.get("/flow_run_states/", flow_run_id=id)
        return sorted(found, key=lambda state: moments.read(state["timestamp"]))

    def moments(self, ids: Sequence[str], *, tasks: bool = False) -> list[Moment]:
        """Runs as of now; those that are gone are left out.

        tasks  also count the states of their task runs
        """
        return [self._moment(run, tasks=tasks) for run in self.read(ids)]

    # -- inside

    def _moment(self, run: Run, *, tasks: bool) -> Moment:
        state: dict[str, Any] = run["state"] or {}
        return Moment(
            id=run["id"],
            name=run["name"],
            state_type=run["state_type"],
            state_name=run["state_name"],
            message=state.get("message"),
            task_states=self._task_states(run["id"]) if tasks else {},
        )

    def _one(self, id: str) -> Run:
        found = self.read([id])
        if not found:
            raise NotFound(f"Flow run {id} not found.", remedy="flowctl runs ls")
        return found[0]

    def _found(self, query: RunQuery, limit: int | None) -> list[Run]:
        wanted = run_filters.wanted(self._find, query, moments.now())
        if wanted.sort is None:
            found: list[Run] = []
            for run in self._each(wanted, limit):
                if limit is not None and len(found) == limit:
                    break
                found.append(run)
            return found
        every = sorted(self._each(wanted, None), key=wanted.sort, reverse=wanted.is_descending)
        return every[:limit]

    def _each(self, wanted: Wanted, limit: int | None) -> Iterator[Run]:
        """The runs that are wanted, each once: what is new meanwhile moves others from one page to the next."""
        seen: set[str] = set()
        for page in self._pages(wanted, limit):
            for run in page:
                if run["id"] not in seen and wanted.keeps(run):
                    yield run
                seen.add(run["id"])

    def _pages(self, wanted: Wanted, limit: int | None) -> Iterator[list[Run]]:
        size = PAGE if limit is None or wanted.checks else min(PAGE, limit)
        offset = 0
        while page := self._door.post("/flow_runs/filter", {**wanted.body, "limit": size, "offset": offset}):
            yield page
            if len(page) < size:
                return
            offset += size

    def _parent(self, run: Run) -> tuple[str | None, str | None]:
        if not run["parent_task_run_id"]:
            return None, None
        tasks = lookups.by_id(self._door, "task_runs", [run["parent_task_run_id"]])
        parent_id = next((task["flow_run_id"] for task in tasks.values()), None)
        return parent_id, lookups.names(self._door, "flow_runs", [parent_id]).get(parent_id or "")

    def _task_states(self, id: str) -> Mapping[str, int]:
        return self._states_of("task_runs", {"flow_runs": {"id": {"any_": [id]}}})

    def _states_of(self, kind: str, filters: Mapping[str, object]) -> Mapping[str, int]:
        """How many runs are in which state, by its name: a history of one interval."""
        body = {
            **filters,
            "history_start": wire_time(_BEGINNING),
            "history_end": wire_time(_BEGINNING + _CENTURY),
            "history_interval_seconds": _CENTURY.total_seconds(),
        }
        counts: dict[str, int] = {}
        for interval in self._door.post(f"/{kind}/history", body):
            for state in interval["states"]:
                counts[state["state_name"]] = counts.get(state["state_name"], 0) + state["count_runs"]
        return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))
