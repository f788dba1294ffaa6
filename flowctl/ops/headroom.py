"""Headroom: how near a file is to outgrowing one machine, by what is in it and what this machine can do.

The limits are judgements, not SQLite's own (281 TB): beyond COMFORTABLE_SIZE backups, checks and VACUUM take so long
that they are put off, and one writer that is busy for more than half of the busiest minute lets clients wait.
"""

from __future__ import annotations

import shutil
import statistics
import tempfile
import time
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Literal
from uuid import UUID

from flowctl.db.columns import encode_time
from flowctl.db.database import Database, Tx
from flowctl.db.queries import storage
from flowctl.domain import states
from flowctl.domain.flow_runs import FlowRunCreate
from flowctl.domain.flows import FlowCreate
from flowctl.domain.states import StateCreate, StateType
from flowctl.ops import flow_runs, flows, set_state, storage_stats

COMFORTABLE_SIZE = 50_000_000_000

STATES_A_RUN = 3
"""Pending, Running, and the end."""

Level = Literal["plenty", "fine", "near", "outgrown"]

_LEVELS: tuple[tuple[float, Level], ...] = ((0.2, "plenty"), (0.5, "fine"), (1.0, "near"))
"""Part of a limit below which a level ends."""

_TRIAL_SECONDS = 0.5
_TRIAL_RUNS = 200
_LOCK_TRIALS = 11
_DAYS_AHEAD = 90.0
"""A disk that is not full within so many days leaves room."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Speed:
    """What this machine does, measured on a file of its own beside the database.

    commits         state changes that one process commits a second
    commit_seconds  what one of them takes
    lock_seconds    what it takes to get the database's write lock now
    """

    commits: float
    commit_seconds: float
    lock_seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Headroom:
    """The figures, and what they mean; parts are of the limit, 1.0 is full.

    size           bytes of the file
    growth         bytes a day
    rate           state changes a second in the busiest minute of the last week
    disk_days      days until the disk is full at this growth; None: it does not grow
    """

    size: int
    growth: int
    disk_free: int
    disk_days: float | None
    busiest: str | None
    rate: float
    speed: Speed

    @property
    def size_part(self) -> float:
        """Part of the comfortable size."""
        return self.size / COMFORTABLE_SIZE

    @property
    def rate_part(self) -> float:
        """Part of the busiest minute in which the writer was busy; half is as much as it should be."""
        return self.rate / self.speed.commits * 2

    @property
    def disk_part(self) -> float:
        """How near the disk is to being full: 1.0 if a copy of the file does not fit, or some days are left."""
        if self.disk_free < self.size:
            return 1.0
        return 0.0 if self.disk_days is None else min(1.0, _DAYS_AHEAD / max(self.disk_days, 0.1) * 0.2)

    @property
    def level(self) -> Level:
        """How it is as a whole; the disk can be mended without leaving the machine, and does not count."""
        return level(max(self.size_part, self.rate_part))


def level(part: float) -> Level:
    """What a part of a limit means."""
    for end, name in _LEVELS:
        if part < end:
            return name
    return "outgrown"


def read(database: Database) -> Headroom:
    """Read the figures of a file and measure this machine; takes a second or two, and changes nothing in the file."""
    with database.read() as tx:
        stats = storage_stats.read(tx)
        week = encode_time(tx.now - timedelta(days=7)), encode_time(tx.now)
        busiest = storage.busiest_minute(tx, *week)
    free = shutil.disk_usage(database.path.parent).free
    return Headroom(
        size=stats.room.size,
        growth=stats.growth,
        disk_free=free,
        disk_days=free / stats.growth if stats.growth else None,
        busiest=busiest and busiest[0],
        rate=busiest[1] * STATES_A_RUN / 60 if busiest else 0.0,
        speed=measure(database),
    )


def measure(database: Database) -> Speed:
    """Make some runs in a file of its own on the same disk, and ask for the database's write lock a few times."""
    waits = [_seconds_to_lock(database) for _ in range(_LOCK_TRIALS)] if not database.read_only else [0.0]
    with tempfile.TemporaryDirectory(dir=database.path.parent, prefix=".flowctl-trial-") as folder:
        trial = Database(Path(folder) / "trial.db", replace(database.settings, db=None))
        try:
            times = _trial(trial)
        finally:
            trial.close()
    return Speed(
        commits=len(times) / sum(times), commit_seconds=statistics.median(times), lock_seconds=statistics.median(waits)
    )


def _seconds_to_lock(database: Database) -> float:
    begun = time.perf_counter()
    with database.write():
        return time.perf_counter() - begun


def _trial(database: Database) -> list[float]:
    """Seconds of each of some state changes."""
    times: list[float] = []
    with database.write() as tx:
        flow, _ = flows.create(tx, FlowCreate(name="trial"))
    end = time.perf_counter() + _TRIAL_SECONDS
    for _ in range(_TRIAL_RUNS):
        body = FlowRunCreate(flow_id=flow.id, name="trial", state=states.pending())
        begun = time.perf_counter()
        with database.write() as tx:
            run, _ = flow_runs.create(tx, body)
        times.append(time.perf_counter() - begun)
        for type in (StateType.RUNNING, StateType.COMPLETED):
            begun = time.perf_counter()
            with database.write() as tx:
                _move(tx, run.id, type)
            times.append(time.perf_counter() - begun)
        if time.perf_counter() > end:
            break
    return times


def _move(tx: Tx, id: UUID, type: StateType) -> None:
    set_state.set_flow_run_state(tx, id, StateCreate(type=type))
