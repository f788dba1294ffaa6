"""Automations: what the clients of deployments need of them.  None are stored as yet, so a resource never has any."""

from __future__ import annotations

from flowctl.db.database import Tx
from flowctl.domain.values import JSONObject
from flowctl.server.endpoint import Reply, Routes

routes = Routes("/automations", tag="Automations")


@routes.read("DELETE", "/owned-by/{resource_id}", status=202)
def delete_automations_owned_by_resource(tx: Tx, resource_id: str) -> Reply[None]:
    """Delete the automations that belong to a resource; clients ask for this after each change of a deployment."""
    return Reply(None, status=202)


@routes.read("GET", "/related-to/{resource_id}")
def read_automations_related_to_resource(tx: Tx, resource_id: str) -> list[JSONObject]:
    """List the automations that have to do with a resource."""
    return []
