"""Runs from the oldest on, and the beginning of what each flow keeps: what the rules of pruning are told."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple
from uuid import UUID

from flowctl.db.database import Tx

FINAL = ("COMPLETED", "FAILED", "CANCELLED", "CRASHED")


class Aged(NamedTuple):
    """A run, and its times as they are stored.

    start  when it started or was due
    moved  when it came into its state
    """

    rowid: int
    id: str
    flow_id: str
    state_id: str | None
    state_type: str | None
    state_name: str | None
    moved: str | None
    start: str


class Extent(NamedTuple):
    """How much hangs on some runs."""

    task_runs: int
    log_lines: int
    flows: int


_OLDEST = """
    SELECT rowid, id, flow_id, state_id, state_type, state_name, state_timestamp,
        coalesce(start_time, expected_start_time)
    FROM flow_run INDEXED BY ix_flow_run__start
    WHERE coalesce(start_time, expected_start_time) >= :start
      AND (coalesce(start_time, expected_start_time) > :start OR rowid > :rowid)
    ORDER BY coalesce(start_time, expected_start_time), rowid
    LIMIT :limit
"""  # SQLite would not search the index by a pair; a run without either time has no state, and has not ended

_NTH = """
    SELECT coalesce(start_time, expected_start_time)
    FROM flow_run INDEXED BY ix_flow_run__flow
    WHERE flow_id = ? AND state_type IN ('COMPLETED', 'FAILED', 'CANCELLED', 'CRASHED')
    ORDER BY coalesce(start_time, expected_start_time) DESC
    LIMIT 1 OFFSET ?
"""


def oldest(tx: Tx, after: tuple[str, int], limit: int) -> list[Aged]:
    """The next runs by the time at which they started or were due, after a time and a rowid."""
    return [Aged(*row) for row in tx.execute(_OLDEST, {"start": after[0], "rowid": after[1], "limit": limit})]


def latest_start(tx: Tx, flow_id: str, number: int) -> str | None:
    """When the flow's last run but `number - 1` started, of those that have ended; None if it has fewer."""
    found: str | None = tx.scalar(_NTH, (flow_id, number - 1))
    return found


def is_still_in(tx: Tx, run: Aged) -> bool:
    """Whether the run is still there, in the same state."""
    return bool(tx.scalar("SELECT 1 FROM flow_run WHERE id = ? AND state_id IS ?", (run.id, run.state_id)))


def any_ended_before(tx: Tx, moment: str) -> bool:
    """Whether some run started, and ended, before a stored time."""
    found = tx.scalar(
        """
        SELECT 1 FROM flow_run INDEXED BY ix_flow_run__start
        WHERE coalesce(start_time, expected_start_time) < ? AND state_timestamp < ?
          AND state_type IN ('COMPLETED', 'FAILED', 'CANCELLED', 'CRASHED')
        LIMIT 1
        """,
        (moment, moment),
    )
    return bool(found)


def extent(tx: Tx, ids: Iterable[UUID]) -> Extent:
    """What deleting these runs would take along."""
    tx.execute("CREATE TEMP TABLE doomed (id TEXT PRIMARY KEY)")  # gone with the transaction that reads
    tx.executemany("INSERT INTO doomed VALUES (?)", [(str(id),) for id in ids])
    return Extent(
        tx.scalar("SELECT count(*) FROM doomed CROSS JOIN task_run ON task_run.flow_run_id = doomed.id"),
        tx.scalar("SELECT count(*) FROM doomed CROSS JOIN log ON log.flow_run_id = doomed.id"),
        tx.scalar("SELECT count(DISTINCT flow_id) FROM doomed CROSS JOIN flow_run ON flow_run.id = doomed.id"),
    )
