"""What `flowctl config` knows about settings: rows to show, names, values as TOML, and what is wrong."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flowctl import config_files, settings
from flowctl.cli import contexts
from flowctl.cli.context import Session
from flowctl.config_files import Entry
from flowctl.domain.errors import Invalid
from flowctl.setting_values import read_value
from flowctl.settings import SECRETS, VARIABLES, Settings, setting_types

MASK = "********"
DEFAULT = "default"

_FLAGS = {"db": "--db", "api": "--api", "context": "--context", "busy_timeout": "--wait-lock"}
_OTHER_VARIABLES = {"FLOWCTL_CONFIG", "FLOWCTL_PAGER"}


@dataclass(frozen=True, slots=True)
class Row:
    """One setting as it is shown."""

    name: str
    value: Any
    origin: str
    variables: tuple[str, ...]

    @property
    def id(self) -> str:
        """What `-q` prints."""
        return self.name

    def wire(self) -> dict[str, Any]:
        """The setting as data."""
        value = str(self.value) if isinstance(self.value, Path) else self.value
        return {"name": self.name, "value": value, "origin": self.origin, "variables": list(self.variables)}


def rows(session: Session, *, reveal: bool = False) -> list[Row]:
    """All settings as the server and runners find them, which read Prefect's profile too; flags on top."""
    try:
        found = settings.load(profile=True)
    except ValueError as error:
        raise Invalid(str(error), remedy="flowctl config validate") from error
    return [_row(session, found, name, reveal=reveal) for name in VARIABLES]


def _row(session: Session, found: Settings, name: str, *, reveal: bool) -> Row:
    section, _, key = name.rpartition(".")
    value = getattr(found.orchestration if section else found, key)
    origin = found.origins.get(name, DEFAULT)
    flag = _FLAGS.get(name, "")
    given = getattr(session.options, flag.lstrip("-").replace("-", "_"), None) if flag else None
    if given is not None:
        value, origin = session.settings.busy_timeout if name == "busy_timeout" else given, flag
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if value is not None and name in SECRETS and not reveal:
        value = MASK
    return Row(name, value, origin, VARIABLES[name])


def setting_name(key: str) -> str:
    """The setting that is called so: by its name, or by one of its variables.  Raises Invalid."""
    name = key.replace("-", "_")
    if name in VARIABLES:
        return name
    of_variable = {variable: each for each, variables in VARIABLES.items() for variable in variables}
    if key.upper() in of_variable:
        return of_variable[key.upper()]
    known = of_variable if key == key.upper() else VARIABLES
    raise Invalid(config_files.unknown(name, known), remedy="flowctl config show")


def user_file() -> Path:
    """The user's file."""
    return config_files.user_path(os.environ)


def file_to_change(*, project: bool) -> Path:
    """The user's file, or the project's: the nearest, else one in the working directory.  Raises Invalid."""
    if not project:
        return user_file()
    try:
        return config_files.project_path(Path.cwd()) or Path.cwd() / config_files.PROJECT
    except ValueError as error:
        raise Invalid(str(error)) from error


def files() -> dict[str, Path]:
    """All files by their role, also those that are not there."""
    try:
        project = file_to_change(project=True)
    except Invalid:  # it cannot be read; `config validate` tells why
        project = Path.cwd() / config_files.PYPROJECT
    return {"user": user_file(), "project": project, "contexts": contexts.path()}


def entries(path: Path) -> dict[str, Entry]:
    """What a file sets, by name; nothing if it is not there.  Raises Invalid."""
    try:
        return config_files.scan(path, VARIABLES)[0] if path.is_file() else {}
    except ValueError as error:
        raise Invalid(str(error)) from error


def toml_value(name: str, text: str, path: Path) -> object:
    """A value as it shall stand in a file.  Raises Invalid when the setting does not take it."""
    kind = setting_types()[name]
    try:
        value = read_value(name, text, kind, f"{name}={text}")
    except ValueError as error:
        raise Invalid(str(error)) from error
    if isinstance(value, Path):
        is_relative = path != user_file() and not value.is_absolute()
        return os.path.relpath(value.absolute(), path.parent) if is_relative else str(value.absolute())
    if kind == "float" and not text.replace(".", "", 1).isdecimal():
        return text  # 2h stays 2h
    return int(value) if isinstance(value, float) and value.is_integer() else value


def plain(value: object) -> str:
    """A value as text."""
    return "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def stronger(name: str, path: Path) -> str | None:
    """The source that overrides what a file says about a setting; None if none does.  Raises ValueError."""
    origin = settings.load().origins.get(name, str(path))
    return None if origin == str(path) else origin


def problems(paths: list[Path]) -> list[str]:
    """What is wrong with these files; without any, with variables, the files in force, and contexts."""
    if paths:
        return [problem for path in paths for problem in settings.problems(path)]
    found = settings.variable_problems(os.environ) + _unknown_variables()
    try:
        for path in config_files.found(os.environ):
            found += settings.problems(path)
    except ValueError as error:
        found.append(str(error))
    return found + contexts.problems()


def _unknown_variables() -> list[str]:
    """FLOWCTL_* variables that nothing reads: misspelt ones."""
    known = _OTHER_VARIABLES | {variable for variables in VARIABLES.values() for variable in variables}
    strange = sorted(name for name in os.environ if name.startswith("FLOWCTL_") and name not in known)
    return [config_files.unknown(name, known).replace("setting", "variable") for name in strange]
