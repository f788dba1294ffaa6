"""States proposed on a condition, or only to see what would become of them."""

from __future__ import annotations

from uuid import UUID

from flowctl.db.database import Tx
from flowctl.db.tables import flow_runs, task_runs
from flowctl.domain.errors import Refused
from flowctl.domain.flow_runs import FlowRun
from flowctl.domain.orchestration import Client, OrchestrationResult
from flowctl.domain.states import ConditionalSetState, ExpectedState
from flowctl.domain.task_runs import TaskRun
from flowctl.domain.values import JSONObject
from flowctl.ops import set_state


def set_flow_run_state(
    tx: Tx, id: UUID, proposal: ConditionalSetState, *, client: Client | None = None
) -> OrchestrationResult:
    """Propose a state for a flow run.

    Raises NotFound, and Refused if the run is not in the state that is expected.
    """
    if proposal.expected is not None:
        _require(flow_runs.get(tx, id), proposal.expected)
    if proposal.dry_run:
        tx.discard()
    return set_state.set_flow_run_state(tx, id, proposal.state, force=proposal.force, client=client)


def set_task_run_state(
    tx: Tx, id: UUID, proposal: ConditionalSetState, *, client: Client | None = None
) -> OrchestrationResult:
    """Propose a state for a task run; raises as for a flow run."""
    if proposal.expected is not None:
        _require(task_runs.get(tx, id), proposal.expected)
    if proposal.dry_run:
        tx.discard()
    return set_state.set_task_run_state(tx, id, proposal.state, force=proposal.force, client=client)


def resume_flow_run(
    tx: Tx, id: UUID, *, run_input: JSONObject | None, dry_run: bool = False, client: Client | None = None
) -> OrchestrationResult:
    """Let a paused flow run go on, or only tell whether it would.  Raises NotFound."""
    if dry_run:
        tx.discard()
    return set_state.resume_flow_run(tx, id, run_input=run_input, client=client)


def _require(run: FlowRun | TaskRun | None, expected: ExpectedState) -> None:
    """Raise Refused for a run in another state; of one that is gone the proposal itself tells."""
    if run is None:
        return
    type, name = (run.state.type, run.state.name) if run.state else (None, None)
    if not expected.fits(type, name):
        raise Refused(f"{run.id} is {name or 'without a state'}, not {expected}: it has moved.")
