"""Automations: what the clients of deployments need of them."""

from __future__ import annotations

from flowctl.db.database import Tx
from flowctl.server.endpoint import Reply, Routes

routes = Routes("/automations", tag="Automations")


@routes.read("DELETE", "/owned-by/{resource_id}", status=202)
def delete_automations_owned_by_resource(tx: Tx, resource_id: str) -> Reply[None]:
    """Delete the automations that belong to a resource.

    Clients ask for this after each change of a deployment.  No automations are stored as yet, so none belongs to it.
    """
    return Reply(None, status=202)
