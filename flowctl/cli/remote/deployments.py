"""Deployments on a server."""

from __future__ import annotations

from flowctl.cli.api.door import Door
from flowctl.cli.targets import Find, Named


class Deployments(Named):
    kind = "deployment"

    def __init__(self, door: Door, find: Find) -> None:
        super().__init__(find)
        self._door = door
