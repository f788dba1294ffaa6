"""An import from beginning to end: kind after kind, in bounded transactions, so that a server may work on meanwhile.

An import that was interrupted is gone on with by starting it again: what is here is not brought a second time.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from flowctl.db.database import Database
from flowctl.db.queries import import_kinds as kinds
from flowctl.db.queries import import_writes as writes
from flowctl.db.queries.import_kinds import Matter
from flowctl.ops import retention
from flowctl.ops.imports.merge import Merge, Tally
from flowctl.ops.imports.source import Source
from flowctl.ops.steps import ROWS_A_STEP, Pace

ROWS_ALONE = 20 * ROWS_A_STEP
"""Rows of a transaction while no server works on the file: some 0.2 s."""

Progress = Callable[[Matter, int | None, int], None]
"""Told of each page: its kind, how many rows there are of it (None: unknown), and how many more are done."""

_ORDER = (*kinds.SETTINGS, *kinds.RUNS, *kinds.FIXED, *kinds.DATED, kinds.LOGS, kinds.EVENTS)


@dataclass(slots=True)
class Report:
    """What an import did, or would do.

    tallies   by table, in the order of the import
    left_out  what the source holds and flowctl has no place for, by name
    schedules_active  schedules that came active, and thus make runs in both places
    active_runs       runs that came in the middle of things
    retention_suspended  runs would have been deleted by age, and now stay
    """

    tallies: dict[Matter, Tally] = field(default_factory=dict[Matter, Tally])
    left_out: dict[str, int] = field(default_factory=dict[str, int])
    schedules_active: int = 0
    active_runs: int = 0
    retention_suspended: bool = False


def run(
    database: Database,
    source: Source,
    *,
    dry_run: bool = False,
    pause_schedules: bool = False,
    is_alone: bool = True,
    progress: Progress | None = None,
) -> Report:
    """Bring all of a source into a database.

    dry_run          count exactly what would be done, and write nothing
    pause_schedules  schedules come inactive
    is_alone         no server works on the file: larger transactions, without rests between them
    """
    merge = Merge(dry_run=dry_run, pause_schedules=pause_schedules)
    report = Report(left_out=source.left_out())
    size = ROWS_ALONE if is_alone else ROWS_A_STEP
    pace = Pace()
    if not dry_run:
        with database.write() as tx:
            writes.prepare(tx)
            report.retention_suspended = retention.suspend(tx)
    for matter in _ORDER:
        total = source.count(matter)
        for rows in source.pages(matter, size // 4 if matter in kinds.RUNS else size):
            amount = len(rows)
            _note(report, matter, rows, pause_schedules=pause_schedules)
            states: list[kinds.Row] = []
            if states_of := kinds.RUNS.get(matter):
                with database.read() as tx:
                    wanted = merge.wants_states(tx, matter, rows)
                states = source.states(states_of, wanted) if wanted else []
            with database.read() if dry_run else database.write() as tx:
                merge.page(tx, matter, rows, states)
            if progress:
                progress(matter, total, amount)
            if not is_alone and not dry_run:
                pace.rest()
    for matter in kinds.ALL:
        tally = merge.tallies[matter.table]
        count = source.count(matter)
        is_read = matter not in kinds.RUNS.values()  # states are read of those runs only that bring some
        tally.source = tally.read if count is None and is_read else count
        report.tallies[matter] = tally
    lines = merge.tallies[kinds.LOGS.table]
    if lines.source and lines.source > lines.read and not source.is_partial:
        report.left_out["log lines of deleted runs"] = lines.source - lines.read
    return report


def _note(report: Report, matter: Matter, rows: list[kinds.Row], *, pause_schedules: bool) -> None:
    if matter is kinds.SCHEDULES and not pause_schedules:
        report.schedules_active += sum(bool(row[matter.at["active"]]) for row in rows)
    elif matter is kinds.FLOW_RUNS:
        place = matter.at["state_type"]
        report.active_runs += sum(row[place] in ("PENDING", "RUNNING", "CANCELLING") for row in rows)
