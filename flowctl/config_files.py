"""Configuration files: where they are, and what they say.  `settings.py` gives them their place among the sources.

The project's file is the nearest `flowctl.toml`, or `pyproject.toml` with a table `[tool.flowctl]`, in the working
directory or one above it; where both lie side by side, `flowctl.toml` counts.  The user's file is `config.toml` in the
platform's configuration directory, or the one that FLOWCTL_CONFIG names.  Keys are the names of settings:

    db = "runs.db"                 # a relative path starts at the file
    runner_process_limit = 3
    [orchestration]
    max_cache_key_length = 500
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

PROJECT = "flowctl.toml"
PYPROJECT = "pyproject.toml"
_TOOL = "flowctl"


@dataclass(frozen=True, slots=True)
class Entry:
    """One key of a file, as text that reads like an environment variable's value."""

    path: Path
    key: str
    text: str

    @property
    def label(self) -> str:
        """What messages call it."""
        return f"{self.path}: {self.key} = {self.text}"


def user_path(env: Mapping[str, str]) -> Path:
    """The user's file, whether it exists or not."""
    if own := env.get("FLOWCTL_CONFIG", "").strip():
        return Path(own).expanduser()
    from platformdirs import user_config_path  # noqa: PLC0415 - start-up budget

    return user_config_path("flowctl", appauthor=False) / "config.toml"


def project_path(directory: Path) -> Path | None:
    """The project's file: the nearest one in this directory or above it.

    Raises ValueError for a pyproject.toml that cannot be read.
    """
    for each in (directory, *directory.parents):
        if (each / PROJECT).is_file():
            return each / PROJECT
        if has_table(each / PYPROJECT):
            return each / PYPROJECT
    return None


def found(env: Mapping[str, str]) -> list[Path]:
    """The files that count in the working directory, the strongest first.  Raises ValueError as `project_path` does."""
    user = user_path(env)
    try:
        project = project_path(Path.cwd())
    except FileNotFoundError:  # the directory is gone
        project = None
    return [path for path in (project, user if user.is_file() else None) if path]


def has_table(pyproject: Path) -> bool:
    """Whether a pyproject.toml configures flowctl; `cli/fast.py` looks for the same letters, and parses nothing."""
    try:
        content = pyproject.read_bytes()
    except OSError:
        return False
    return b"[tool.flowctl" in content and _TOOL in _parse(pyproject, content).get("tool", {})


def read(path: Path, known: Collection[str]) -> dict[str, Entry]:
    """The settings of a file, by name; `orchestration.max_cache_key_length` for one in a table.

    Raises ValueError, naming file and key, as `scan` finds it.
    """
    entries, problems = scan(path, known)
    if problems:
        raise ValueError(problems[0])
    return entries


def scan(path: Path, known: Collection[str]) -> tuple[dict[str, Entry], list[str]]:
    """The settings of a file, by name, and what is wrong with the others.

    Wrong is a key that is not known, and a time, or a list of anything but text, where a value belongs.
    Raises ValueError for what cannot be read or is no TOML.
    """
    try:
        content = _parse(path, path.read_bytes())
    except OSError as error:
        raise ValueError(f"{path} cannot be read: {error.strerror}.") from None
    table = content.get("tool", {}).get(_TOOL, {}) if path.name == PYPROJECT else content
    entries: dict[str, Entry] = {}
    problems: list[str] = []
    for key, value in _flat(table):
        name = key.replace("-", "_")
        text = _text(path, name, value)
        if name not in known:
            problems.append(f"{path}: {unknown(name, known)}")
        elif text is None:
            problems.append(f"{path}: {name} takes text, a number, true or false.")
        else:
            entries[name] = Entry(path, key, text)
    return entries, problems


def unknown(name: str, known: Collection[str]) -> str:
    """The sentence about a name that is none, with the nearest that is one."""
    from difflib import get_close_matches  # noqa: PLC0415 - start-up budget

    near = get_close_matches(name, known, 1, 0.5)
    return f"There is no setting {name!r}.{f' Did you mean {near[0]!r}?' if near else ''}"


def _parse(path: Path, content: bytes) -> dict[str, Any]:
    import tomllib  # noqa: PLC0415 - start-up budget

    try:
        return tomllib.loads(content.decode())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"{path} cannot be read: {error}") from None


def _flat(table: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in table.items():
        if isinstance(value, dict):
            yield from _flat(cast("dict[str, Any]", value), f"{prefix}{key}.")
        else:
            yield prefix + key, value


def _text(path: Path, name: str, value: object) -> str | None:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (str, int, float)):
        is_path = name in ("db", "ui_static_directory")
        return str(path.parent / Path(str(value)).expanduser()) if is_path else str(value).strip()
    if isinstance(value, list):
        items = cast("list[object]", value)
        if all(isinstance(item, str) for item in items):
            return ",".join(map(str, items))
    return None
