"""The set that the migration modules register with."""

from __future__ import annotations

from sqlite_utils.migrations import Migrations

migrations = Migrations("flowctl")
