"""Table flow_run_input."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from flowctl.db.columns import TEXT, TIME, UUID_, Columns, Rows
from flowctl.db.database import Tx
from flowctl.domain.flow_runs import FlowRunInput

FLOW_RUN_INPUT = Columns(
    FlowRunInput,
    table="flow_run_input",
    id=UUID_,
    created=TIME,
    updated=TIME,
    flow_run_id=UUID_,
    key=TEXT,
    value=TEXT,
    sender=TEXT,
)


def by_key(tx: Tx, flow_run_id: UUID, key: str) -> FlowRunInput | None:
    """The input of a run under this key, or None."""
    return FLOW_RUN_INPUT.one(tx, "WHERE flow_run_id = ? AND key = ?", (str(flow_run_id), key))


def find(tx: Tx, flow_run_id: UUID, prefix: str, *, limit: int, exclude_keys: Sequence[str]) -> Rows[FlowRunInput]:
    """Inputs of a run whose key begins with `prefix` (a LIKE pattern, as in Prefect), oldest first."""
    marks = ", ".join("?" * len(exclude_keys))
    return FLOW_RUN_INPUT.rows(
        tx,
        f"WHERE flow_run_id = ? AND key LIKE ? AND key NOT IN ({marks}) ORDER BY created, rowid LIMIT ?",
        (str(flow_run_id), f"{prefix}%", *exclude_keys, limit),
    )


def insert(tx: Tx, entity: FlowRunInput) -> FlowRunInput:
    """Store an input.  Raises Conflict if the run has one under this key."""
    return FLOW_RUN_INPUT.insert(tx, entity)


def delete(tx: Tx, flow_run_id: UUID, key: str) -> bool:
    """Delete an input; tells whether it was there."""
    cursor = tx.execute("DELETE FROM flow_run_input WHERE flow_run_id = ? AND key = ?", (str(flow_run_id), key))
    return cursor.rowcount > 0
