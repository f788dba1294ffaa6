"""`flowctl runs watch | wait`."""

from __future__ import annotations

import os
import time
from collections import Counter
from typing import TYPE_CHECKING, Annotated

import typer

from flowctl.cli import completion, moments, run_table, tables, waiting
from flowctl.cli.commands import Command
from flowctl.cli.context import Session
from flowctl.cli.output import Output
from flowctl.cli.runs_read import RunsListing
from flowctl.cli.selection import choose, each, noun
from flowctl.domain.errors import Invalid

if TYPE_CHECKING:
    from flowctl.cli.results import Moment

app = typer.Typer()

_Runs = Annotated[list[str] | None, typer.Argument(metavar="[RUN...]", autocompletion=completion.runs)]
_Timeout = Annotated[str, typer.Option("--timeout", metavar="TIME", help="Give up after 90s, 10m …: exit code 124.")]

_WAIT = """
flowctl runs wait brisk-otter --timeout 10m
flowctl runs wait a71e b802 --any
flowctl runs ls -q --state running | flowctl runs wait -
"""


@app.command("wait", cls=Command, epilog=_WAIT)
def wait_for_runs(
    ctx: typer.Context,
    runs: _Runs = None,
    timeout: _Timeout = "",
    first: Annotated[bool, typer.Option("--any/--all", help="Until the first has ended, or all of them.")] = False,
) -> int:
    """Wait until flow runs have ended, and tell by the exit code how.

    0 Completed, 10 Failed, 11 Crashed, 12 Cancelled, 13 Paused, 124 timed out. Of several runs the first that did not
    complete counts.
    """
    session = Session.of(ctx)
    output = session.output
    outcome = each(session, choose(session, runs, what="runs wait"), lambda id: id)
    ids = outcome.done
    waited = waiting.wait(session, ids, timeout=waiting.parse_timeout(timeout), first=first)
    waiting.report(session, waited, ids)
    ended = [moment for moment in waited.ended.values() if moment]
    if output.wants_data or output.format == "id":
        output.data(session.backend.runs.read([moment.id for moment in ended]))
    else:
        output.lines([waiting.line(moment, output.look) for moment in ended])
    return outcome.code or waited.code(ids)


_WATCH = """
flowctl runs watch brisk-otter
flowctl runs watch @running --timeout 1h
flowctl runs watch --flow etl --since 1d
"""


@app.command("watch", cls=RunsListing, epilog=_WATCH)
def watch_runs(ctx: typer.Context, runs: _Runs = None, timeout: _Timeout = "") -> int:
    """Watch flow runs until they end; without a RUN, the list of runs, live.

    Each change of state is printed as it happens. The exit code is that of `runs wait`: 0 Completed, 10 Failed,
    11 Crashed, 12 Cancelled, 13 Paused, 124 timed out, 130 interrupted.
    """
    session = Session.of(ctx)
    seconds = waiting.parse_timeout(timeout)
    if not runs:
        return _watch_list(session, seconds)
    outcome = each(session, choose(session, runs, what="runs watch"), lambda id: id)
    ids = outcome.done
    screen = _StatusLine(session)
    try:
        waited = waiting.wait(session, ids, timeout=seconds, seen=screen.changed, tick=screen.draw)
    finally:
        screen.clear()
    waiting.report(session, waited, ids)
    return outcome.code or waited.code(ids)


class _StatusLine:
    """Changes as lines that stay; below them, on a terminal, one line about what goes on now."""

    def __init__(self, session: Session) -> None:
        self._output = session.output
        self._started = time.monotonic()
        self._states: dict[str, str | None] = {}
        self._now: dict[str, Moment] = {}

    def changed(self, moment: Moment) -> None:
        """Print a new state; that tasks have moved only shows in the line below."""
        if self._states.get(moment.id, "") != moment.state_name:
            self.clear()
            clock = moments.clock(moments.now(), moments.now(), utc=self._output.options.utc)
            self._output.write(f"{clock}  {waiting.line(moment, self._output.look)}\n")
            self._states[moment.id] = moment.state_name
        self._now[moment.id] = moment
        self.draw()

    def draw(self) -> None:
        """Draw the line anew."""
        look = self._output.look
        if not look.terminal:
            return
        open_ = [moment for moment in self._now.values() if not moment.is_over]
        if not open_:
            return
        tasks = sum((Counter(moment.task_states) for moment in self._now.values()), start=Counter[str]())
        parts = [noun(len(open_)) + " going", ", ".join(f"{count} {name}" for name, count in tasks.most_common())]
        parts.append(moments.duration(time.monotonic() - self._started))
        text = tables.cut(" · ".join(part for part in parts if part), look.width - 1)
        self._output.write(f"\r\x1b[K{look.paint(text, 'dim')}")

    def clear(self) -> None:
        """Take the line away."""
        if self._output.look.terminal:
            self._output.write("\r\x1b[K")


def _watch_list(session: Session, timeout: float | None) -> int:
    """The table of runs on the whole terminal, drawn again when something has changed."""
    output, backend = session.output, session.backend
    if not output.look.terminal:
        raise Invalid("A live list needs a terminal.", remedy="flowctl runs watch RUN…, or flowctl runs ls")
    deadline = None if timeout is None else time.monotonic() + timeout
    backend.watch.changed()
    output.write("\x1b[?1049h\x1b[?25l")  # the alternate screen, without a cursor
    try:
        while True:
            _draw_list(session, output)
            redraw = time.monotonic() + waiting.REDRAW_SECONDS
            while time.monotonic() < redraw and not backend.watch.changed():
                if deadline is not None and time.monotonic() >= deadline:
                    return waiting.TIMED_OUT
                time.sleep(waiting.POLL_SECONDS)
    finally:
        output.write("\x1b[?25h\x1b[?1049l")


def _draw_list(session: Session, output: Output) -> None:
    size = os.get_terminal_size()
    output.look.width, output.look.now = size.columns, moments.now()
    query = session.query
    query.all, query.limit = False, min(query.limit or size.lines, max(1, size.lines - 3))
    found, _more = session.backend.runs.lines(query)
    columns = [column for column in run_table.COLUMNS if not column.wide]
    lines = [*tables.table(columns, found, output.look), "", run_table.footer(found, more=False)]
    output.write("\x1b[H" + "".join(f"{line}\x1b[K\n" for line in lines[:-1]) + f"{lines[-1]}\x1b[K\x1b[J")
