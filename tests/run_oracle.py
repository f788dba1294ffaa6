"""What must be true of runs and their histories, read from the database file itself."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Any

TERMINAL = frozenset({"COMPLETED", "FAILED", "CANCELLED", "CRASHED"})

_ORPHANS = {
    "states of flow runs": "SELECT id FROM flow_run_state WHERE flow_run_id NOT IN (SELECT id FROM flow_run)",
    "states of task runs": "SELECT id FROM task_run_state WHERE task_run_id NOT IN (SELECT id FROM task_run)",
    "task runs": """
        SELECT id FROM task_run WHERE flow_run_id IS NOT NULL AND flow_run_id NOT IN (SELECT id FROM flow_run)
    """,
    "inputs": "SELECT id FROM flow_run_input WHERE flow_run_id NOT IN (SELECT id FROM flow_run)",
    "subflow runs": """
        SELECT id FROM flow_run
        WHERE parent_task_run_id IS NOT NULL AND parent_task_run_id NOT IN (SELECT id FROM task_run)
    """,
}

_IDS = """
    SELECT id FROM flow UNION ALL SELECT id FROM flow_run UNION ALL SELECT id FROM task_run
    UNION ALL SELECT id FROM flow_run_state UNION ALL SELECT id FROM flow_run_input
"""  # a subflow's placeholder has states of its own; a task run's may share an id with a reported one of another run


@dataclass(frozen=True)
class Step:
    """A state in a history."""

    id: str
    type: str
    name: str
    timestamp: datetime


def histories(db: sqlite3.Connection, kind: str) -> dict[str, list[Step]]:
    """The states of all runs of a kind (`flow_run`, `task_run`), oldest first, by run."""
    found: dict[str, list[Step]] = {id: [] for (id,) in db.execute(f"SELECT id FROM {kind}")}
    query = f"SELECT {kind}_id, id, type, name, timestamp FROM {kind}_state ORDER BY timestamp, rowid"
    for run, id, type, name, timestamp in db.execute(query):
        found.setdefault(run, []).append(Step(id, type, name, _moment(timestamp)))
    return found


def rows(db: sqlite3.Connection, kind: str) -> dict[str, Mapping[str, Any]]:
    """The rows of all runs of a kind, by id."""
    cursor = db.execute(f"SELECT * FROM {kind}")
    names = [column[0] for column in cursor.description]
    return {row["id"]: row for row in (dict(zip(names, values, strict=True)) for values in cursor)}


def check_agreement(
    kind: str, rows: Mapping[str, Mapping[str, Any]], histories: Mapping[str, list[Step]], reported: Collection[str]
) -> None:
    """Each row shows the last state of its history, and times in a history ascend.

    reported  runs of which clients report the states: two of those may have the same time
    """
    assert set(histories) == set(rows)
    for id, row in rows.items():
        history = histories[id]
        times = [step.timestamp for step in history]
        assert id in reported or all(earlier < later for earlier, later in pairwise(times)), (kind, id, history)
        shown = None
        if row["state_id"]:
            shown = Step(row["state_id"], row["state_type"], row["state_name"], _moment(row["state_timestamp"]))
        assert shown == (history[-1] if history else None), (kind, row, history)


def check_times(row: Mapping[str, Any], history: list[Step]) -> None:
    """Start, end and running time are what the history says."""
    start = end = None
    running = 0.0
    previous: Step | None = None
    for step in history:
        if step.type == "RUNNING":
            start = start or step.timestamp
        if previous is not None and previous.type in TERMINAL and step.type not in TERMINAL:
            end = None
        if step.type in TERMINAL and end is None:
            start, end = start or step.timestamp, step.timestamp
        if previous is not None and previous.type == "RUNNING":
            running += (step.timestamp - previous.timestamp).total_seconds()
        previous = step
    found = {name: row[name] and _moment(row[name]) for name in ("start_time", "end_time")}
    assert found == {"start_time": start, "end_time": end}, (row, history)
    assert abs(row["total_run_time"] - running) < 1e-3, (row, history)


def check_attempts(row: Mapping[str, Any], history: list[Step]) -> None:
    """Each RUNNING counts; behind a pause it need not, because a run that is resumed goes on with its attempt.

    A run that leaves an end may count anew.
    """
    types = [step.type for step in history]
    again = [
        at for at, (before, after) in enumerate(pairwise(types), 1) if before in TERMINAL and after not in TERMINAL
    ]
    before_pause = types[: types.index("PAUSED")] if "PAUSED" in types else types
    least = before_pause[again[-1] if again else 0 :].count("RUNNING")
    assert least <= row["run_count"] <= types.count("RUNNING"), (row, history)


def check_no_orphans(db: sqlite3.Connection) -> None:
    """Nothing is left of what was deleted."""
    for what, query in _ORPHANS.items():
        assert db.execute(query).fetchall() == [], what


def check_ids_are_unique(db: sqlite3.Connection) -> None:
    """No two things have the same id."""
    ids = [id for (id,) in db.execute(_IDS)]
    assert len(ids) == len(set(ids))


def check_announcements(db: sqlite3.Connection) -> None:
    """Each state of a flow run was announced by one event, whose id is the state's."""
    query = """
        SELECT flow_run_state.id, count(events.id)
        FROM flow_run_state LEFT JOIN events ON events.id = flow_run_state.id
        GROUP BY 1 HAVING count(events.id) <> 1
    """
    assert db.execute(query).fetchall() == []


def check_answers(answers: list[Mapping[str, Any]], rows: Mapping[str, Mapping[str, Any]]) -> None:
    """The API shows the state that the row names, and the same in all its fields."""
    assert {answer["id"] for answer in answers} == set(rows)
    for answer in answers:
        row, state = rows[answer["id"]], answer["state"] or dict.fromkeys(("id", "type", "name", "timestamp"))
        expected = (row["state_id"], row["state_type"], row["state_name"])
        assert (answer["state_id"], answer["state_type"], answer["state_name"]) == expected
        assert (state["id"], state["type"], state["name"]) == expected
        if state["timestamp"]:
            assert datetime.fromisoformat(state["timestamp"]) == _moment(row["state_timestamp"])


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text + "+00:00")
