"""States of runs, by their own id or by run."""

from __future__ import annotations

from uuid import UUID

from flowctl.db.columns import Rows
from flowctl.db.database import Tx
from flowctl.db.tables import states as table
from flowctl.domain.errors import NotFound
from flowctl.domain.states import State


def read_flow_run_state(tx: Tx, id: UUID) -> State:
    """A state of a flow run.  Raises NotFound."""
    return _found(table.get_flow_run_state(tx, id))


def read_task_run_state(tx: Tx, id: UUID) -> State:
    """A state of a task run.  Raises NotFound, whose sentence is the same in Prefect."""
    return _found(table.get_task_run_state(tx, id))


def of_flow_run(tx: Tx, flow_run_id: UUID) -> Rows[State]:
    """All states of a flow run, oldest first; none if there is no such run."""
    return table.of_flow_run(tx, flow_run_id)


def of_task_run(tx: Tx, task_run_id: UUID) -> Rows[State]:
    """All states of a task run, oldest first; none if there is no such run."""
    return table.of_task_run(tx, task_run_id)


def _found(state: State | None) -> State:
    if state is None:
        raise NotFound("Flow run state not found")
    return state
