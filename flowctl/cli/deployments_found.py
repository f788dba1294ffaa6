"""Finding deployments over the API: one that is named, or those that filters select, with their flows' names."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Annotated, Any

import typer

from flowctl.cli import completion, lookups
from flowctl.cli.context import Session
from flowctl.cli.schedule_text import words
from flowctl.domain.errors import Invalid, NotFound

Reference = Annotated[str, typer.Argument(metavar="FLOW/DEPLOYMENT", autocompletion=completion.deployments)]
References = Annotated[
    list[str] | None, typer.Argument(metavar="[FLOW/DEPLOYMENT...]", autocompletion=completion.deployments)
]

Which = Annotated[str, typer.Argument(metavar="[SCHEDULE]", help="Its id or slug; needed where there are several.")]

Flows = Annotated[
    list[str] | None,
    typer.Option("--flow", metavar="FLOW", help="Of this flow, by name or id.", autocompletion=completion.flows),
]
Tags = Annotated[list[str] | None, typer.Option("--tag", metavar="TAG", help="Has this tag; given twice, has both.")]
Name = Annotated[
    str, typer.Option("--name", metavar="GLOB", help="Name of the deployment; *, ? and [abc] are wildcards.")
]
Pools = Annotated[list[str] | None, typer.Option("--pool", metavar="POOL", help="Runs in this work pool.")]
Paused = Annotated[bool | None, typer.Option("--paused/--active", help="Is paused, or is not.")]


@dataclass(slots=True, kw_only=True)
class Filters:
    """Which deployments."""

    flows: Sequence[str] | None = None
    tags: Sequence[str] | None = None
    name: str = ""
    pools: Sequence[str] | None = None
    paused: bool | None = None

    @property
    def any(self) -> bool:
        """Whether a filter is given."""
        return bool(self.flows or self.tags or self.name or self.pools or self.paused is not None)

    def body(self, session: Session) -> dict[str, Any]:
        """The filters of a request, but for the glob.  Raises NotFound for a flow that does not exist."""
        deployments: dict[str, Any] = {}
        body: dict[str, Any] = {"deployments": deployments}
        if self.flows:
            body["flows"] = {"id": {"any_": [session.backend.flows.id(flow) for flow in self.flows]}}
        if self.tags:
            deployments["tags"] = {"all_": list(self.tags)}
        if self.paused is not None:
            deployments["paused"] = {"eq_": self.paused}
        if self.pools:
            body["work_pools"] = {"name": {"any_": list(self.pools)}}
        return body


@dataclass(slots=True)
class Found:
    """A deployment as the API answers it, and the name that people call it by."""

    own: dict[str, Any]
    flow: str

    @property
    def id(self) -> str:
        """The id."""
        return self.own["id"]

    @property
    def name(self) -> str:
        """FLOW/DEPLOYMENT."""
        return f"{self.flow}/{self.own['name']}"

    @property
    def status(self) -> str:
        """`paused`, `ready` or `not ready`."""
        return "paused" if self.own["paused"] else (self.own["status"] or "").lower().replace("_", " ")

    @property
    def active_schedules(self) -> int:
        """How many schedules make runs, once the deployment is not paused."""
        return sum(bool(schedule["active"]) for schedule in self.own["schedules"])


def one(session: Session, reference: str) -> Found:
    """The deployment that a reference names.  Raises NotFound."""
    own = session.api.get(f"/deployments/{session.backend.deployments.id(reference)}")
    return Found(own, lookups.names(session.api, "flows", [own["flow_id"]]).get(own["flow_id"], "?"))


def select(session: Session, filters: Filters) -> list[Found]:
    """The deployments that filters select, by name."""
    rows = session.api.all("/deployments/filter", filters.body(session))
    if filters.name:
        rows = [row for row in rows if fnmatchcase(row["name"], filters.name)]
    flows = lookups.names(session.api, "flows", (row["flow_id"] for row in rows))
    return sorted((Found(row, flows.get(row["flow_id"], "?")) for row in rows), key=lambda found: found.name)


def choose(session: Session, references: Sequence[str] | None, filters: Filters, *, what: str) -> list[Found]:
    """The deployments that are named, or that filters select.

    what  the command, for the sentence that says how to name some
    Raises Invalid when none or too much is named, NotFound.
    """
    names = list(references or ())
    if names and filters.any:
        raise Invalid("Name deployments or give filters, not both.", remedy=f"flowctl {what} --help")
    if filters.any:
        return select(session, filters)
    if "-" in names:
        names = [word for name in names for word in (sys.stdin.read().split() if name == "-" else [name])]
    elif not names:
        raise Invalid("Which deployments?", remedy=f"flowctl {what} FLOW/DEPLOYMENT…, or filters (--flow, --tag …)")
    return [one(session, name) for name in dict.fromkeys(names)]


def scheduled(session: Session, ids: Sequence[str], *, limit: int | None) -> list[dict[str, Any]]:
    """The runs of deployments that wait for their time, the next one first."""
    runs: dict[str, Any] = {"state": {"type": {"any_": ["SCHEDULED"]}}, "deployment_id": {"any_": list(ids)}}
    body = {"flow_runs": runs, "sort": "NEXT_SCHEDULED_START_TIME_ASC"}
    return session.api.all("/flow_runs/filter", body, limit=limit) if ids else []


def entry(found: Found, which: str) -> dict[str, Any]:
    """The schedule with this slug or (beginning of an) id; without either, the only one.  Raises NotFound."""
    entries: list[dict[str, Any]] = found.own["schedules"]
    fitting = [each for each in entries if each["slug"] == which] or [
        each for each in entries if each["id"].startswith(which.lower())
    ]
    if len(fitting) == 1:
        return fitting[0]
    if not entries:
        raise NotFound(f"{found.name} has no schedule.", remedy="flowctl deployments schedule add")
    said = f"{which!r} is {len(fitting) or 'no'} of the {len(entries)} schedules" if which else "Which schedule"
    ending = f" of {found.name}." if which else f" of {found.name}? There are {len(entries)}."
    candidates = [f"{each['id']}  {words(each['schedule'])}  {each['slug'] or ''}".rstrip() for each in entries]
    raise NotFound(said + ending, candidates=candidates, remedy="name one by its id or slug")
