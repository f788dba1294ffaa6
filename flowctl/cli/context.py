"""What one invocation works with: its flags, its output, and the backend that holds the runs.

Commands that need a shape or a speed of their own speak to `session.backend`, which works on the database file or asks
a server; the others send the API's requests through `session.api`, which serves them here or sends them to a server.
"""

from __future__ import annotations

from functools import cached_property
from types import TracebackType
from typing import TYPE_CHECKING, Any

from flowctl.cli import moments
from flowctl.cli.flags import GLOBAL, Globals
from flowctl.cli.output import Output
from flowctl.cli.run_query import RunQuery
from flowctl.domain.errors import FlowctlError, Invalid, Unusable

if TYPE_CHECKING:
    from pathlib import Path

    import typer

    from flowctl.cli.api.door import Door
    from flowctl.cli.contexts import Context
    from flowctl.cli.local.backend import Local
    from flowctl.cli.remote.backend import Remote
    from flowctl.settings import Settings

_EXIT_CODES = {
    "invalid": 2,
    "not_found": 3,
    "refused": 4,
    "busy": 5,
    "unusable": 6,
    "forbidden": 8,
    "unauthorized": 8,
    "unreachable": 9,
}

GIVEN = "flowctl.given"
"""Key of `ctx.meta`, which all contexts of one invocation share: the values of flags by name."""

PARTIAL = 7
REFUSED = 4


def exit_code(error: FlowctlError) -> int:
    """The exit code that stands for an error."""
    return _EXIT_CODES.get(error.code, 1)


class Session:
    """One invocation of a command."""

    def __init__(self, given: dict[str, object]) -> None:
        own = {flag.name for flag in GLOBAL}
        self.options = Globals({name: value for name, value in given.items() if name in own})
        self.query = RunQuery({name: value for name, value in given.items() if name not in own})
        """The filters, order and limit of commands that take them."""
        self.output = Output(self.options)
        self.makes_file = False
        """Whether the command may make the file that --db names."""

    @classmethod
    def of(cls, ctx: typer.Context) -> Session:
        """The session of a running command."""
        session: Session = ctx.obj
        return session

    def __enter__(self) -> Session:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if "api" in self.__dict__:
            self.api.close()
        if "backend" in self.__dict__:
            self.backend.close()

    @cached_property
    def settings(self) -> Settings:
        """The settings of this process, with the flags on top.  Raises Invalid."""
        from dataclasses import replace
        from pathlib import Path

        changes: dict[str, Any] = {}
        try:
            if self.options.db:
                changes["db"] = Path(self.options.db).expanduser()
            elif self.context and self.context.db:
                changes["db"] = Path(self.context.db)
            if self.context and self.context.api:
                changes["client_auth_string"] = self.context.auth_string
                changes["api_key"] = self.context.api_key
            if self.options.wait_lock is not None:
                changes["busy_timeout"] = moments.parse_duration(self.options.wait_lock)
            return replace(self.configured, **changes)
        except ValueError as error:
            raise Invalid(str(error)) from error

    @cached_property
    def configured(self) -> Settings:
        """The settings of variables and files, without flags and context.  Raises Invalid."""
        from flowctl import settings

        try:
            return settings.load()
        except ValueError as error:
            raise Invalid(str(error)) from error

    @cached_property
    def context(self) -> Context | None:
        """The named server or file in force; None if a flag or a stronger source says where to work, or nothing does.

        Raises NotFound.
        """
        if self.options.context is None:
            if self.options.api or self.options.db or self.configured.target != "context":
                return None
        elif self.options.api or self.options.db:
            raise Invalid("--context says where to work, and so does --api or --db.", remedy="leave out one of them")
        from flowctl.cli import contexts

        name = self.options.context or self.configured.context or contexts.LOCAL
        return None if name == contexts.LOCAL else contexts.find(name)

    @property
    def database_path(self) -> Path:
        """The database file."""
        from flowctl.settings import database_path

        return database_path(self.settings)

    @cached_property
    def api_url(self) -> str | None:
        """The server to speak to; None: none, but the database file."""
        if self.options.api or self.options.db:
            return self.options.api
        if self.options.context is not None or self.configured.target == "context":
            return self.context.api if self.context else None
        return self.configured.api if self.configured.target == "api" else None

    @property
    def is_remote(self) -> bool:
        """Whether the command speaks to a server."""
        return self.api_url is not None

    @cached_property
    def api(self) -> Door:
        """The API's requests, served here on the database file or by the server that was named."""
        if self.api_url is not None:
            from flowctl.cli.api.server import ServerDoor

            return ServerDoor(self.api_url, self.settings, read_only=self.options.read_only)
        from flowctl.cli.api.file import FileDoor

        return FileDoor(self.backend.database, self.settings, read_only=self.options.read_only)

    def needs_file(self, command: str) -> None:
        """Refuse a server: the command works on the database file alone.  Raises Invalid."""
        if self.is_remote:
            raise Invalid(
                f"`{command}` works on the database file, and {self.api_url} is a server.",
                remedy="leave out --api (or FLOWCTL_API, or the context), or name the file with --db PATH",
            )

    @cached_property
    def backend(self) -> Local | Remote:
        """Where the runs are: in the file, or on the server that was named.

        Raises Unusable when it cannot be used, or when --db names a file that is not there: a name that is mistyped
        would become an empty database.
        """
        if self.is_remote:
            from flowctl.cli.remote.backend import Remote

            return Remote(self.api)
        from flowctl.cli.local.backend import Local

        if self.options.db and not self.makes_file and not self.database_path.exists():
            raise Unusable(f"{self.database_path} is not there.", remedy=f"flowctl db init --db {self.options.db}")
        return Local(self.database_path, self.settings, read_only=self.options.read_only)
