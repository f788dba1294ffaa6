"""What flowctl tells of log lines beyond Prefect's API."""

from __future__ import annotations

from flowctl.db.database import Tx
from flowctl.domain.log_search import LogSearch, LogSearchResult
from flowctl.ops import log_search as ops
from flowctl.server.endpoint import Routes

routes = Routes("/flowctl/logs", tag="Flowctl")


@routes.read("POST", "/search")
def search_logs(tx: Tx, body: LogSearch) -> LogSearchResult:
    """Search the messages of all log lines by text or regular expression; the newest matches come first."""
    return ops.search(tx, body)
