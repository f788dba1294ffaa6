"""The backend on the database file: opened on first use, also while a server runs on it."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from flowctl.cli.targets import Named
from flowctl.db.database import Database
from flowctl.db.queries import references
from flowctl.settings import Settings

if TYPE_CHECKING:
    from flowctl.cli.local.changes import Changes
    from flowctl.cli.local.flows import Flows
    from flowctl.cli.local.logs import Logs
    from flowctl.cli.local.reaper import Reaper
    from flowctl.cli.local.runs import Runs
    from flowctl.cli.results import Status


class Local:
    """What commands may ask of a database file, by resource; each part is loaded by the first command that asks."""

    def __init__(self, path: Path, settings: Settings, *, read_only: bool = False) -> None:
        self.database = Database(path, settings, read_only=read_only)

    def close(self) -> None:
        """Close the file."""
        if "watch" in self.__dict__:
            self.watch.close()
        self.database.close()

    def find(self, kind: str, reference: str) -> list[tuple[str, str]]:
        """Ids and names of what a reference may mean, by its kind; a `targets.Find`."""
        with self.database.read() as tx:
            return references.find(tx.execute, kind, reference)

    @cached_property
    def runs(self) -> Runs:
        """Reading flow runs."""
        from flowctl.cli.local.runs import Runs

        return Runs(self.database, self.find)

    @cached_property
    def changes(self) -> Changes:
        """Changing flow runs."""
        from flowctl.cli.local.changes import Changes

        return Changes(self.database)

    @cached_property
    def reaper(self) -> Reaper:
        """Finding flow runs whose process died."""
        from flowctl.cli.local.reaper import Reaper

        return Reaper(self.database)

    @cached_property
    def deployments(self) -> Named:
        """Finding deployments."""
        return Named(self.find, "deployment")

    @cached_property
    def flows(self) -> Flows:
        """Reading flows."""
        from flowctl.cli.local.flows import Flows

        return Flows(self.database, self.find)

    @cached_property
    def tasks(self) -> Named:
        """Finding task runs."""
        return Named(self.find, "task_run")

    @cached_property
    def logs(self) -> Logs:
        """Reading log lines."""
        from flowctl.cli.local.logs import Logs

        return Logs(self.database)

    def status(self) -> Status:
        """The state of the file and of what is in it."""
        from flowctl.cli.local import status

        return status.read(self.database)

    @cached_property
    def watch(self) -> Watch:
        """Noticing what others change."""
        return Watch(self.database)


class Watch:
    """Tells when another connection, of any process, has committed something."""

    def __init__(self, database: Database) -> None:
        self._connection = database.connect()
        self._version = self._read()

    def changed(self) -> bool:
        """Whether something was committed since the last call."""
        before, self._version = self._version, self._read()
        return before != self._version

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def _read(self) -> int:
        version: int = self._connection.execute("PRAGMA data_version").fetchone()[0]
        return version
