"""What an import asks of this database and writes into it: rows of many kinds, as they are (`import_kinds`)."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import NamedTuple

from flowctl.db.database import Tx
from flowctl.db.queries import import_kinds as kinds
from flowctl.db.queries.import_kinds import Matter, Row


class Known(NamedTuple):
    """A row that is here: its id, its time of change ('' if it has none), and of runs their state."""

    id: str
    updated: str
    state_id: str | None
    state_name: str | None


def prepare(tx: Tx) -> None:
    """Give the connection room to hold the indices: ids are random, and each row touches another page of them."""
    tx.execute("PRAGMA cache_size = -256000")  # KiB
    tx.execute("PRAGMA wal_autocheckpoint = 16000")  # pages


def known(tx: Tx, matter: Matter, values: Sequence[str], *, by: str = "id") -> dict[str, Known]:
    """Those of some rows that are here, by their id (or `by`)."""
    updated = "coalesce(updated, '')" if "updated" in matter.at else "''"
    state = "state_id, state_name" if "state_id" in matter.at else "NULL, NULL"
    rows = tx.execute(
        f"SELECT {by}, id, {updated}, {state} FROM {matter.table} WHERE {by} IN (SELECT value FROM json_each(?))",
        (json.dumps(values),),
    )
    return {row[0]: Known(*row[1:]) for row in rows}


def known_lines(tx: Tx, rows: Sequence[Row]) -> set[str]:
    """The ids of those log lines that are here, found by their runs and times (there is no index on their ids)."""
    if tx.scalar("SELECT 1 FROM log LIMIT 1") is None:
        return set()
    run_at, moment_at = kinds.LOGS.at["flow_run_id"], kinds.LOGS.at["timestamp"]
    spans: dict[str | None, tuple[str, str]] = {}
    for row in rows:
        moment = row[moment_at]
        first, last = spans.get(row[run_at], (moment, moment))
        spans[row[run_at]] = min(first, moment), max(last, moment)
    found: set[str] = set()
    for run, span in spans.items():
        if run is None:
            lines = tx.execute("SELECT id FROM log WHERE flow_run_id IS NULL AND timestamp BETWEEN ? AND ?", span)
        else:
            lines = tx.execute("SELECT id FROM log WHERE flow_run_id = ? AND timestamp BETWEEN ? AND ?", (run, *span))
        found.update(line[0] for line in lines)
    return found


def namesake(tx: Tx, matter: Matter, row: Row) -> str | None:
    """The id of the row here that has the same name as a row from there, or None."""
    values = [row[matter.at[column]] for column in matter.natural]
    if not values or None in values:
        return None
    condition = " AND ".join(f'"{column}" = ?' for column in matter.natural)
    return tx.scalar(f"SELECT id FROM {matter.table} WHERE {condition}", values)


def trashed(tx: Tx, matter: Matter, rows: Sequence[Row]) -> set[str]:
    """The runs of a page that are in the trash here, task runs with their flow runs."""
    place = 0 if matter is kinds.FLOW_RUNS else matter.at["flow_run_id"]
    found = tx.execute(
        "SELECT id FROM trashed_run WHERE id IN (SELECT value FROM json_each(?))",
        (json.dumps(list({row[place] for row in rows})),),
    )
    gone = {row[0] for row in found}
    return {row[0] for row in rows if row[place] in gone}


def drop_taken_keys(tx: Tx, matter: Matter, runs: Sequence[Row]) -> None:
    """Take the idempotency key off new runs whose flow has another run with it here."""
    flow_at, key_at = matter.at["flow_id"], matter.at["idempotency_key"]
    query = "SELECT 1 FROM flow_run WHERE flow_id = ? AND idempotency_key = ?"
    for run in runs:
        if run[key_at] is not None and tx.scalar(query, (run[flow_at], run[key_at])):
            run[key_at] = None


def insert(tx: Tx, matter: Matter, rows: Sequence[Row], *, or_ignore: bool = False) -> int:
    """Insert rows; returns how many.  With `or_ignore`, but those that break a uniqueness rule.

    Raises Conflict without it.
    """
    names = ", ".join(f'"{column}"' for column in matter.columns)
    marks = ", ".join("?" * len(matter.columns))
    verb = "INSERT OR IGNORE" if or_ignore else "INSERT"
    return tx.executemany(f"{verb} INTO {matter.table} ({names}) VALUES ({marks})", rows).rowcount if rows else 0


def update(tx: Tx, matter: Matter, rows: Sequence[Row]) -> None:
    """Let rows that are here be as they are there."""
    clause = ", ".join(f'"{column}" = ?' for column in matter.columns[1:])
    tx.executemany(f"UPDATE {matter.table} SET {clause} WHERE id = ?", [(*row[1:], row[0]) for row in rows])


def delete_other_states(tx: Tx, state_matter: Matter, run_id: str, states: Sequence[Row]) -> None:
    """Delete the states of a run that are none of these."""
    tx.execute(
        f"""
        DELETE FROM {state_matter.table}
        WHERE {state_matter.columns[-1]} = ? AND id NOT IN (SELECT value FROM json_each(?))
        """,
        (run_id, json.dumps([state[0] for state in states])),
    )


def ask_for_evaluation(tx: Tx, ids: Sequence[str]) -> None:
    """Let the scheduler look at some schedules at once."""
    tx.executemany("UPDATE deployment_schedule SET evaluated_at = NULL WHERE id = ?", [(id,) for id in ids])


def insert_past_events(tx: Tx, rows: Sequence[Row]) -> None:
    """Insert events, newest first, at positions before all others: they are history, and no news to who listens."""
    at = kinds.EVENTS.at
    names = ", ".join(f'"{column}"' for column in kinds.EVENTS.columns)
    marks = ", ".join("?" * len(kinds.EVENTS.columns))
    first = min(tx.scalar("SELECT min(position) FROM events") or 0, 0)
    numbered: list[Row] = [[first - number, *row] for number, row in enumerate(rows, start=1)]
    tx.executemany(f"INSERT INTO events (position, {names}) VALUES (?, {marks})", numbered)
    tx.executemany(
        "INSERT OR IGNORE INTO event_resources (resource_id, occurred, position) VALUES (?, ?, ?)",
        [
            (resource_id, row[1 + at["occurred"]], row[0])
            for row in numbered
            for resource_id in json.loads(row[1 + at["related_resource_ids"]])
        ],
    )
