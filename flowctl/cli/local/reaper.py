"""Reaping in the database file: finding the runs whose process died, and marking them."""

from __future__ import annotations

from flowctl.cli.results import Reaped
from flowctl.db.database import Database
from flowctl.db.shapes import wire_time
from flowctl.ops import reap


class Reaper:
    """What `flowctl runs reap` does."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def find(self) -> list[Reaped]:
        """The dead runs; nothing is changed."""
        with self._database.read() as tx:
            return [_reaped(dead) for dead in reap.find(tx)]

    def mark(self) -> list[Reaped]:
        """Mark all dead runs Crashed; those that have been marked."""
        with self._database.write() as tx:
            return [_reaped(dead) for dead in reap.find(tx) if reap.mark(tx, dead)]


def _reaped(dead: reap.DeadRun) -> Reaped:
    id = str(dead.id)
    wire: dict[str, object] = {
        "id": id,
        "name": dead.name,
        "last_sign": wire_time(dead.last_sign),
        "evidence": dead.evidence,
    }
    return Reaped(id=id, name=dead.name, evidence=dead.evidence, wire=wire)
