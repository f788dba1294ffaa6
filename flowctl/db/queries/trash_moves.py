"""Moves the rows of a flow run into the trash and back, a bounded number at a time.

Into the trash children go first and the run itself last; out of it the run comes first.  A move that is cut short thus
leaves a run with fewer children, never children without a run, and doing it again, or undoing it, finishes it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from flowctl.db.clauses import Clause
from flowctl.db.database import Tx
from flowctl.db.tables import trash
from flowctl.db.tables.trash import Entry, Part

_LINKS = "links"
"""Not a table: ids of subflow runs, and of the task runs that stood for them in this run."""

_CHILDREN = {
    "log": "SELECT rowid, * FROM log WHERE flow_run_id = :id LIMIT :limit",
    "task_run_state": """
        SELECT task_run_state.rowid, task_run_state.*
        FROM task_run CROSS JOIN task_run_state ON task_run_state.task_run_id = task_run.id
        WHERE task_run.flow_run_id = :id LIMIT :limit
    """,
    _LINKS: """
        SELECT flow_run.rowid, flow_run.id, flow_run.parent_task_run_id
        FROM task_run CROSS JOIN flow_run ON flow_run.parent_task_run_id = task_run.id
        WHERE task_run.flow_run_id = :id LIMIT :limit
    """,
    "task_run": "SELECT rowid, * FROM task_run WHERE flow_run_id = :id LIMIT :limit",
    "flow_run_input": "SELECT rowid, * FROM flow_run_input WHERE flow_run_id = :id LIMIT :limit",
    "flow_run_state": "SELECT rowid, * FROM flow_run_state WHERE flow_run_id = :id LIMIT :limit",
}
"""What hangs on a run, in the order in which it goes; indices on the run's id serve all of them."""

_RUN = "SELECT rowid, * FROM flow_run WHERE id = :id"

_HEAD = """
    SELECT flow_run.id, flow_run.name, flow_run.flow_id, flow.name, flow_run.state_type, flow_run.state_name,
        flow_run.parent_task_run_id, task_run.flow_run_id
    FROM flow_run
    LEFT JOIN flow ON flow.id = flow_run.flow_id
    LEFT JOIN task_run ON task_run.id = flow_run.parent_task_run_id
    WHERE flow_run.id = ?
"""


def head(tx: Tx, id: str) -> tuple[object, ...] | None:
    """What `trash.insert` is to know of a run, or None if there is no such run."""
    return tx.execute(_HEAD, (id,)).fetchone()


def take(tx: Tx, position: int, id: str, *, limit: int, keep_log: bool) -> int:
    """Move up to `limit` rows of a run to its place in the trash; returns how many.  Fewer: all of it is there."""
    part: Part = {}
    moved = 0
    for table, sql in _CHILDREN.items():
        if moved < limit and not (keep_log and table == "log"):
            moved += _take(tx, part, table, sql, {"id": id, "limit": limit - moved})
    if moved < limit:
        moved += _take(tx, part, "flow_run", _RUN, {"id": id})
    if part:
        trash.add_part(tx, position, part)
    tasks, lines = _rows(part, "task_run"), _rows(part, "log")
    if tasks or lines:
        trash.count_more(tx, position, task_runs=tasks, log_lines=lines)
    return moved


def _take(tx: Tx, part: Part, table: str, sql: str, parameters: dict[str, object]) -> int:
    cursor = tx.execute(sql, parameters)
    names = [column[0] for column in cursor.description]
    rows = cursor.fetchall()
    if rows:
        part[table] = (names[1:], [list(row[1:]) for row in rows])
        done = "UPDATE flow_run SET parent_task_run_id = NULL" if table == _LINKS else f"DELETE FROM {table}"
        tx.executemany(f"{done} WHERE rowid = ?", [row[:1] for row in rows])
    return len(rows)


def put_back(tx: Tx, part: Part, changes: Mapping[str, object]) -> int:
    """Bring the rows of one part back; returns how many they are.

    Rows that are there by now, as a run goes on to report its tasks, stay as they are.
    changes  columns of the run's own row that have other values by now
    """
    done = 0
    for table in ("flow_run", *reversed(_CHILDREN)):
        if table not in part:
            continue
        names, rows = part[table]
        done += len(rows)
        if table == _LINKS:
            for child, task_run in rows:
                link(tx, str(child), str(task_run))
            continue
        known = _columns(tx, table)
        chosen = [number for number, name in enumerate(names) if name in known]
        values = [[row[number] for number in chosen] for row in rows]
        if table == "flow_run":
            columns = [names[number] for number in chosen]
            values = [[changes.get(name, value) for name, value in zip(columns, row, strict=True)] for row in values]
        listed = ", ".join(f'"{names[number]}"' for number in chosen)
        sql = f"INSERT OR IGNORE INTO {table} ({listed}) VALUES ({', '.join('?' * len(chosen))})"
        tx.executemany(sql, values)
    return done


def link(tx: Tx, child: str, task_run_id: str) -> None:
    """Link a subflow run, where it is by now, to the task run that stands for it in its parent."""
    tx.execute(
        "UPDATE flow_run SET parent_task_run_id = ? WHERE id = ? AND parent_task_run_id IS NULL", (task_run_id, child)
    )
    trash.set_parent(tx, child, task_run_id)


def matching(tx: Tx, condition: Clause, limit: int) -> list[str]:
    """Ids of the runs that meet a condition on flow_run; -1: without a limit."""
    sql = f"SELECT flow_run.id FROM flow_run WHERE {condition.sql} LIMIT ?"
    return [row[0] for row in tx.execute(sql, (*condition.parameters, limit))]


def matches(tx: Tx, condition: Clause, id: str) -> bool:
    """Whether a run meets a condition on flow_run."""
    return bool(tx.scalar(f"SELECT 1 FROM flow_run WHERE id = ? AND ({condition.sql})", (id, *condition.parameters)))


class Extent(NamedTuple):
    """How much hangs on some runs, and the subflow runs of theirs that are none of them."""

    runs: int
    task_runs: int
    log_lines: int
    flow_ids: list[str]
    subflow_runs: list[str]


def extent(tx: Tx, ids: Sequence[str]) -> Extent:
    """What deleting these runs would take along; `tx` only reads."""
    tx.execute("CREATE TEMP TABLE doomed (id TEXT PRIMARY KEY)")  # gone with the transaction
    tx.executemany("INSERT OR IGNORE INTO doomed SELECT id FROM flow_run WHERE id = ?", [(id,) for id in ids])
    return Extent(
        tx.scalar("SELECT count(*) FROM doomed"),
        tx.scalar("SELECT count(*) FROM doomed CROSS JOIN task_run ON task_run.flow_run_id = doomed.id"),
        tx.scalar("SELECT count(*) FROM doomed CROSS JOIN log ON log.flow_run_id = doomed.id"),
        [row[0] for row in tx.execute(_FLOWS)],
        [row[0] for row in tx.execute(_SUBFLOWS)],
    )


_FLOWS = "SELECT DISTINCT flow_id FROM doomed CROSS JOIN flow_run ON flow_run.id = doomed.id"

_SUBFLOWS = """
    SELECT flow_run.id
    FROM doomed
    CROSS JOIN task_run ON task_run.flow_run_id = doomed.id
    CROSS JOIN flow_run ON flow_run.parent_task_run_id = task_run.id
    WHERE flow_run.id NOT IN (SELECT id FROM doomed)
"""


def leave_link(tx: Tx, parent: Entry, child: str, task_run_id: str) -> None:
    """Tell a parent in the trash of a subflow run that came back before it."""
    trash.add_part(tx, parent.position, {_LINKS: (["id", "parent_task_run_id"], [[child, task_run_id]])})


def own_row(part: Part) -> dict[str, Any] | None:
    """The run's own row, if it is in this part."""
    if "flow_run" not in part:
        return None
    names, rows = part["flow_run"]
    return dict(zip(names, rows[0], strict=True))


def _rows(part: Part, table: str) -> int:
    return len(part[table][1]) if table in part else 0


def _columns(tx: Tx, table: str) -> set[str]:
    return {row[1] for row in tx.execute(f"PRAGMA table_info({table})")}
