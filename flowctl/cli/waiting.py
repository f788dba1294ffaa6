"""Waiting for runs to end, by following the database, and the exit codes that tell how they ended."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from flowctl.cli import moments, run_table
from flowctl.cli.context import Session
from flowctl.cli.tables import Look, short_id
from flowctl.domain.errors import Invalid, NotFound

if TYPE_CHECKING:
    from flowctl.cli.results import Moment

    Seen = Callable[[Moment], None]

TIMED_OUT = 124

_CODES = {"FAILED": 10, "CRASHED": 11, "CANCELLED": 12, "PAUSED": 13}
_GONE = 3

POLL_SECONDS = 0.2
REDRAW_SECONDS = 1.0


@dataclass(slots=True)
class Waited:
    """How waiting ended."""

    ended: dict[str, Moment | None] = field(default_factory=dict[str, "Moment | None"])
    """Runs that have ended or paused; None for one that was deleted meanwhile."""
    timed_out: bool = False

    def code(self, ids: Iterable[str], *, welcome: str = "COMPLETED") -> int:
        """The exit code: that of the first run which did not end well; `welcome` is a state that counts as well."""
        if self.timed_out:
            return TIMED_OUT
        types = [None if (run := self.ended[id]) is None else run.state_type for id in ids if id in self.ended]
        codes = (_GONE if type is None else 0 if type == welcome else _CODES.get(type, 0) for type in types)
        return next((code for code in codes if code), 0)


def parse_timeout(text: str) -> float | None:
    """Seconds of a flag `--timeout`.  Raises Invalid."""
    try:
        return moments.parse_duration(text) if text else None
    except ValueError as error:
        raise Invalid(str(error)) from error


def wait(
    session: Session,
    ids: Sequence[str],
    *,
    timeout: float | None = None,
    first: bool = False,
    seen: Seen | None = None,
    tick: Callable[[], None] | None = None,
) -> Waited:
    """Wait until every run (or the `first`) has ended or paused.

    timeout  seconds
    seen     called with each run at the beginning and whenever it has changed
    tick     called once a second meanwhile
    """
    backend, waited = session.backend, Waited()
    backend.watch.changed()  # from here on no commit is missed
    deadline = None if timeout is None else time.monotonic() + timeout
    known: dict[str, Moment] = {}
    while True:
        open_ = [id for id in ids if id not in waited.ended]
        present = {moment.id: moment for moment in backend.runs.moments(open_, tasks=seen is not None)}
        for id in ids:
            moment = present.get(id)
            if id in waited.ended:
                continue
            if moment is not None and seen and known.get(id) != moment:
                known[id] = moment
                seen(moment)
            if moment is None or moment.is_over or moment.state_type == "PAUSED":
                waited.ended[id] = moment
        if len(waited.ended) == len(ids) or (first and waited.ended):
            return waited
        if not _changes(session, deadline, tick):
            waited.timed_out = True
            return waited


def report(session: Session, waited: Waited, ids: Sequence[str]) -> None:
    """Tell about runs that are gone or have not ended in time."""
    for id in ids:
        if id in waited.ended and waited.ended[id] is None:
            session.output.error(NotFound(f"Flow run {id} was deleted meanwhile."))
    if waited.timed_out:
        left = [id for id in ids if id not in waited.ended]
        session.output.note(
            f"timed out: {len(left)} of {len(ids)} still going: {', '.join(short_id(id) for id in left)}"
        )


def line(moment: Moment, look: Look, *, message: bool = True) -> str:
    """One line about a run's state."""
    state = look.paint(
        run_table.state_text(moment.state_type, moment.state_name, look), run_table.state_style(moment.state_type)
    )
    detail = f": {moment.message}" if message and moment.message else ""
    return f"{moment.name} ({short_id(moment.id) if look.terminal else moment.id})  {state}{detail}"


def _changes(session: Session, deadline: float | None, tick: Callable[[], None] | None) -> bool:
    """Wait until something was committed; False at the deadline."""
    next_tick = time.monotonic()
    while not session.backend.watch.changed():
        now = time.monotonic()
        if deadline is not None and now >= deadline:
            return False
        if tick and now >= next_tick:
            tick()
            next_tick = now + REDRAW_SECONDS
        time.sleep(POLL_SECONDS if deadline is None else max(0.0, min(POLL_SECONDS, deadline - now)))
    return True
