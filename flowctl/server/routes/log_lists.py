"""Log lines, many at a time."""

from __future__ import annotations

from flowctl.db.columns import Rows
from flowctl.db.database import Tx
from flowctl.domain.list_queries import LogsQuery
from flowctl.domain.logs import Log
from flowctl.ops import log_lists as ops
from flowctl.ops.pages import size
from flowctl.server.endpoint import Routes

routes = Routes("/logs", tag="Logs")


@routes.read("POST", "/filter")
def read_logs(tx: Tx, body: LogsQuery) -> Rows[Log]:
    """List log lines."""
    return ops.find(tx, body.logs, sort=body.sort, limit=size(tx, body.limit), offset=body.offset)
