"""The runs that a command is told to work on: named one by one, read from standard input, or selected by filters."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from flowctl.cli.context import PARTIAL, Session, exit_code
from flowctl.domain.errors import FlowctlError, Invalid, NotFound

T = TypeVar("T")


@dataclass(slots=True)
class Chosen:
    """Ids of runs, each once; and what could not be found."""

    ids: list[str] = field(default_factory=list[str])
    missing: list[tuple[str, NotFound]] = field(default_factory=list[tuple[str, NotFound]])


@dataclass(slots=True)
class Outcome(Generic[T]):
    """What came of the same work on several runs."""

    done: list[T] = field(default_factory=list[T])
    failed: list[tuple[str, int]] = field(default_factory=list[tuple[str, int]])
    """What failed, and the exit code it would have alone."""

    @property
    def code(self) -> int:
        """0 if nothing failed, that of the failure if all did, else 7."""
        if not self.failed:
            return 0
        return PARTIAL if self.done else self.failed[0][1]


def choose(session: Session, references: Sequence[str] | None, *, what: str) -> Chosen:
    """The runs to work on.

    what  the command, for the sentence that says how to name some
    Raises Invalid when none or too much is named; NotFound when a single reference fits nothing.
    """
    names = list(references or ())
    if names and session.query.selects:
        raise Invalid("Name runs or give filters, not both.", remedy=f"flowctl {what} --help")
    if session.query.selects:
        return Chosen(session.backend.runs.selected(session.query))
    if "-" in names:
        position = names.index("-")
        names[position : position + 1] = [line.split()[0] for line in sys.stdin if line.strip()]
        if not names:
            return Chosen()
    if not names:
        raise Invalid("Which runs?", remedy=f"flowctl {what} ID…, - to read ids from a pipe, or filters (--state …)")
    chosen = Chosen()
    for name in names:
        try:
            found = session.backend.runs.ids([name])
        except NotFound as error:
            if len(names) == 1:
                raise
            chosen.missing.append((name, error))
        else:
            chosen.ids += [id for id in found if id not in chosen.ids]
    return chosen


def each(session: Session, chosen: Chosen, work: Callable[[str], T], *, doing: str = "") -> Outcome[T]:
    """Do the work on each run; errors are told at once and do not keep it from the others.

    doing  what a progress bar calls it; empty: none is shown
    """
    outcome: Outcome[T] = Outcome()
    for name, error in chosen.missing:
        session.output.error(error)
        outcome.failed.append((name, exit_code(error)))
    with session.output.progress(doing, len(chosen.ids)) if doing else nullcontext(_ignore) as advance:
        for id in chosen.ids:
            try:
                outcome.done.append(work(id))
            except FlowctlError as error:
                session.output.error(error)
                outcome.failed.append((id, exit_code(error)))
            advance(1)
    return outcome


def delete_each(session: Session, chosen: Chosen, path: str, name: str) -> int:
    """Delete each of the API's objects, and tell which; the exit code.

    path  of the objects: `/flows`
    name  what one of them is called: `flow`
    """

    def delete(id: str) -> str:
        session.api.call("DELETE", f"{path}/{id}")
        return id

    outcome = each(session, chosen, delete, doing="deleting")
    if session.output.wants_data or session.output.format == "id":
        session.output.data([{"id": id} for id in outcome.done])
    else:
        session.output.note(f"deleted {counted(len(outcome.done), name)}")
    return outcome.code


def counted(count: int, name: str) -> str:
    """`1 flow`, `18,204 flows`."""
    return f"{count:,} {name}{'' if count == 1 else 's'}"


def _ignore(_done: int) -> None:
    pass


def noun(count: int) -> str:
    """`1 run`, `18,204 runs`."""
    return counted(count, "run")
