"""Why a flow run waits, does not get on, or has ended: one answer from the facts that orchestration decides by.

Each kind of state has its theme (`why_waiting`, `why_active`, `why_ended`), which puts causes and checks on the run's
case; where a cause lies in another run (who holds the slot, which subflow is awaited), the chain goes on with its case.
"""

from __future__ import annotations

from uuid import UUID

from flowctl.db.database import Tx
from flowctl.db.queries import why as queries
from flowctl.db.tables import flow_runs
from flowctl.domain import reasons
from flowctl.domain.errors import NotFound
from flowctl.domain.flow_runs import FlowRun
from flowctl.domain.spans import age
from flowctl.domain.states import State, StateType
from flowctl.domain.why import Cause, Check, Explanation, Verdict
from flowctl.ops import why_active, why_ended, why_waiting
from flowctl.ops.why_case import Case

LONGEST_CHAIN = 6
"""Runs that are looked at for one answer."""


def why(tx: Tx, id: UUID, *, is_serving: bool = False) -> Explanation:
    """Explain a flow run's state.

    is_serving  a server asks, so that there is one; else the database tells when one was last there
    Raises NotFound.
    """
    run = flow_runs.get(tx, id)
    if run is None:
        raise NotFound(f"Flow run with id {id} not found")
    if run.state is None:
        return _without_state(run)
    case = _examine(tx, run, run.state, is_serving=is_serving)
    causes = [*case.causes, *_further(tx, case, is_serving=is_serving)]
    verdict = _verdict(run.state, causes)
    return Explanation(
        flow_run_id=run.id,
        flow_run_name=run.name,
        state_type=run.state.type,
        state_name=run.state.name,
        since=run.state.timestamp,
        verdict=verdict,
        summary=_summary(case, verdict, causes),
        reason=_reason(verdict, case.causes),
        causes=causes,
        checks=case.checks,
    )


def _examine(tx: Tx, run: FlowRun, state: State, *, is_serving: bool) -> Case:
    case = Case(tx=tx, run=run, state=state, around=queries.surroundings(tx, run.id))
    match state.type:
        case StateType.SCHEDULED:
            why_waiting.scheduled(case, is_serving=is_serving)
        case StateType.PAUSED:
            why_waiting.paused(case, is_serving=is_serving)
        case StateType.PENDING:
            why_active.pending(case)
        case StateType.RUNNING:
            why_active.running(case)
        case StateType.CANCELLING:
            why_active.cancelling(case)
        case StateType.FAILED:
            why_ended.failed(case)
        case StateType.CRASHED:
            why_ended.crashed(case)
        case StateType.CANCELLED:
            why_ended.cancelled(case)
        case StateType.COMPLETED:
            why_ended.completed(case)
    return case


def _further(tx: Tx, first: Case, *, is_serving: bool) -> list[Cause]:
    """The causes of the runs that the first one's chain leads to."""
    causes: list[Cause] = []
    seen, ahead = {first.run.id}, list(first.follow)
    while ahead and len(seen) < LONGEST_CHAIN:
        id = ahead.pop(0)
        run = None if id in seen else flow_runs.get(tx, id)
        seen.add(id)
        if run is None or run.state is None:
            continue
        case = _examine(tx, run, run.state, is_serving=is_serving)
        causes += case.causes
        ahead += case.follow
    return causes


def _verdict(state: State, causes: list[Cause]) -> Verdict:
    if state.is_final:
        return "ended"
    if any(cause.blocks for cause in causes):
        return "blocked"
    return "running" if state.type is StateType.RUNNING else "waiting"


def _reason(verdict: Verdict, causes: list[Cause]) -> str | None:
    """The run's own causes in a few words; of one that has ended the first says most."""
    told = causes[:1] if verdict == "ended" else causes
    return reasons.joined((cause.reason, cause.blocks) for cause in told) or None


def _summary(case: Case, verdict: Verdict, causes: list[Cause]) -> str:
    state, run = case.state, case.run
    seconds = case.seconds_since(state.timestamp)
    if verdict == "ended":
        return f"became {state.name} {age(seconds)} ago" + ("" if causes else "; nothing went wrong")
    due = run.next_scheduled_start_time
    late = case.seconds_since(due) if state.type is StateType.SCHEDULED and due else None
    if late is not None and late > case.tx.settings.services_late_runs_after_seconds:
        what = f"is {'' if state.name == 'Late' else f'{state.name} and '}Late by {age(late)}"
    elif late is not None and late >= 0:
        what = f"is {state.name}, due since {age(late)}"
    elif late is not None:
        what = f"is {state.name}, due in {age(-late)}"
    else:
        what = f"is {state.name} for {age(seconds)}"
    verb = "start" if run.run_count == 0 and state.type in (StateType.SCHEDULED, StateType.PENDING) else "go on"
    if verdict == "blocked":
        return f"{what} and will not {verb} by itself"
    if verdict == "running":
        return f"{what} and waits" if causes else f"{what}; nothing is seen that holds it up"
    return f"{what} and will {verb} by itself"


def _without_state(run: FlowRun) -> Explanation:
    return Explanation(
        flow_run_id=run.id,
        flow_run_name=run.name,
        state_type=None,
        state_name=None,
        since=None,
        verdict="waiting",
        summary="has no state yet",
        reason=None,
        checks=[Check(subject="state", summary="whoever made the run has not proposed one")],
    )
