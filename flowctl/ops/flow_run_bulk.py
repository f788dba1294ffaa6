"""Delete or set the state of all flow runs that a filter matches, a bounded number at a time."""

from __future__ import annotations

from dataclasses import dataclass, field
from uuid import UUID

from flowctl.db.database import Tx
from flowctl.domain.criteria import Criteria
from flowctl.domain.errors import FlowctlError
from flowctl.domain.flow_run_filters import FlowRunFilter, FlowRunSort
from flowctl.domain.orchestration import Client, SetStateStatus, StateAbortDetails, StateResponseDetails
from flowctl.domain.states import State, StateCreate
from flowctl.ops import flow_run_lists, flow_runs, set_state
from flowctl.ops.steps import Steps

LIMIT = 50
"""Runs that one request may touch (Prefect: BULK_OPERATION_LIMIT)."""

_RUNS_A_STEP = 10


@dataclass(slots=True, kw_only=True)
class FlowRunOrchestrationResult:
    """The answer to the state proposed for one of the runs."""

    flow_run_id: UUID
    status: SetStateStatus
    state: State | None
    details: StateResponseDetails


@dataclass(slots=True, kw_only=True)
class FlowRunBulkSetStateResponse:
    """One answer for each run that matched."""

    results: list[FlowRunOrchestrationResult] = field(default_factory=list[FlowRunOrchestrationResult])


def delete(tx: Tx, criteria: FlowRunFilter | None, *, limit: int = LIMIT) -> Steps[flow_runs.FlowRunBulkDeleteResponse]:
    """Delete matching runs, with what hangs on them; answers their ids."""
    return (yield from flow_runs.delete_many(tx, _ids(tx, criteria, limit)))


def propose_state(
    tx: Tx,
    criteria: FlowRunFilter | None,
    state: StateCreate,
    *,
    force: bool = False,
    limit: int = LIMIT,
    client: Client | None = None,
) -> Steps[FlowRunBulkSetStateResponse]:
    """Propose a state to each matching run; what cannot be done with one is its ABORT, and the others go on."""
    response = FlowRunBulkSetStateResponse()
    for number, id in enumerate(_ids(tx, criteria, limit), start=1):
        try:
            result = set_state.set_flow_run_state(tx, id, state, force=force, client=client)
            answer = FlowRunOrchestrationResult(
                flow_run_id=id, status=result.status, state=result.state, details=result.details
            )
        except FlowctlError as error:
            details = StateAbortDetails(reason=error.message)
            answer = FlowRunOrchestrationResult(
                flow_run_id=id, status=SetStateStatus.ABORT, state=None, details=details
            )
        response.results.append(answer)
        if number % _RUNS_A_STEP == 0:
            tx = yield _RUNS_A_STEP
    return response


def _ids(tx: Tx, criteria: FlowRunFilter | None, limit: int) -> list[UUID]:
    found = flow_run_lists.find(tx, Criteria(flow_runs=criteria), sort=FlowRunSort.ID_DESC, limit=limit, offset=0)
    return [run.id for run in found]
