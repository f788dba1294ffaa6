"""The backend on a server, flowctl's or Prefect's: the same as `cli/local/backend.py`, by requests."""

from __future__ import annotations

import time
from functools import cached_property
from typing import TYPE_CHECKING, NoReturn

from flowctl.cli.api.door import Door
from flowctl.cli.remote.references import References
from flowctl.cli.targets import Named
from flowctl.domain.errors import Invalid

if TYPE_CHECKING:
    from flowctl.cli.remote.changes import Changes
    from flowctl.cli.remote.flows import Flows
    from flowctl.cli.remote.logs import Logs
    from flowctl.cli.remote.reaper import Reaper
    from flowctl.cli.remote.runs import Runs
    from flowctl.cli.results import Status

POLL_SECONDS = 1.0
"""Between two looks at what may have changed."""


class Remote:
    """What commands may ask of a server, by resource; each part is loaded by the first command that asks."""

    def __init__(self, door: Door) -> None:
        self.door = door
        self.find = References(door)
        """Ids and names of what a reference may mean, by its kind; a `targets.Find`."""

    def close(self) -> None:
        """Nothing: the door belongs to the session."""

    @property
    def database(self) -> NoReturn:
        """Refuse: the command works on the database file alone.  Raises Invalid."""
        raise Invalid(
            f"This command works on the database file, and {self.door.where} is a server.",
            remedy="leave out --api (or FLOWCTL_API, or the context), or name the file with --db PATH",
        )

    @cached_property
    def runs(self) -> Runs:
        """Reading flow runs."""
        from flowctl.cli.remote.runs import Runs

        return Runs(self.door, self.find)

    @cached_property
    def changes(self) -> Changes:
        """Changing flow runs."""
        from flowctl.cli.remote.changes import Changes

        return Changes(self.door)

    @cached_property
    def reaper(self) -> Reaper:
        """Finding flow runs whose process died."""
        from flowctl.cli.remote.reaper import Reaper

        return Reaper(self.door)

    @cached_property
    def deployments(self) -> Named:
        """Finding deployments."""
        return Named(self.find, "deployment")

    @cached_property
    def flows(self) -> Flows:
        """Reading flows."""
        from flowctl.cli.remote.flows import Flows

        return Flows(self.door, self.find)

    @cached_property
    def tasks(self) -> Named:
        """Finding task runs."""
        return Named(self.find, "task_run")

    @cached_property
    def logs(self) -> Logs:
        """Reading log lines."""
        from flowctl.cli.remote.logs import Logs

        return Logs(self.door)

    def status(self) -> Status:
        """How the server is, and what goes on there."""
        from flowctl.cli.remote import status

        return status.read(self.door)

    @cached_property
    def watch(self) -> Watch:
        """Looking again from time to time."""
        return Watch()


class Watch:
    """Tells when it is time to ask again: a server does not say when something has changed."""

    def __init__(self) -> None:
        self._next = 0.0

    def changed(self) -> bool:
        """Whether the last call that was answered with yes is a while ago."""
        now = time.monotonic()
        is_due = now >= self._next
        if is_due:
            self._next = now + POLL_SECONDS
        return is_due
