"""Storage, as the dashboard shows it: the file's room by table, its growth, the rules of retention, and its backups."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from flowctl.db import copies
from flowctl.db.database import Tx
from flowctl.domain.values import JSONObject
from flowctl.ops import backup, retention, storage_stats

BACKUPS = "backups"
"""Folder beside the database where backups go that nobody gave another place."""

KEPT = 7
"""Backups that stay when one more is made from the dashboard."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TableRoom:
    """A table with its indices; size in bytes."""

    name: str
    rows: int
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class BackupFile:
    """A backup; size in bytes."""

    path: str
    size: int
    created: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    """The rules that hold; both None where no server has introduced any yet."""

    rules: JSONObject | None
    """None: runs stay until somebody deletes them."""
    is_ours: bool
    """Nobody has chosen it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Storage:
    """What is known of the file; sizes in bytes, growth in bytes a day."""

    path: str
    size: int
    free: int
    disk_free: int
    growth: int
    tables: list[TableRoom]
    retention: Retention
    backups: list[BackupFile]


def read(tx: Tx, path: Path) -> Storage:
    """Read everything; the whole file is looked at."""
    stats = storage_stats.read(tx)
    return Storage(
        path=str(path),
        size=stats.room.size,
        free=stats.room.free,
        disk_free=shutil.disk_usage(path.parent).free,
        growth=stats.growth,
        tables=[TableRoom(name=name, rows=rows, size=size) for name, rows, size in stats.tables],
        retention=read_retention(tx),
        backups=backups(path),
    )


def read_retention(tx: Tx) -> Retention:
    """The rules that hold now."""
    policy = retention.read(tx)
    rules = policy.rules if policy else None
    return Retention(rules=rules.as_json() if rules else None, is_ours=policy is None or policy.is_ours)


def backups(path: Path) -> list[BackupFile]:
    """The backups in the folder beside the database, the newest first."""
    return [_file(found) for found in reversed(backup.existing(path.parent / BACKUPS, path))]


def back_up(path: Path, now: datetime, *, keep: int = KEPT) -> BackupFile:
    """Copy the database into the folder beside it, check the copy, and remove all but the last `keep`.

    now  local time, for the name
    Raises Unusable when there is no room, or the copy is not sound.
    """
    folder = path.parent / BACKUPS
    made = backup.create(path, backup.named(folder, path, now), verify=True, progress=lambda _pages: None)
    backup.remove_old(folder, path, keep)
    return _file(made.path)


def _file(path: Path) -> BackupFile:
    created = backup.made_at(path).astimezone(UTC)
    return BackupFile(path=str(path), size=copies.size(path), created=created)
