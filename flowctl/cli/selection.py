"""The runs that a command is told to work on: named one by one, read from standard input, or selected by filters."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

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


def each(session: Session, chosen: Chosen, work: Callable[[str], T]) -> Outcome[T]:
    """Do the work on each run; errors are told at once and do not keep it from the others."""
    outcome: Outcome[T] = Outcome()
    for name, error in chosen.missing:
        session.output.error(error)
        outcome.failed.append((name, exit_code(error)))
    for id in chosen.ids:
        try:
            outcome.done.append(work(id))
        except FlowctlError as error:
            session.output.error(error)
            outcome.failed.append((id, exit_code(error)))
    return outcome


def noun(count: int) -> str:
    """`1 run`, `18,204 runs`."""
    return f"{count:,} run{'' if count == 1 else 's'}"


def parse_value(text: str) -> Any:
    """A value of `K=V`: JSON if it can be read so, else text."""
    import json

    try:
        return json.loads(text)
    except ValueError:
        return text
