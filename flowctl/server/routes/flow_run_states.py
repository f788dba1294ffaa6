"""States of flow runs."""

from __future__ import annotations

from uuid import UUID

from flowctl.db.columns import Rows
from flowctl.db.database import Tx
from flowctl.domain.states import State
from flowctl.ops import run_states as ops
from flowctl.server.endpoint import Routes

routes = Routes("/flow_run_states", tag="Flow Run States")


@routes.read("GET", "/")
def read_flow_run_states(tx: Tx, flow_run_id: UUID) -> Rows[State]:
    """List the states that a flow run has been in, oldest first."""
    return ops.of_flow_run(tx, flow_run_id)


@routes.read("GET", "/{id}", quick=True)
def read_flow_run_state(tx: Tx, id: UUID) -> State:
    """Get a state of a flow run by the state's id."""
    return ops.read_flow_run_state(tx, id)
