"""Tables flow_run_state and task_run_state."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from uuid import UUID

from flowctl.db.columns import JSON, TEXT, TIME, UUID_, Columns, Rows, enum_of, json_of
from flowctl.db.database import Tx
from flowctl.domain.states import State, StateDetails, StateType


def _columns(table: str, owner: str) -> Columns[State]:
    return Columns(
        State,
        table=table,
        extra={"created": TIME, "updated": TIME, owner: UUID_},
        id=UUID_,
        type=enum_of(StateType),
        name=TEXT,
        timestamp=TIME,
        message=TEXT,
        data=JSON,
        state_details=json_of(StateDetails),
    )


FLOW_RUN_STATE = _columns("flow_run_state", "flow_run_id")
TASK_RUN_STATE = _columns("task_run_state", "task_run_id")


def insert_flow_run_state(tx: Tx, flow_run_id: UUID, state: State) -> State:
    """Store a state of a flow run."""
    return FLOW_RUN_STATE.insert(tx, state, created=tx.now, updated=tx.now, flow_run_id=flow_run_id)


def insert_task_run_state(tx: Tx, task_run_id: UUID, state: State) -> bool:
    """Store a state of a task run once; tells whether it was new."""
    return TASK_RUN_STATE.insert_or_ignore(tx, state, created=tx.now, updated=tx.now, task_run_id=task_run_id)


def get_flow_run_state(tx: Tx, id: UUID) -> State | None:
    """A flow run's state by its own id, or None."""
    return FLOW_RUN_STATE.by_id(tx, id)


def get_task_run_state(tx: Tx, id: UUID) -> State | None:
    """A task run's state by its own id, or None."""
    return TASK_RUN_STATE.by_id(tx, id)


def of_flow_run(tx: Tx, flow_run_id: UUID) -> Rows[State]:
    """All states of a flow run, oldest first."""
    return FLOW_RUN_STATE.rows(tx, "WHERE flow_run_id = ? ORDER BY timestamp, rowid", (str(flow_run_id),))


def of_task_run(tx: Tx, task_run_id: UUID) -> Rows[State]:
    """All states of a task run, oldest first."""
    return TASK_RUN_STATE.rows(tx, "WHERE task_run_id = ? ORDER BY timestamp, rowid", (str(task_run_id),))


def steps_of_task_runs(tx: Tx, ids: Sequence[UUID]) -> Iterator[tuple[UUID, StateType, str, datetime]]:
    """Id, type, name and time of all states of some task runs, those of each oldest first."""
    query = f"""
        SELECT task_run_id, type, name, timestamp
        FROM task_run_state
        WHERE task_run_id IN ({", ".join("?" * len(ids))})
        ORDER BY task_run_id, timestamp, rowid
    """  # index: ix_task_run_state__task_run
    for id, type, name, timestamp in tx.execute(query, [str(id) for id in ids]):
        yield UUID(id), StateType(type), name, TIME.decode(timestamp)
