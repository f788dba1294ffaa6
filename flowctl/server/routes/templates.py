"""Templates that users write: checks."""

from __future__ import annotations

from flowctl.ops import templates as ops
from flowctl.server.endpoint import Reply, Routes

routes = Routes("", tag="Automations")


# The second path is the one that older dashboards ask for.
@routes.plain("POST", "/templates/validate", status=204)
@routes.plain("POST", "/automations/templates/validate", status=204)
def validate_template(body: str = "") -> Reply[None]:
    """Check a Jinja template; 422 with the line and the message if it is refused."""
    fault = ops.check(body)
    if fault is None:
        return Reply(None, status=204)
    return Reply.json({"error": fault}, status=422)
