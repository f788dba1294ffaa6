"""What people call things by."""

from __future__ import annotations

from flowctl.db.database import Tx
from flowctl.ops import references as ops
from flowctl.server.endpoint import Routes

routes = Routes("/flowctl/references", tag="Flowctl")


@routes.read("GET", "/{kind}")
def find_reference(tx: Tx, kind: ops.Kind, reference: str) -> list[ops.Candidate]:
    """Find what is meant by an id, the beginning of one, a name, FLOW/DEPLOYMENT, or a word like `@last`."""
    return ops.find(tx, kind, reference)
