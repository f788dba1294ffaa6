"""`flowctl top`: what goes on now, live, on the whole screen."""

from __future__ import annotations

import sys
import time
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any

import typer

from flowctl.cli import active_runs, log_lines, moments, statistics, tables
from flowctl.cli.active_runs import ActiveRun, Criteria
from flowctl.cli.context import Session
from flowctl.cli.keys import Keys
from flowctl.cli.ps import Deployments, Flows, Tags, criteria
from flowctl.domain.errors import FlowctlError, Invalid

if TYPE_CHECKING:
    from flowctl.cli.results import Status

EXAMPLES = """
flowctl top
flowctl top --flow etl --interval 5s
flowctl top --once
"""

_INTERVAL = "1s"
_STATUS_SECONDS = 3.0
_HISTORY = 40
"""How many refreshes the bars look back."""
_LOG_LINES = 200

_HELP = "q quit · ↑↓ select · c cancel · l logs · space pause"
_HELP_LOGS = "q or esc back"


def top(
    ctx: typer.Context,
    flow: Flows = None,
    deployment: Deployments = None,
    tag: Tags = None,
    interval: Annotated[
        str, typer.Option("--interval", "-n", metavar="TIME", help="How often to look again.")
    ] = _INTERVAL,
    once: Annotated[bool, typer.Option("--once", help="Print it once, without the screen.")] = False,
) -> int:
    """Show what goes on, live: the server, its services, and the active runs with their tasks; like `ps` on a screen.

    Keys: q quits, arrows (or j and k) select a run, c cancels it after a question, l shows its last log lines, space
    holds the screen still. Without a terminal it needs --once.
    """
    session = Session.of(ctx)
    try:
        seconds = max(0.2, moments.parse_duration(interval))
    except ValueError as error:
        raise Invalid(str(error)) from None
    screen = Screen(session, criteria(session, flow, deployment, tag))
    if once:
        screen.refresh()
        session.output.lines(screen.lines(session.output.look.width, 10_000))
        return 0
    if not (session.output.look.terminal and sys.stdin.isatty()):
        raise Invalid("`flowctl top` needs a terminal.", remedy="flowctl top --once, or flowctl ps")
    return _live(screen, seconds)


@dataclass(slots=True)
class Screen:
    """What the screen shows, and what keys have changed about it."""

    session: Session
    criteria: Criteria
    runs: list[ActiveRun] = field(default_factory=list[ActiveRun])
    status: Status | None = None
    selected: str = ""
    """The id of the selected run."""
    is_held: bool = False
    asks: ActiveRun | None = None
    """The run about whose cancellation it asks."""
    log_of: ActiveRun | None = None
    """The run whose log it shows."""
    log: list[str] = field(default_factory=list[str])
    message: str = ""
    history: deque[int] = field(default_factory=lambda: deque[int](maxlen=_HISTORY))
    """How many runs were running, at each refresh."""
    _status_due: float = 0.0

    def refresh(self) -> None:
        """Read everything anew; the server's own state less often.  Trouble becomes the message."""
        session = self.session
        session.output.look.now = moments.now()
        try:
            self.runs, _ = active_runs.find(session.api, self.criteria, limit=_LOG_LINES)
            if time.monotonic() >= self._status_due:
                self.status = session.backend.status()
                self._status_due = time.monotonic() + _STATUS_SECONDS
            if self.log_of:
                self._read_log(self.log_of)
        except FlowctlError as error:
            self.message = error.message
            return
        self.history.append(sum(run.line.state_type == "RUNNING" for run in self.runs))
        if self.selected not in [run.id for run in self.runs]:
            self.selected = self.runs[0].id if self.runs else ""

    def press(self, key: str) -> bool:
        """Do what a key means; False: quit."""
        if self.asks is not None:
            self._answer(self.asks, key)
        elif self.log_of is not None:
            if key in ("q", "escape", "l"):
                self.log_of = None
        elif key in ("q", "escape"):
            return False
        elif key in ("up", "k"):
            self._move(-1)
        elif key in ("down", "j"):
            self._move(1)
        elif key == " ":
            self.is_held = not self.is_held
        elif (run := self._run()) is not None and key in ("c", "l"):
            if key == "c":
                self.asks = run
            else:
                self.log_of, self.message = run, ""
                self._read_log(run)
        return True

    def lines(self, width: int, height: int) -> list[str]:
        """The screen as lines, at most `height`."""
        look = self.session.output.look
        look.width = width
        head = self._head()
        if self.log_of is not None:
            room = max(1, height - 3)
            title = look.paint(f"log of {self.log_of.line.name}", "bold")
            return [title, *(self.log[-room:] or ["no log lines"]), "", look.paint(_HELP_LOGS, "dim")]
        columns = [column for column in active_runs.COLUMNS if not column.wide and column.title != "START"]
        room = max(1, height - len(head) - 4)
        body = tables.table(columns, self._window(room), look)
        if not self.runs:
            body = [look.paint("nothing goes on", "dim")]
        elif look.terminal:
            body = [body[0], *(self._marked(line, run) for line, run in zip(body[1:], self._window(room), strict=True))]
        return [*head, "", *body, *self._foot(len(self.runs) - room)]

    # -- inside

    def _head(self) -> list[str]:
        output, status = self.session.output, self.status
        look = output.look
        clock = moments.clock(look.now, look.now, utc=output.options.utc)
        lines = [f"{look.paint('flowctl top', 'bold')}  {clock}  {self.session.api.where}"]
        if status is None:
            return lines
        server = status.server
        if server is None:
            lines.append(look.paint("no server runs on this database: schedules and late runs wait", "yellow"))
        else:
            word = "ok" if server.get("message") == "OK" else look.paint(str(server.get("message")), "red")
            lines.append(f"server {server['url']}  {word}{self._services(server.get('services') or {})}")
        counts = [f"{count:,} {state}" for state, count in status.runs.items() if count]
        bars = statistics.sparkline(list(self.history)) if look.icons else ""
        running = f"  running {look.paint(bars.rjust(_HISTORY), 'blue')}" if bars.strip() and look.terminal else ""
        lines.append(f"runs   {', '.join(counts) or 'none that is not over'}{running}")
        return [tables.cut(line, look.width) if "\x1b" not in line else line for line in lines]

    def _services(self, services: dict[str, dict[str, Any]]) -> str:
        if not services:
            return ""
        failing = [name for name, each in services.items() if each.get("failures")]
        look = self.session.output.look
        if failing:
            return "  " + look.paint(f"failing: {', '.join(failing)}", "red")
        return f"  {len(services)} services"

    def _foot(self, hidden: int) -> list[str]:
        look = self.session.output.look
        if not look.terminal:
            return []
        if self.asks is not None:
            return ["", look.paint(f"Cancel {self.asks.line.name} ({tables.short_id(self.asks.id)})? [y/N]", "yellow")]
        more = f"{hidden:,} more below · " if hidden > 0 else ""
        held = "held still · " if self.is_held else ""
        keys = _HELP if look.icons else _HELP.replace("↑↓", "j/k").replace("·", "|")
        return ["", look.paint(self.message, "yellow") if self.message else look.paint(more + held + keys, "dim")]

    def _window(self, room: int) -> list[ActiveRun]:
        """The runs around the selected one that fit the screen."""
        index = next((i for i, run in enumerate(self.runs) if run.id == self.selected), 0)
        start = max(0, min(index - room // 2, len(self.runs) - room))
        return self.runs[start : start + room]

    def _marked(self, line: str, run: ActiveRun) -> str:
        if run.id != self.selected:
            return line
        return f"\x1b[7m{line.replace(chr(27) + '[0m', chr(27) + '[0;7m')}\x1b[0m"

    def _run(self) -> ActiveRun | None:
        return next((run for run in self.runs if run.id == self.selected), None)

    def _move(self, step: int) -> None:
        ids = [run.id for run in self.runs]
        if ids:
            index = ids.index(self.selected) if self.selected in ids else 0
            self.selected = ids[max(0, min(len(ids) - 1, index + step))]
        self.message = ""

    def _answer(self, run: ActiveRun, key: str) -> None:
        self.asks = None
        if key.lower() != "y":
            self.message = "not cancelled"
            return
        if self.session.options.dry_run:
            self.message = f"would cancel {run.line.name}"
            return
        try:
            state = {"type": "CANCELLING", "name": "Cancelling", "message": "Cancelled by flowctl top"}
            answer = self.session.api.post(f"/flow_runs/{run.id}/set_state", {"state": state, "force": False})
        except FlowctlError as error:
            self.message = error.message
            return
        accepted: dict[str, Any] = answer["state"] or {}
        after: str = accepted.get("name", "")
        reason: str = answer["details"].get("reason") or ""
        is_done = after in ("Cancelling", "Cancelled")
        self.message = f"{run.line.name} is {after}" if is_done else f"refused: {reason}"

    def _read_log(self, run: ActiveRun) -> None:
        body = {"logs": {"flow_run_id": {"any_": [run.id]}}, "sort": "TIMESTAMP_DESC"}
        found = self.session.api.all("/logs/filter", body, limit=_LOG_LINES)
        look = self.session.output.look
        lines = [line for entry in reversed(found) for line in log_lines.line_text(entry, look).splitlines()]
        self.log = [line if "\x1b" in line else tables.cut(line, look.width) for line in lines]


def _live(screen: Screen, seconds: float) -> int:
    """Draw until a key quits; the terminal is left as it was, whatever ends it."""
    from rich.console import Console
    from rich.live import Live
    from rich.text import Text

    console = Console()

    def drawn() -> Text:
        lines = screen.lines(console.width, console.height)[: console.height]
        return Text.from_ansi("\n".join(lines), no_wrap=True, overflow="crop")

    screen.refresh()
    with Keys() as keys, Live(drawn(), console=console, screen=True, auto_refresh=False) as live:
        due = time.monotonic() + seconds
        while True:
            live.update(drawn(), refresh=True)
            key = keys.next(max(0.0, due - time.monotonic()))
            if key and not screen.press(key):
                return 0
            if time.monotonic() >= due:
                if not screen.is_held:
                    screen.refresh()
                due = time.monotonic() + seconds
