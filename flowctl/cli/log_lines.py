"""Printing log lines, once or as they arrive."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from flowctl.cli import documents, moments
from flowctl.cli.context import Session
from flowctl.cli.tables import Column, Look
from flowctl.domain.errors import Invalid

_STYLES = ((50, "magenta"), (40, "red"), (30, "yellow"), (20, ""), (0, "dim"))

_LEVELS = {50: "CRITICAL", 40: "ERROR", 30: "WARNING", 20: "INFO", 10: "DEBUG"}

POLL_SECONDS = 0.2


class LogQuery:
    """Which log lines: of some runs or flows (of all if none is named), from a level and a time on."""

    def __init__(
        self,
        *,
        run_ids: Sequence[str] = (),
        flow_ids: Sequence[str] = (),
        level: int = 0,
        since: datetime | None = None,
    ) -> None:
        self.run_ids = run_ids
        self.flow_ids = flow_ids
        self.level = level
        self.since = since


def parse_level(text: str) -> int:
    """The number of a level's name, `warning`, or of a number.  Raises Invalid."""
    if not text:
        return 0
    numbers = {name: number for number, name in _LEVELS.items()}
    number = int(text) if text.isdecimal() else numbers.get({"WARN": "WARNING"}.get(text.upper(), text.upper()))
    if number is None:
        raise Invalid(f"{text!r} is not a level; use debug, info, warning, error, critical or a number.")
    return number


def level_name(number: int) -> str:
    """`WARNING` for 30; a number without a name as it is."""
    return _LEVELS.get(number, str(number))


def parse_since(text: str, now: datetime) -> datetime | None:
    """The time that a flag `--since` names.  Raises Invalid."""
    try:
        return moments.parse_moment(text, now) if text else None
    except ValueError as error:
        raise Invalid(str(error)) from error


def show(
    session: Session, query: LogQuery, *, head: int | None = None, tail: int | None = None, reverse: bool = False
) -> None:
    """Print the lines that there are."""
    lines = session.backend.logs.find(query, head=head, tail=tail)
    if reverse:
        lines.reverse()
    output = session.output
    if output.wants_data or output.format == "id":
        output.data(lines)
    elif output.format == "csv":
        output.table(_COLUMNS, lines)
    else:
        output.lines([line_text(line, output.look) for line in lines])
        if not lines:
            output.hint("no log lines")


def follow(session: Session, query: LogQuery, *, tail: int | None = None, until_final: Sequence[str] = ()) -> None:
    """Print the lines that there are and those that arrive, until all runs of `until_final` have ended (if any)."""
    output, backend = session.output, session.backend
    if output.format not in {"table", "wide", "jsonl"}:
        raise Invalid(f"Lines that arrive cannot be printed as {output.format}.", remedy="use -o table or -o jsonl")

    def write(lines: list[dict[str, Any]]) -> None:
        if output.wants_data:
            names = output.options.field_names
            lines = [{name: documents.dig(each, name) for name in names} for each in lines] if names else lines
        texts = [documents.json_line(line) if output.wants_data else line_text(line, output.look) for line in lines]
        if texts:
            output.write("\n".join(texts) + "\n")

    write(backend.logs.begin(query, tail=tail))
    while True:
        # asked before the lines are read: what a run logs before it ends is there when it has ended
        running = not until_final or any(not moment.is_over for moment in backend.runs.moments(until_final))
        write(backend.logs.more(query))
        if not running:
            return
        while not backend.watch.changed():
            time.sleep(POLL_SECONDS)


def line_text(line: dict[str, Any], look: Look) -> str:
    """One log line: time, level, logger, message; a message of several lines goes on below."""
    level = level_name(line["level"])
    message = line["message"].rstrip("\n")
    if not look.terminal:
        return f"{line['timestamp']}  {level:<8}  {line['name']}  {message}"
    moment = moments.read(line["timestamp"])
    clock = moments.clock(moment, look.now, utc=look.utc)
    clock += f".{moment.microsecond // 1000:03d}" if len(clock) == 8 else ""
    style = next(style for number, style in _STYLES if line["level"] >= number)
    name = line["name"].removeprefix("prefect.")
    return (
        f"{look.paint(clock, 'dim')}  {look.paint(f'{level:<8}', style)}  {look.paint(name, 'dim')}  {_safe(message)}"
    )


def _safe(message: str) -> str:
    """The message without control characters, but for line breaks, tabs and colours: it cannot take over a terminal."""
    if message.isprintable():
        return message
    parts = message.split("\x1b[")
    kept = [_plain(parts[0])]
    for part in parts[1:]:
        digits = part.lstrip("0123456789;")
        is_color = digits.startswith("m")
        kept.append(f"\x1b[{part[: len(part) - len(digits)]}m{_plain(digits[1:])}" if is_color else f"[{_plain(part)}")
    return "".join(kept) + ("\x1b[0m" if len(parts) > 1 else "")


def _plain(text: str) -> str:
    return "".join(character for character in text if character.isprintable() or character in "\n\t")


_COLUMNS = (
    Column("TIMESTAMP", lambda line: line["timestamp"]),
    Column("LEVEL", lambda line: line["level"]),
    Column("NAME", lambda line: line["name"]),
    Column("MESSAGE", lambda line: line["message"]),
    Column("FLOW_RUN_ID", lambda line: line["flow_run_id"]),
    Column("TASK_RUN_ID", lambda line: line["task_run_id"]),
)
