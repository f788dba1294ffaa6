"""Contexts: servers and database files by name, in `contexts.toml` beside the user's configuration.

The file holds credentials, or the names of variables that do, and only its owner may read it.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flowctl import config_files
from flowctl.domain.errors import Invalid, NotFound, Unusable

LOCAL = "local"
"""The name of no context: the database file of the settings."""

_CREDENTIALS = ("auth", "auth_env", "key", "key_env")


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """A server, with its own credentials or none; or a database file."""

    name: str
    api: str | None = None
    db: str | None = None
    auth: str | None = None
    """`user:password`."""
    auth_env: str | None = None
    """The variable that holds it."""
    key: str | None = None
    key_env: str | None = None

    @property
    def target(self) -> str:
        """The address or the file."""
        return self.api or self.db or ""

    @property
    def credentials(self) -> str:
        """How it proves who asks, in words; no secret."""
        kind = next((name for name in _CREDENTIALS if getattr(self, name)), "")
        words = {"": "none", "auth": "password", "key": "API key"}
        return words.get(kind) or f"${getattr(self, kind)}"

    @property
    def auth_string(self) -> str | None:
        """The `user:password` to send.  Raises Invalid when its variable is not set."""
        return self.auth or self._of_variable(self.auth_env)

    @property
    def api_key(self) -> str | None:
        """The API key to send.  Raises Invalid when its variable is not set."""
        return self.key or self._of_variable(self.key_env)

    def wire(self) -> dict[str, Any]:
        """The context without its secrets."""
        return {"name": self.name, "api": self.api, "db": self.db, "credentials": self.credentials}

    def _of_variable(self, name: str | None) -> str | None:
        if name is None:
            return None
        value = os.environ.get(name, "").strip()
        if not value:
            raise Invalid(f"Context {self.name!r} takes its credentials from ${name}, which is not set.")
        return value


def path() -> Path:
    """The file of contexts."""
    return config_files.user_path(os.environ).with_name("contexts.toml")


def read() -> dict[str, Context]:
    """All contexts, by name.  Raises Unusable for a file that cannot be read."""
    import tomllib

    try:
        content = tomllib.loads(path().read_text("utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise Unusable(f"{path()} cannot be read: {error}") from error
    try:
        return {name: Context(name=name, **fields) for name, fields in content.items()}
    except TypeError as error:
        raise Unusable(f"{path()} cannot be read: a context has {', '.join(_FIELDS)}, and nothing else.") from error


def find(name: str) -> Context:
    """A context by its name.  Raises NotFound, with the names that there are."""
    known = read()
    if name not in known:
        raise NotFound(
            f"There is no context {name!r}.",
            candidates=sorted(known),
            remedy=f"flowctl config context add {name} --api URL",
        )
    return known[name]


def write(contexts: Mapping[str, Context]) -> None:
    """Replace the file, at once and whole, with mode 600."""
    import tomlkit

    document = tomlkit.document()
    for name, context in contexts.items():
        fields = {field: value for field in _FIELDS if (value := getattr(context, field))}
        document[name] = tomlkit.item(fields)
    replace_file(path(), tomlkit.dumps(document), mode=0o600)  # pyright: ignore[reportUnknownMemberType] - its own stubs


def replace_file(target: Path, text: str, *, mode: int | None = None) -> None:
    """Write a file beside the old one, then put it in its place; `mode` None keeps the old one's, or the usual one.

    Raises Unusable where that cannot be done.
    """
    target = target.resolve()  # a link stays one
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        if mode is None:
            mode = target.stat().st_mode & 0o777 if target.exists() else 0o644
        new = target.with_name(f".{target.name}.{os.getpid()}")
        descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
        new.replace(target)
    except OSError as error:
        raise Unusable(f"{target} cannot be written: {error.strerror}.") from error


_FIELDS = ("api", "db", *_CREDENTIALS)
