"""Backups: a verified copy of a database in use, so many of them kept, and putting one back in its place."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from flowctl.db import copies
from flowctl.domain.errors import Unusable

Progress = Callable[[int], None]

_STAMP = "%Y%m%d-%H%M%S"

_UNFINISHED = ".unfinished"

_ROOM_TO_SPARE = 50_000_000
"""Bytes that stay free on a disk."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Backup:
    """A backup that was made.

    removed  older ones that had to go
    """

    path: Path
    size: int
    schema: int
    verified: bool
    removed: list[Path] = field(default_factory=list[Path])


def named(folder: Path, database: Path, now: datetime) -> Path:
    """The path of a backup that is made now, in a folder; its name ends in date and time."""
    return folder / f"{database.stem}-{now:{_STAMP}}.db"


def create(database: Path, target: Path, *, verify: bool, progress: Progress) -> Backup:
    """Copy a database into a file, which appears once it is whole; one of that name is replaced.

    verify    open the copy again, and let SQLite check its structure
    progress  called with the number of pages that were copied since the last call
    Raises Unusable when there is no room, or the copy is not sound; nothing is left then.
    """
    schema = copies.schema_version(database)
    target.parent.mkdir(parents=True, exist_ok=True)
    require_room(target.parent, copies.size(database))
    unfinished = target.with_name(target.name + _UNFINISHED)
    try:
        _copy(database, unfinished, progress)
        if verify:
            _verify(unfinished, schema, f"the copy of {database}")
        os.replace(unfinished, target)
    finally:
        _remove(unfinished)
    return Backup(path=target, size=target.stat().st_size, schema=schema, verified=verify)


def remove_old(folder: Path, database: Path, keep: int) -> list[Path]:
    """Remove all but the last `keep` backups of a database from a folder; files of other names stay."""
    old = existing(folder, database)[:-keep]
    for path in old:
        path.unlink(missing_ok=True)
    return old


def made_at(path: Path) -> datetime:
    """When a backup was made, by its name: local time.  Raises ValueError for another name."""
    return datetime.strptime(path.stem[-15:], _STAMP)  # noqa: DTZ007 - names have no zone


def existing(folder: Path, database: Path) -> list[Path]:
    """The backups of a database in a folder, the oldest first."""
    found: list[Path] = []
    for path in sorted(folder.glob("*.db")):
        with suppress(ValueError):
            if path == named(folder, database, made_at(path)):
                found.append(path)
    return found


def restore(backup: Path, database: Path, now: datetime, *, progress: Progress) -> Path | None:
    """Put a copy of a backup in the place of a database; returns where the replaced file is kept, if there was one.

    Raises Unusable for a backup that is not sound, Busy if somebody has the database open; nothing has changed then.
    """
    schema = copies.schema_version(backup)
    _verify(backup, schema, str(backup))
    database.parent.mkdir(parents=True, exist_ok=True)
    require_room(database.parent, copies.size(backup))
    kept = database.with_name(f"{database.stem}-replaced-{now:{_STAMP}}.db")
    unfinished = database.with_name(database.name + _UNFINISHED)
    try:
        _copy(backup, unfinished, progress)
        is_replaced = database.exists()
        copies.replace(database, unfinished, kept)
    finally:
        _remove(unfinished)
    return kept if is_replaced else None


def require_room(folder: Path, size: int) -> None:
    """Raise Unusable unless so many bytes fit on the disk of a folder, with some to spare."""
    free = shutil.disk_usage(folder).free
    if free < size + _ROOM_TO_SPARE:
        raise Unusable(
            f"{folder} has {free / 1e9:.1f} GB free, and {(size + _ROOM_TO_SPARE) / 1e9:.1f} GB are needed.",
            remedy="free some disk space, or choose another folder",
        )


def _copy(source: Path, target: Path, progress: Progress) -> None:
    _remove(target)
    copies.copy(source, target, progress)


def _verify(path: Path, schema: int, what: str) -> None:
    problems = copies.problems(path)
    if not problems and copies.schema_version(path) != schema:
        problems = ["its schema is another one"]
    if problems:
        raise Unusable(f"{what} is damaged: {problems[0]}.", remedy="flowctl db check")


def _remove(path: Path) -> None:
    for each in (path, *copies.side_files(path)):
        each.unlink(missing_ok=True)
