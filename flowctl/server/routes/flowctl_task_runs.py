"""What flowctl does with task runs beyond Prefect's API."""

from __future__ import annotations

from uuid import UUID

from flowctl.db.database import Tx
from flowctl.domain.orchestration import OrchestrationResult
from flowctl.domain.states import ConditionalSetState
from flowctl.ops import proposals
from flowctl.server.endpoint import Call, Routes

routes = Routes("/flowctl/task_runs", tag="Flowctl")


@routes.write("POST", "/{id}/set_state")
def set_task_run_state(tx: Tx, id: UUID, body: ConditionalSetState, call: Call) -> OrchestrationResult:
    """Propose a state if the run is in an expected one (400 if it is not), or only to see what would become of it."""
    return proposals.set_task_run_state(tx, id, body, client=call.client)
