"""Finding task runs over the API: those that are named, or those that filters select."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from typing import Any

from flowctl.cli import flags, moments
from flowctl.cli.commands import Command
from flowctl.cli.context import Session
from flowctl.cli.flags import Flag
from flowctl.cli.remote.run_filters import glob, literal_of
from flowctl.cli.run_query import state_type
from flowctl.cli.selection import Chosen, counted
from flowctl.domain.errors import Invalid, NotFound

DEFAULT_LIMIT = 50

SELECTION = (
    Flag("--run", metavar="RUN", many=True, help="Of this flow run, by name, id, @last, @running …"),
    Flag("--flow", metavar="FLOW", many=True, help="Of runs of this flow, by name or id.", aliases=("--flow-name",)),
    Flag(
        "--state",
        metavar="STATE,…",
        many=True,
        help="State type or name, several with commas: failed,crashed,Cached.",
        aliases=("--state-type",),
    ),
    Flag(
        "--name",
        metavar="GLOB",
        help="Name of the task run; *, ? and [abc] are wildcards.",
        aliases=("--task-run-name",),
    ),
    Flag("--tag", metavar="TAG", many=True, help="Has this tag; given twice, has both."),
    Flag("--since", metavar="TIME", help="Due since: 2h, 7d, today, 2026-01-31T10:00."),
    Flag("--until", metavar="TIME", help="Due before this time."),
)

SORTS = {
    "start": "EXPECTED_START_TIME_ASC",
    "-start": "EXPECTED_START_TIME_DESC",
    "name": "NAME_ASC",
    "-name": "NAME_DESC",
    "-end": "END_TIME_DESC",
}


class TasksListing(Command):
    """A command that lists task runs."""

    flags = (
        *SELECTION,
        *flags.LISTING,
        Flag("--sort", metavar="ORDER", choices=tuple(SORTS), help="start, -start, name, -name or -end (-start)."),
    )


class TasksSelection(Command):
    """A command on the task runs that are named or that filters select."""

    flags = (*SELECTION, *flags.LISTING[:1])


def body(session: Session) -> dict[str, Any]:
    """The filters that were given, as a request has them, but for the glob.

    Raises NotFound for a run or flow that does not exist, Invalid for a time that cannot be read.
    """
    query, now = session.query, session.output.now
    tasks: dict[str, Any] = {}
    found: dict[str, Any] = {"task_runs": tasks, "sort": SORTS[query.sort]}
    runs: Sequence[str] = query.__dict__.get("run", ())
    if runs:
        tasks["flow_run_id"] = {"any_": session.backend.runs.ids(runs)}
    if query.flow:
        found["flows"] = {"id": {"any_": [session.backend.flows.id(flow) for flow in query.flow]}}
    if query.states:
        tasks["state"] = _states(query.states)
    if query.name and (plain := literal_of(query.name)):
        tasks["name"] = {"like_": plain}
    if query.tag:
        tasks["tags"] = {"all_": list(query.tag)}
    due: dict[str, str] = {}
    try:
        if query.since:
            due["after_"] = moments.parse_moment(query.since, now).isoformat()
        if query.until:
            due["before_"] = moments.parse_moment(query.until, now).isoformat()
    except ValueError as error:
        raise Invalid(str(error)) from None
    if due:
        tasks["expected_start_time"] = due
    return found


def find(session: Session, *, limit: int | None) -> tuple[list[dict[str, Any]], bool]:
    """The task runs that the filters select, and whether there are more than the limit."""
    found: list[dict[str, Any]] = []
    for task in _matching(session, None if limit is None or session.query.name else limit + 1):
        if limit is not None and len(found) == limit:
            return found, True
        found.append(task)
    return found, False


def choose(session: Session, references: Sequence[str] | None, *, what: str) -> Chosen:
    """The task runs to work on.

    what  the command, for the sentence that says how to name some
    Raises Invalid when none or too much is named; NotFound when a single reference fits nothing.
    """
    names = list(references or ())
    selects = session.query.selects
    if names and selects:
        raise Invalid("Name task runs or give filters, not both.", remedy=f"flowctl {what} --help")
    if selects:
        found, _ = find(session, limit=session.query.limit)
        return Chosen([task["id"] for task in found])
    if "-" in names:
        piped = [line.split()[0] for line in sys.stdin if line.strip()]
        names = [each for name in names for each in (piped if name == "-" else [name])]
    elif not names:
        raise Invalid("Which task runs?", remedy=f"flowctl {what} ID…, - to read ids from a pipe, or filters (--run …)")
    chosen = Chosen()
    for name in names:
        try:
            ids = session.backend.tasks.ids([name])
        except NotFound as error:
            if len(names) == 1:
                raise
            chosen.missing.append((name, error))
        else:
            chosen.ids += [id for id in ids if id not in chosen.ids]
    return chosen


def noun(count: int) -> str:
    """`1 task run`, `18,204 task runs`."""
    return counted(count, "task run")


def _matching(session: Session, limit: int | None) -> Iterator[dict[str, Any]]:
    matches = glob(session.query.name).fullmatch if session.query.name else None
    for page in session.api.pages("/task_runs/filter", body(session), limit=limit):
        yield from (task for task in page if matches is None or matches(task["name"]))


def _states(words: Sequence[str]) -> dict[str, Any]:
    types: list[str] = []
    names: list[str] = []
    for word in words:
        known = state_type(word)
        if known and known[1] is None:
            types.append(known[0])
        else:
            names.append((known[1] if known else None) or word)
    parts: dict[str, Any] = {}
    if types:
        parts["type"] = {"any_": types}
    if names:
        parts["name"] = {"any_": names}
    return {"operator": "or_", **parts} if len(parts) > 1 else parts
