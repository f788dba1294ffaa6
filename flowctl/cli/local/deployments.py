"""Deployments in the database file: reading, pausing, resuming."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

from flowctl.cli import targets
from flowctl.cli.targets import Named
from flowctl.db.database import Database

if TYPE_CHECKING:
    from flowctl.cli.targets import Find

_LINES = """
    SELECT deployment.id, flow.name || '/' || deployment.name, deployment.paused, deployment.status, deployment.tags,
        (SELECT count(*) FROM deployment_schedule AS schedule
         WHERE schedule.deployment_id = deployment.id AND schedule.active),
        (SELECT min(flow_run.next_scheduled_start_time) FROM flow_run
         WHERE flow_run.deployment_id = deployment.id AND flow_run.state_type = 'SCHEDULED')
    FROM deployment
    JOIN flow ON flow.id = deployment.flow_id
    ORDER BY 2
"""  # the next run by ix_flow_run__deployment

_NAMES = ("id", "name", "paused", "status", "tags", "schedules", "next_run")


class Deployments(Named):
    """Deployments, by the names that people give them."""

    kind = "deployment"

    def __init__(self, database: Database, find: Find) -> None:
        super().__init__(find)
        self._database = database

    def lines(self) -> list[dict[str, Any]]:
        """What a table shows of each deployment, by name; times are stored text."""
        with self._database.read() as tx:
            return [dict(zip(_NAMES, row, strict=True)) for row in tx.execute(_LINES)]

    def set_paused(self, reference: str, *, paused: bool) -> str:
        """Pause or resume the one deployment that is named, and return its name.  Raises NotFound."""
        from flowctl.ops import deployments

        id, name = targets.one_with_name(self._find, "deployment", reference)
        with self._database.write() as tx:
            (deployments.pause if paused else deployments.resume)(tx, UUID(id))
        return name
