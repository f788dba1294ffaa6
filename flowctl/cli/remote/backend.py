"""The backend on a server, flowctl's or Prefect's: the same as `cli/local/backend.py`, by requests."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, NoReturn

from flowctl.cli.api.door import Door
from flowctl.cli.remote.references import References
from flowctl.domain.errors import Invalid

if TYPE_CHECKING:
    from flowctl.cli.remote.deployments import Deployments
    from flowctl.cli.remote.flows import Flows
    from flowctl.cli.remote.runs import Runs
    from flowctl.cli.remote.tasks import Tasks


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
            "This command works on the database file; it cannot ask a server.",
            remedy="leave out --api (and FLOWCTL_API), and name the file with --db",
        )

    @cached_property
    def runs(self) -> Runs:
        """Reading flow runs."""
        from flowctl.cli.remote.runs import Runs

        return Runs(self.door, self.find)

    @cached_property
    def deployments(self) -> Deployments:
        """Reading, pausing and resuming deployments."""
        from flowctl.cli.remote.deployments import Deployments

        return Deployments(self.door, self.find)

    @cached_property
    def flows(self) -> Flows:
        """Reading flows."""
        from flowctl.cli.remote.flows import Flows

        return Flows(self.door, self.find)

    @cached_property
    def tasks(self) -> Tasks:
        """Finding task runs."""
        from flowctl.cli.remote.tasks import Tasks

        return Tasks(self.door, self.find)
