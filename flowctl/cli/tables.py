"""Columns and the layout of tables: widths, truncation on a terminal, colours.  Text in, text out; starts fast."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime
    from typing import Any, TypeAlias

    Text: TypeAlias = "Callable[[Any, Look], str]"
    Style: TypeAlias = "Callable[[Any], str]"

_GAP = "  "
_READABLE = 12
"""Characters that a column which may be cut keeps as long as other columns can be left out instead."""

_NARROWEST = 6

STYLES = {
    "green": "32",
    "red": "31",
    "yellow": "33",
    "blue": "34",
    "magenta": "35",
    "cyan": "36",
    "dim": "2",
    "bold": "1",
}


class Look:
    """How text is shown on one stream.

    terminal  a person reads it: local times, short ids, icons, cells cut to the width; else everything in full
    """

    def __init__(self, *, terminal: bool, color: bool, icons: bool, utc: bool, width: int, now: datetime) -> None:
        self.terminal = terminal
        self.color = color
        self.icons = icons
        self.utc = utc
        self.width = width
        self.now = now

    @property
    def nothing(self) -> str:
        """What stands for a value that is missing."""
        return "—" if self.terminal and self.icons else "-"

    def paint(self, text: str, style: str) -> str:
        """The text in a style of STYLES, where there are colours."""
        return f"\x1b[{STYLES[style]}m{text}\x1b[0m" if style and self.color else text


class Column:
    """A column of a table.

    data   the value of a record, as data: for CSV, and for the table unless `text` is given
    text   the same for people
    style  its colour
    cut    may be truncated on a narrow terminal
    spare  may be left out on a narrow terminal
    wide   shown by `-o wide` and in CSV only
    """

    def __init__(
        self,
        title: str,
        data: Callable[[Any], object],
        text: Text | None = None,
        *,
        style: Style | None = None,
        cut: bool = False,
        spare: bool = False,
        wide: bool = False,
    ) -> None:
        self.title = title
        self.data = data
        self.text = text
        self.style = style
        self.cut = cut
        self.spare = spare
        self.wide = wide

    def cell(self, record: object, look: Look) -> str:
        """The text of one cell."""
        if self.text:
            return clean(self.text(record, look)) or look.nothing
        value = self.data(record)
        return look.nothing if value is None or value == "" else clean(plain(value))


def item(name: str) -> Callable[[Any], object]:
    """Takes the value of a key out of a record that is a dict."""
    return lambda record: record.get(name)


def plain(value: object) -> str:
    """A value as a word of text."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (list, tuple)):
        return ",".join(plain(each) for each in value)  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType] - parsed JSON
    if isinstance(value, dict):
        import json

        return json.dumps(value, ensure_ascii=False)
    return "" if value is None else str(value)


def block(values: Mapping[str, object] | None) -> str:
    """Names and values of an object, one a line, the values as JSON."""
    import json

    return "\n".join(f"{name}: {json.dumps(value, ensure_ascii=False)}" for name, value in (values or {}).items())


def short_id(id: str) -> str:
    """As much of an id as tells it from others: eight characters, or eighteen where the first twelve are a time."""
    return id[:18] if id[14:15] == "7" else id[:8]


def clean(text: str) -> str:
    """The text with its control characters made visible: no cell breaks a line or talks to the terminal."""
    if text.isprintable():
        return text
    return "".join(character if character.isprintable() else ascii(character)[1:-1] for character in text)


def table(columns: Sequence[Column], records: Sequence[object], look: Look, *, headers: bool = True) -> list[str]:
    """The lines of a table; on a terminal none is longer than its width, if that can be."""
    columns = list(columns)
    cells = [[column.cell(record, look) for column in columns] for record in records]
    widths = [max((width(row[i]) for row in cells), default=0) for i in range(len(columns))]
    if headers:
        widths = [max(width(column.title), found) for column, found in zip(columns, widths, strict=True)]
    shown = _fit(columns, widths, look.width) if look.terminal else range(len(columns))
    lines: list[str] = []
    if headers:
        titles = [pad(columns[i].title, widths[i]) for i in shown]
        lines.append(look.paint(_GAP.join(titles).rstrip(), "dim"))
    for record, row in zip(records, cells, strict=True):
        parts: list[str] = []
        for i in shown:
            style = columns[i].style
            text = pad(cut(row[i], widths[i]), widths[i] if i != shown[-1] else 0)
            parts.append(look.paint(text, style(record)) if style else text)
        lines.append(_GAP.join(parts).rstrip())
    return lines


def _fit(columns: list[Column], widths: list[int], room: int) -> list[int]:
    """Narrow `widths` to the room, and tell which columns are shown: spare ones go before others become unreadable."""
    shown = list(range(len(columns)))

    def excess(narrowest: int) -> int:
        least = (min(widths[i], narrowest) if columns[i].cut else widths[i] for i in shown)
        return sum(least) + len(_GAP) * (len(shown) - 1) - room

    while excess(_READABLE) > 0 and (spare := [i for i in shown if columns[i].spare]):
        shown.remove(spare[-1])
    narrowest = _READABLE if excess(_READABLE) <= 0 else _NARROWEST
    while (over := excess(room)) > 0:
        flexible = sorted((i for i in shown if columns[i].cut and widths[i] > narrowest), key=lambda i: widths[i])
        if not flexible:
            break
        widest = flexible[-1]
        next_widest = widths[flexible[-2]] if len(flexible) > 1 else narrowest
        widths[widest] = max(narrowest, min(widths[widest] - 1, next_widest), widths[widest] - over)
    return shown


def width(text: str) -> int:
    """How many cells of a terminal the text takes."""
    if text.isascii():
        return len(text)
    import unicodedata

    return sum(
        0 if unicodedata.combining(character) else 2 if unicodedata.east_asian_width(character) in "WF" else 1
        for character in text
    )


def pad(text: str, cells: int) -> str:
    """The text with spaces up to a width."""
    return text + " " * (cells - width(text))


def cut(text: str, cells: int) -> str:
    """The text cut to a width, with an ellipsis if something is missing."""
    if width(text) <= cells:
        return text
    while text and width(text) > cells - 1:
        text = text[:-1]
    return text + "…"
