"""Changes of configuration files that keep their comments, their order and all that is not changed."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from flowctl import config_files
from flowctl.domain.errors import Unusable


def set_value(path: Path, name: str, value: object) -> None:
    """Set a setting in a file, which is made if it is not there."""

    def work(document: Any) -> None:
        *tables, key = _keys(path, name)
        for each in tables:
            document = document.setdefault(each, {})
        document[_spelling(document, key)] = value

    change(path, work)


def unset_value(path: Path, name: str) -> bool:
    """Remove a setting from a file; False if it is not in it."""
    removed = False

    def work(document: Any) -> None:
        nonlocal removed
        *tables, key = _keys(path, name)
        for each in tables:
            document = document.get(each, {})
        key = _spelling(document, key)
        if removed := key in document:
            del document[key]

    if path.exists():
        change(path, work)
    return removed


def change(path: Path, work: Callable[[Any], object], *, mode: int | None = None) -> None:
    """Let `work` change the TOML document of a file, and put the result in its place at once and whole.

    mode  of the file; None keeps the present one's, or gives the usual one
    Raises Unusable where that cannot be done.
    """
    import tomlkit
    from tomlkit.exceptions import TOMLKitError

    target = path.resolve()  # a link stays one
    try:
        text = target.read_text("utf-8") if target.exists() else ""
        document = tomlkit.parse(text)
        work(document)
        target.parent.mkdir(parents=True, exist_ok=True)
        _replace(target, tomlkit.dumps(document), mode)  # pyright: ignore[reportUnknownMemberType] - its own stubs
    except (TOMLKitError, UnicodeDecodeError) as error:
        raise Unusable(f"{path} cannot be read: {error}.") from error
    except OSError as error:
        raise Unusable(f"{path} cannot be changed: {error.strerror}.") from error


def _replace(target: Path, text: str, mode: int | None) -> None:
    if mode is None:
        mode = target.stat().st_mode & 0o777 if target.exists() else 0o644
    new = target.with_name(f".{target.name}.{os.getpid()}")
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    new.replace(target)


def _keys(path: Path, name: str) -> list[str]:
    """Where a setting is in a file's tables."""
    return [*(("tool", "flowctl") if path.name == config_files.PYPROJECT else ()), *name.split(".")]


def _spelling(table: Any, key: str) -> str:
    """The key as the file spells it: `request-limit` means the same as `request_limit`."""
    return next((each for each in table if each.replace("-", "_") == key), key)
