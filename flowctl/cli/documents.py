"""JSON, YAML and CSV text of plain values."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from flowctl.cli.tables import plain


def dig(value: Any, path: str) -> Any:
    """What a dotted path finds inside parsed JSON; None where it leads nowhere."""
    for part in path.split("."):
        if isinstance(value, Mapping):
            value = value.get(part)  # pyright: ignore[reportUnknownVariableType, reportUnknownMemberType] - parsed JSON
        elif isinstance(value, list) and part.isdigit() and int(part) < len(value):  # pyright: ignore[reportUnknownArgumentType] - parsed JSON
            value = value[int(part)]  # pyright: ignore[reportUnknownVariableType] - parsed JSON
        else:
            return None
    return value  # pyright: ignore[reportUnknownVariableType] - parsed JSON


def json_text(value: object) -> str:
    """Indented JSON."""
    return json.dumps(value, indent=2, ensure_ascii=False)


def json_line(value: object) -> str:
    """JSON in one line."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def csv_text(titles: Sequence[str], rows: Sequence[Sequence[object]], *, headers: bool) -> str:
    """Comma-separated values, quoted where needed."""
    import csv
    import io

    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    if headers:
        writer.writerow(titles)
    writer.writerows([plain(value) for value in row] for row in rows)
    return buffer.getvalue()


def yaml_text(value: object) -> str:
    """A YAML document, in block style."""
    return "".join(line + "\n" for line in _yaml(value))


def _yaml(value: object) -> list[str]:
    if isinstance(value, Mapping) and value:
        lines: list[str] = []
        for key, item in value.items():  # pyright: ignore[reportUnknownVariableType] - parsed JSON
            inner = _yaml(item)  # pyright: ignore[reportUnknownArgumentType] - parsed JSON
            name = _scalar(str(key))  # pyright: ignore[reportUnknownArgumentType] - parsed JSON
            if isinstance(item, (Mapping, list)) and item:
                lines += [f"{name}:", *("  " + line for line in inner)]
            else:
                lines.append(f"{name}: {inner[0]}")
        return lines
    if isinstance(value, list) and value:
        lines = []
        for item in value:  # pyright: ignore[reportUnknownVariableType] - parsed JSON
            first, *more = _yaml(item)  # pyright: ignore[reportUnknownArgumentType] - parsed JSON
            lines += [f"- {first}", *("  " + line for line in more)]
        return lines
    return [_scalar(value) if isinstance(value, str) else json.dumps(value)]


def _scalar(text: str) -> str:
    """A text as YAML: bare if it can be nothing but a text, else in quotes as JSON (which YAML understands)."""
    bare = text.replace("_", "").replace("-", "").replace(".", "").replace("/", "").replace(" ", "")
    is_word = bare.isascii() and bare.isalnum() and bare[0].isalpha() and text[0].isalpha() and text[-1] != " "
    if is_word and text.lower() not in _RESERVED:
        return text
    return json.dumps(text, ensure_ascii=False).translate(_BREAKS)


_BREAKS = {ord(character): f"\\u{ord(character):04x}" for character in "\x7f\x85\u2028\u2029\ufeff"}
"""What JSON may hold bare and YAML may not."""

_RESERVED = frozenset({"true", "false", "yes", "no", "on", "off", "null", "y", "n", "nan", "inf"})
