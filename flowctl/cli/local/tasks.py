"""Task runs in the database file."""

from __future__ import annotations

from flowctl.cli.targets import Named


class Tasks(Named):
    """Task runs, by the names that people give them."""

    kind = "task_run"
