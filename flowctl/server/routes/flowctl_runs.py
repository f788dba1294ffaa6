"""What flowctl tells of flow runs beyond Prefect's API."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

from annotated_types import MaxLen

from flowctl.db.database import Tx
from flowctl.domain.why import Explanation
from flowctl.ops import run_reasons, why
from flowctl.server.endpoint import Routes

routes = Routes("/flowctl/runs", tag="Flowctl")


@dataclass(slots=True, kw_only=True)
class Reasons:
    """Body of `reasons`."""

    ids: Annotated[list[UUID], MaxLen(run_reasons.LIMIT)]


@routes.read("GET", "/{id}/why")
def why_flow_run(tx: Tx, id: UUID) -> Explanation:
    """Explain why a flow run waits, does not get on, or has ended: causes, evidence, and commands that help."""
    return why.why(tx, id, is_serving=True)


@routes.read("POST", "/reasons")
def read_reasons(tx: Tx, body: Reasons) -> dict[str, str]:
    """Tell in a few words why flow runs wait or have ended, by id; runs without a reason are left out."""
    return run_reasons.read_reasons(tx, body.ids, is_serving=True)
