"""Contexts: servers and database files by name, in `contexts.toml` beside the user's configuration.

The file holds credentials, or the names of variables that do, and only its owner may read it.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flowctl import config_files
from flowctl.domain.errors import Invalid, NotFound, Unusable

LOCAL = "local"
"""The name of no context: the database file of the settings."""

_CREDENTIALS = ("auth", "auth_env", "key", "key_env")
FIELDS = ("api", "db", *_CREDENTIALS)


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
        raise Unusable(f"{path()} cannot be read: a context has {', '.join(FIELDS)}, and nothing else.") from error


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


def save(context: Context) -> None:
    """Add a context, or put it in the place of the one of its name; the file gets mode 600."""
    from flowctl.cli import config_edit

    fields = {field: value for field in FIELDS if (value := getattr(context, field))}
    config_edit.change(path(), lambda document: document.update({context.name: fields}), mode=0o600)


def remove(name: str) -> None:
    """Remove a context.  Raises NotFound."""
    from flowctl.cli import config_edit

    find(name)
    config_edit.change(path(), lambda document: document.remove(name), mode=0o600)


def problems() -> list[str]:
    """What is wrong with the file of contexts."""
    try:
        known = read()
    except Unusable as error:
        return [error.message]
    aimless = [name for name, context in known.items() if not context.target]
    found = [f"{path()}: context {name!r} names neither a server nor a file." for name in aimless]
    if known and os.name == "posix" and path().stat().st_mode & 0o077:
        found.append(f"{path()} can be read by others: chmod 600 {path()}")
    return found
