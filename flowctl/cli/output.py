"""All printing: results on stdout, messages on stderr, questions, colours, the pager.  Nothing else in `cli` prints."""

from __future__ import annotations

import os
import sys

from flowctl.cli import moments, tables
from flowctl.cli.tables import Column, Look
from flowctl.domain.errors import Invalid, NotFound

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from contextlib import AbstractContextManager
    from datetime import datetime
    from typing import Any, TextIO

    from flowctl.cli.flags import Globals
    from flowctl.domain.errors import FlowctlError

DATA_FORMATS = frozenset({"json", "jsonl", "yaml"})


class Output:
    """Where and how one invocation prints."""

    def __init__(self, options: Globals, now: datetime | None = None) -> None:
        self.options = options
        self.format = options.format
        self.now = now or moments.now()
        self.look = self._look(sys.stdout)
        self.messages = self._look(sys.stderr)

    @property
    def wants_data(self) -> bool:
        """Whether the API's own objects are asked for, rather than a table of them."""
        return self.format in DATA_FORMATS or bool(self.options.fields)

    # -- results

    def table(self, columns: Sequence[Column], records: Sequence[Any]) -> None:
        """Print records as a table, as CSV, or their ids (`record.id`)."""
        if self.format == "id":
            self.lines([record.id for record in records])
        elif self.format == "csv":
            from flowctl.cli import documents

            titles = [column.title.lower() for column in columns]
            rows = [[column.data(record) for column in columns] for record in records]
            self.text(documents.csv_text(titles, rows, headers=not self.options.no_headers))
        else:
            if not records and self.look.terminal:
                return  # the hint below says it
            shown = [column for column in columns if self.format == "wide" or not column.wide]
            self.lines(tables.table(shown, records, self.look, headers=not self.options.no_headers))

    def data(self, objects: list[dict[str, Any]], *, single: bool = False) -> None:
        """Print objects in the API's shape, or only their `--fields`; `single`: the one object without a list."""
        from flowctl.cli import documents

        names = self.options.field_names
        if names:
            objects = [{name: documents.dig(each, name) for name in names} for each in objects]
        if self.format == "json":
            self.text(documents.json_text(objects[0] if single else objects) + "\n")
        elif self.format == "jsonl":
            self.text("".join(documents.json_line(each) + "\n" for each in objects))
        elif self.format == "yaml":
            self.text(documents.yaml_text(objects[0] if single else objects))
        elif self.format == "id":
            self.lines([str(each.get("id", "")) for each in objects])
        else:
            self.table([Column(name.upper(), tables.item(name)) for name in names], objects)

    def pairs(self, pairs: Sequence[tuple[str, str]]) -> None:
        """Print names and values one below the other; a value of several lines is indented."""
        indent = max((len(name) for name, _ in pairs), default=0) + 2
        lines: list[str] = []
        for name, value in pairs:
            first, *more = value.split("\n")
            lines.append(self.look.paint(name, "dim") + " " * (indent - len(name)) + first)
            lines += [" " * indent + line for line in more]
        self.lines(lines)

    def lines(self, lines: Sequence[str]) -> None:
        """Print lines."""
        if lines:
            self.text("\n".join(lines) + "\n")

    def text(self, text: str) -> None:
        """Print text, through the pager if it is longer than the terminal is high."""
        if not self._page(text):
            self.write(text)

    def write(self, text: str) -> None:
        """Print text at once, never through the pager: for what goes on while the user watches."""
        sys.stdout.write(text)
        sys.stdout.flush()

    # -- messages

    def note(self, message: str) -> None:
        """Tell something that is not the result."""
        self._message(self.messages.paint(message, "dim"))

    def hint(self, message: str) -> None:
        """Tell something about the result that only a person at a terminal wants to know."""
        if self.look.terminal and self.format in {"table", "wide"}:
            self.note(message)

    def error(self, error: FlowctlError) -> None:
        """Tell what went wrong, the candidates if there are some, and what to do."""
        self._message(f"{self.messages.paint('error:', 'red')} {error.message}")
        for candidate in error.candidates if isinstance(error, NotFound) else ():
            self._message(f"  {candidate}")
        if error.remedy:
            self._message(f"{self.messages.paint('try:', 'dim')} {error.remedy}")

    def failure(self, message: str) -> None:
        """Tell that something failed, in the command's own words."""
        self._message(message)

    def confirm(self, question: str) -> bool:
        """Ask, unless `-y` was given.  Raises Invalid where there is nobody to ask."""
        if self.options.yes:
            return True
        if not _can_ask():
            raise Invalid(
                f"{question} There is no terminal to ask at.", remedy="add -y to go ahead, or --dry-run to see more"
            )
        sys.stderr.write(f"{question} [y/N] ")
        sys.stderr.flush()
        return sys.stdin.readline().strip().lower() in {"y", "yes"}

    def progress(self, what: str, total: int) -> AbstractContextManager[Callable[[int], None]]:
        """A bar on stderr for work that takes more than a second, on a terminal; gives a function that advances it."""
        from flowctl.cli.progress import bar

        return bar(what, total, shown=self.messages.terminal)

    # -- inside

    def _message(self, text: str) -> None:
        sys.stdout.flush()
        sys.stderr.write(text + "\n")
        sys.stderr.flush()

    def _look(self, stream: TextIO) -> Look:
        terminal = stream.isatty()
        size = os.environ.get("COLUMNS", "")
        width = int(size) if size.isdigit() and int(size) else _terminal_size(stream)[0] if terminal else 80
        return Look(
            terminal=terminal,
            color=_has_color(self.options.color, terminal),
            icons=(stream.encoding or "").lower().startswith("utf"),
            utc=self.options.utc,
            width=width,
            now=self.now,
        )

    def _page(self, text: str) -> bool:
        """Show text in the pager; False if that is not for now."""
        if not self.look.terminal or self.options.no_pager or os.environ.get("TERM") == "dumb":
            return False
        command = os.environ.get("FLOWCTL_PAGER", os.environ.get("PAGER", "less"))
        if text.count("\n") < _terminal_size(sys.stdout)[1] or command in {"", "cat"}:
            return False
        import subprocess

        # -F leaves at once if one screen is enough, -R keeps colours, -X leaves the text on the screen
        environment = {"LESS": "FRX", "LESSCHARSET": "utf-8", **os.environ}
        try:
            with subprocess.Popen(command, shell=True, stdin=subprocess.PIPE, env=environment) as pager:
                try:
                    pager.communicate(text.encode(errors="replace"))
                except (BrokenPipeError, KeyboardInterrupt):
                    pager.wait()
        except OSError:
            return False
        return pager.returncode != _NO_SUCH_COMMAND


_NO_SUCH_COMMAND = 127


def _can_ask() -> bool:
    """Whether somebody is there to read a question and to answer it."""
    return sys.stdin.isatty() and sys.stderr.isatty()


def _terminal_size(stream: TextIO) -> tuple[int, int]:
    try:
        columns, lines = os.get_terminal_size(stream.fileno())
    except (OSError, ValueError):
        return 80, 24
    return columns or 80, lines or 24


def _has_color(choice: str, terminal: bool) -> bool:
    if choice != "auto":
        return choice == "always"
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR", "0") not in {"", "0"}:
        return True
    return terminal and os.environ.get("TERM") != "dumb"
