"""What flowctl tells of flow runs beyond Prefect's API."""

from __future__ import annotations

from uuid import UUID

from flowctl.db.database import Tx
from flowctl.domain.why import Explanation
from flowctl.ops import why
from flowctl.server.endpoint import Routes

routes = Routes("/flowctl/runs", tag="Flowctl")


@routes.read("GET", "/{id}/why")
def why_flow_run(tx: Tx, id: UUID) -> Explanation:
    """Explain why a flow run waits, does not get on, or has ended: causes, evidence, and commands that help."""
    return why.why(tx, id, is_serving=True)
