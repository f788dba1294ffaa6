"""The page of `flowctl --help`, made from the tables of commands and flags; starts fast."""

from __future__ import annotations

import os

from flowctl.cli import flags, tree

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_WIDEST = 110
_NARROWEST = 50
_LEFT = 30
"""Characters that the left column may have."""


def root(width: int | None = None) -> str:
    """The whole page.

    width  characters of a line; None: those of the terminal
    """
    width = max(min(width or _terminal_width(), _WIDEST) - 2, _NARROWEST)
    commands = [(name, entry.sentence) for name, entry in tree.TREE.items() if not entry.hidden]
    own = (
        ("--version", "Print the version."),
        *map(_line, flags.GLOBAL),
        ("-h, --help", "Show this message and exit."),
    )
    return "\n".join(
        [
            tree.SENTENCE,
            "",
            "Examples:",
            *(f"  {line}" for line in tree.EXAMPLES.strip().splitlines()),
            "",
            "Usage: flowctl [OPTIONS] COMMAND [ARGS]...",
            "",
            "Commands:",
            *_columns(commands, width),
            "",
            "Options:",
            *_columns(own, width),
        ]
    )


def _line(flag: flags.Flag) -> tuple[str, str]:
    spellings = ", ".join(sorted(flag.spellings, key=lambda spelling: spelling.startswith("--")))
    return f"{spellings} {flag.metavar}" if flag.metavar else spellings, flag.help


def _columns(rows: Sequence[tuple[str, str]], width: int) -> Iterable[str]:
    left = min(max(len(row[0]) for row in rows), _LEFT) + 4
    for term, text in rows:
        first, *rest = _wrapped(text, max(width - left, 20))
        if len(term) > left - 4:
            yield f"  {term}"
            term = ""
        yield f"  {term:{left - 2}}{first}"
        for line in rest:
            yield " " * left + line


def _wrapped(text: str, width: int) -> list[str]:
    lines = [""]
    for word in text.split():
        if lines[-1] and len(lines[-1]) + 1 + len(word) > width:
            lines.append("")
        lines[-1] += f" {word}" if lines[-1] else word
    return lines


def _terminal_width() -> int:
    try:
        return int(os.environ.get("COLUMNS", "")) or 80
    except ValueError:
        pass
    for descriptor in (1, 0, 2):
        try:
            return os.get_terminal_size(descriptor).columns or 80
        except OSError:
            continue
    return 80
