"""What flowctl tells of flow runs, and does with them, beyond Prefect's API."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar
from uuid import UUID

from annotated_types import MaxLen

from flowctl.db.database import Tx
from flowctl.domain.orchestration import OrchestrationResult
from flowctl.domain.states import ConditionalSetState
from flowctl.domain.values import STRICT_BODY, JSONObject
from flowctl.domain.why import Explanation
from flowctl.ops import proposals, run_reasons, why
from flowctl.server.endpoint import Call, Routes

routes = Routes("/flowctl/runs", tag="Flowctl")


@dataclass(slots=True, kw_only=True)
class Reasons:
    """Body of `reasons`."""

    ids: Annotated[list[UUID], MaxLen(run_reasons.LIMIT)]


@dataclass(slots=True, kw_only=True)
class ConditionalResume:
    """Body of `resume`; `dry_run` only to see what would become of it."""

    __pydantic_config__: ClassVar[object] = STRICT_BODY

    run_input: JSONObject | None = None
    dry_run: bool = False


@routes.read("GET", "/{id}/why")
def why_flow_run(tx: Tx, id: UUID) -> Explanation:
    """Explain why a flow run waits, does not get on, or has ended: causes, evidence, and commands that help."""
    return why.why(tx, id, is_serving=True)


@routes.read("POST", "/reasons")
def read_reasons(tx: Tx, body: Reasons) -> dict[str, str]:
    """Tell in a few words why flow runs wait or have ended, by id; runs without a reason are left out."""
    return run_reasons.read_reasons(tx, body.ids, is_serving=True)


@routes.write("POST", "/{id}/set_state")
def set_flow_run_state(tx: Tx, id: UUID, body: ConditionalSetState, call: Call) -> OrchestrationResult:
    """Propose a state if the run is in an expected one (400 if it is not), or only to see what would become of it."""
    return proposals.set_flow_run_state(tx, id, body, client=call.client)


@routes.write("POST", "/{id}/resume")
def resume_flow_run(tx: Tx, id: UUID, body: ConditionalResume, call: Call) -> OrchestrationResult:
    """Resume a paused flow run, or only to see what would become of it."""
    return proposals.resume_flow_run(tx, id, run_input=body.run_input, dry_run=body.dry_run, client=call.client)
