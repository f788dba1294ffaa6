"""Tables trash_batch, trashed_run, trash_part and kept_log."""

from __future__ import annotations

import json
import zlib
from collections.abc import Sequence
from typing import NamedTuple, TypeAlias
from uuid import UUID

from flowctl.db.columns import decode_time, encode_time
from flowctl.db.database import Tx
from flowctl.domain.states import StateType
from flowctl.domain.trash import KEPT, TrashBatch, TrashedRun

Part: TypeAlias = "dict[str, tuple[list[str], list[list[object]]]]"
"""Rows by table: the names of the columns, and the values of each row as SQLite has them."""

BEHIND_ALL = 1 << 62
"""A position that no run has."""

_PARTS_A_RUN = 1 << 20

_LEVEL = 1
"""Of zlib: higher ones take three times as long for a tenth of the room."""


class Entry(NamedTuple):
    """A run's place in the trash, and the links that it had.

    parent_task_run_id  the task run that stood for it in its parent
    """

    position: int
    id: str
    batch: int
    name: str
    flow_id: str
    flow_name: str | None
    parent_task_run_id: str | None
    parent_run_id: str | None


_ENTRY = "position, id, batch, name, flow_id, flow_name, parent_task_run_id, parent_run_id"


# -- batches


def batch_number(tx: Tx, id: UUID) -> int | None:
    """The number of a batch, or None."""
    return tx.scalar("SELECT number FROM trash_batch WHERE id = ?", (str(id),))


def insert_batch(tx: Tx, id: UUID) -> int:
    """A new batch; its number."""
    cursor = tx.execute("INSERT INTO trash_batch (id, deleted) VALUES (?, ?)", (str(id), encode_time(tx.now)))
    return cursor.lastrowid or 0


def last_batch(tx: Tx) -> UUID | None:
    """The batch of the run that was deleted last, or None."""
    found = tx.scalar(
        """
        SELECT trash_batch.id FROM trashed_run JOIN trash_batch ON trash_batch.number = trashed_run.batch
        ORDER BY position DESC LIMIT 1
        """
    )
    return found and UUID(found)


def delete_batch_if_empty(tx: Tx, number: int) -> None:
    """Forget a batch of which no run is left."""
    tx.execute(
        "DELETE FROM trash_batch WHERE number = :number"
        " AND NOT EXISTS (SELECT 1 FROM trashed_run WHERE batch = :number)",
        {"number": number},
    )


_BATCHES = """
    SELECT trash_batch.id, trash_batch.deleted, count(*), trashed_run.name, trashed_run.flow_name,
        max(trashed_run.position)
    FROM trashed_run
    JOIN trash_batch ON trash_batch.number = trashed_run.batch
    {where}
    GROUP BY trashed_run.batch
    ORDER BY max(trashed_run.position) DESC
    LIMIT ?
"""


def batches(tx: Tx, *, prefix: str | None = None, limit: int) -> list[TrashBatch]:
    """The batches, or those whose id begins so; the last first."""
    where = "" if prefix is None else "WHERE trash_batch.id >= ? AND trash_batch.id < ?"
    parameters = () if prefix is None else (prefix, prefix + "g")  # "g" follows every character of an id
    return [
        TrashBatch(
            id=UUID(id),
            deleted=decode_time(deleted),
            expires=decode_time(deleted) + KEPT,
            runs=runs,
            name=name,
            flow_name=flow_name,
        )
        for id, deleted, runs, name, flow_name, _ in tx.execute(_BATCHES.format(where=where), (*parameters, limit))
    ]


# -- runs


def entry(tx: Tx, id: str) -> Entry | None:
    """A run in the trash, or None."""
    row = tx.execute(f"SELECT {_ENTRY} FROM trashed_run WHERE id = ?", (id,)).fetchone()
    return row and Entry(*row)


def last_entries(tx: Tx, batch: int, before: int, limit: int) -> list[Entry]:
    """Runs of a batch that were deleted before the one at a position, the last first."""
    rows = tx.execute(
        f"SELECT {_ENTRY} FROM trashed_run WHERE batch = ? AND position < ? ORDER BY position DESC LIMIT ?",
        (batch, before, limit),
    )
    return [Entry(*row) for row in rows]


def oldest(tx: Tx, limit: int) -> list[tuple[int, int, str]]:
    """Positions, batches and times of deletion of the runs that were deleted first."""
    return tx.execute("SELECT position, batch, deleted FROM trashed_run ORDER BY position LIMIT ?", (limit,)).fetchall()


def count(tx: Tx) -> int:
    """How many runs are in the trash."""
    return tx.scalar("SELECT count(*) FROM trashed_run")


def insert(tx: Tx, batch: int, run: Sequence[object]) -> int:
    """A new entry, of a run's id, name, flow, name of the flow, state, parent task run and parent run; its position."""
    cursor = tx.execute(
        """
        INSERT INTO trashed_run (batch, deleted, id, name, flow_id, flow_name, state_type, state_name,
            parent_task_run_id, parent_run_id)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
        """,
        (batch, encode_time(tx.now), *run),
    )
    return cursor.lastrowid or 0


def count_more(tx: Tx, position: int, *, task_runs: int, log_lines: int) -> None:
    """Note how much more of a run is in the trash."""
    tx.execute(
        "UPDATE trashed_run SET task_runs = task_runs + ?, log_lines = log_lines + ? WHERE position = ?",
        (task_runs, log_lines, position),
    )


def move_to_batch(tx: Tx, position: int, batch: int) -> None:
    """Put a run whose deletion was cut short into another batch, as deleted now."""
    tx.execute(
        "UPDATE trashed_run SET batch = ?, deleted = ? WHERE position = ?", (batch, encode_time(tx.now), position)
    )


def set_parent(tx: Tx, id: str, task_run_id: str) -> None:
    """Link a run in the trash to the task run that stands for it in its parent."""
    tx.execute("UPDATE trashed_run SET parent_task_run_id = ? WHERE id = ?", (task_run_id, id))


def delete(tx: Tx, position: int) -> None:
    """Delete an entry whose parts are gone."""
    tx.execute("DELETE FROM trashed_run WHERE position = ?", (position,))


_FOUND = """
    SELECT trashed_run.id, name, flow_id, flow_name, state_type, state_name, task_runs, log_lines, trash_batch.id,
        trashed_run.deleted
    FROM trashed_run
    JOIN trash_batch ON trash_batch.number = trashed_run.batch
    {where}
    ORDER BY position DESC
    LIMIT ? OFFSET ?
"""


def find(tx: Tx, where: str, parameters: Sequence[object], *, limit: int, offset: int) -> list[TrashedRun]:
    """Runs in the trash by a condition, the last deleted first."""
    rows = tx.execute(_FOUND.format(where=where), (*parameters, limit, offset))
    return [
        TrashedRun(
            id=UUID(id),
            name=name,
            flow_id=UUID(flow_id),
            flow_name=flow_name,
            state_type=state_type and StateType(state_type),
            state_name=state_name,
            task_runs=task_runs,
            log_lines=log_lines,
            batch=UUID(batch),
            deleted=decode_time(deleted),
            expires=decode_time(deleted) + KEPT,
        )
        for id, name, flow_id, flow_name, state_type, state_name, task_runs, log_lines, batch, deleted in rows
    ]


# -- parts


def add_part(tx: Tx, position: int, part: Part) -> None:
    """Store rows of a run behind those that are there."""
    first = position * _PARTS_A_RUN
    last = tx.scalar("SELECT max(id) FROM trash_part WHERE id >= ? AND id < ?", (first, first + _PARTS_A_RUN))
    text = json.dumps(part, ensure_ascii=False, separators=(",", ":"))
    content = zlib.compress(text.encode("utf-8", "surrogatepass"), _LEVEL)
    tx.execute("INSERT INTO trash_part (id, content) VALUES (?, ?)", (first if last is None else last + 1, content))


def last_part(tx: Tx, position: int) -> tuple[int, Part] | None:
    """The part of a run that was stored last, and its id; or None."""
    first = position * _PARTS_A_RUN
    row = tx.execute(
        "SELECT id, content FROM trash_part WHERE id >= ? AND id < ? ORDER BY id DESC LIMIT 1",
        (first, first + _PARTS_A_RUN),
    ).fetchone()
    return row and (row[0], json.loads(zlib.decompress(row[1]).decode("utf-8", "surrogatepass")))


def delete_part(tx: Tx, id: int) -> None:
    """Delete a part."""
    tx.execute("DELETE FROM trash_part WHERE id = ?", (id,))


def delete_parts(tx: Tx, position: int, limit: int) -> int:
    """Delete up to `limit` parts of a run; returns how many."""
    first = position * _PARTS_A_RUN
    return tx.execute(
        "DELETE FROM trash_part WHERE id IN (SELECT id FROM trash_part WHERE id >= ? AND id < ? LIMIT ?)",
        (first, first + _PARTS_A_RUN, limit),
    ).rowcount


# -- logs that stay


def keep_log(tx: Tx, flow_run_id: str) -> None:
    """Note that the log of a run, if it has one, outlives it, and is not one of those to be deleted."""
    tx.execute("DELETE FROM orphaned_log WHERE flow_run_id = ?", (flow_run_id,))
    tx.execute(
        """
        INSERT OR IGNORE INTO kept_log (flow_run_id, kept)
        SELECT :id, :now WHERE EXISTS (SELECT 1 FROM log WHERE flow_run_id = :id)
        """,
        {"id": flow_run_id, "now": encode_time(tx.now)},
    )


def forget_kept_log(tx: Tx, flow_run_id: str) -> None:
    """Note that a log belongs to a run again."""
    tx.execute("DELETE FROM kept_log WHERE flow_run_id = ?", (flow_run_id,))


def release_kept_logs(tx: Tx, before: str, limit: int) -> int:
    """Leave some of the logs that were kept before a stored time to `deletion.delete_orphaned_logs`; how many."""
    rows = tx.execute("SELECT flow_run_id FROM kept_log WHERE kept < ? LIMIT ?", (before, limit)).fetchall()
    tx.executemany("INSERT OR IGNORE INTO orphaned_log (flow_run_id) VALUES (?)", rows)
    tx.executemany("DELETE FROM kept_log WHERE flow_run_id = ?", rows)
    return len(rows)
