"""Log lines: writing; reading is in `log_lists`."""

from __future__ import annotations

from flowctl.db.database import Tx
from flowctl.domain.logs import LogCreate
from flowctl.ops import logs as ops
from flowctl.server.endpoint import Reply, Routes

routes = Routes("/logs", tag="Logs")


@routes.write("POST", "/", status=201)
def create_logs(tx: Tx, body: list[LogCreate]) -> Reply[None]:
    """Store log lines."""
    ops.create(tx, body)
    return Reply(None, status=201)
