"""What one invocation works with: its flags, its output, and the backend that holds the runs.

Commands speak to `session.backend` only, and it answers in the API's own shape.  `Local` works on the database file;
another backend with the same methods may speak to a server.
"""

from __future__ import annotations

from functools import cached_property
from types import TracebackType
from typing import TYPE_CHECKING, Any

from flowctl.cli import moments
from flowctl.cli.flags import GLOBAL, Globals
from flowctl.cli.output import Output
from flowctl.cli.run_query import RunQuery
from flowctl.domain.errors import FlowctlError, Invalid

if TYPE_CHECKING:
    from pathlib import Path

    import typer

    from flowctl.cli.local.backend import Local
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
        if "backend" in self.__dict__:
            self.backend.close()

    @cached_property
    def settings(self) -> Settings:
        """The settings of this process, with the flags on top.  Raises Invalid."""
        from dataclasses import replace
        from pathlib import Path

        from flowctl import settings

        changes: dict[str, Any] = {}
        try:
            if self.options.db:
                changes["db"] = Path(self.options.db).expanduser()
            if self.options.wait_lock is not None:
                changes["busy_timeout"] = moments.parse_duration(self.options.wait_lock)
            return replace(settings.load(), **changes)
        except ValueError as error:
            raise Invalid(str(error)) from error

    @property
    def database_path(self) -> Path:
        """The database file."""
        from flowctl.settings import database_path

        return database_path(self.settings)

    @cached_property
    def backend(self) -> Local:
        """Where the runs are.  Raises Unusable when the file cannot be used."""
        from flowctl.cli.local.backend import Local

        return Local(self.database_path, self.settings, read_only=self.options.read_only)
