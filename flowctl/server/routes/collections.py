"""Views of Prefect's collections: flowctl knows the types of workers; of flows and blocks it lists none."""

from __future__ import annotations

from flowctl.db.database import Tx
from flowctl.domain.errors import NotFound
from flowctl.domain.values import JSONObject
from flowctl.domain.worker_types import WORKER_TYPES
from flowctl.server.endpoint import Routes

routes = Routes("/collections", tag="Collections")

_VIEWS: dict[str, JSONObject] = {
    "aggregate-worker-metadata": WORKER_TYPES,
    "aggregate-block-metadata": {},
    "aggregate-flow-metadata": {},
    "demo-flows": {},
}


@routes.read("GET", "/views/{view}", quick=True)
def read_view_content(tx: Tx, view: str) -> JSONObject:
    """Get what is known of workers, blocks or flows in Prefect's packages."""
    if view not in _VIEWS:
        raise NotFound(f"View {view} not found in registry")
    return _VIEWS[view]
