"""Reaping by a flowctl server: it finds the runs whose process died on its own machine, and marks them."""

from __future__ import annotations

from typing import Any

from flowctl.cli.api.door import Door
from flowctl.cli.results import Reaped
from flowctl.domain.errors import Unsupported


class Reaper:
    """What `flowctl runs reap` does."""

    def __init__(self, door: Door) -> None:
        if door.is_prefect:
            raise Unsupported(f"{door.where} is Prefect's own server, which knows no processes.")
        self._door = door

    def find(self) -> list[Reaped]:
        """The dead runs; nothing is changed."""
        return [_reaped(dead) for dead in self._door.get("/flowctl/dead_runs")]

    def mark(self) -> list[Reaped]:
        """Mark all dead runs Crashed; those that have been marked."""
        return [_reaped(dead) for dead in self._door.post("/flowctl/dead_runs/reap")]


def _reaped(dead: dict[str, Any]) -> Reaped:
    return Reaped(id=dead["id"], name=dead["name"], evidence=dead["evidence"], wire=dead)
