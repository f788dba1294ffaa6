"""What flowctl tells of log lines beyond Prefect's API."""

from __future__ import annotations

from flowctl.db.database import Tx
from flowctl.domain.log_export import LogCount, LogPage, LogRead
from flowctl.domain.log_search import LogSearch, LogSearchResult, LogSelection
from flowctl.ops import log_export, log_search
from flowctl.server.endpoint import Routes

routes = Routes("/flowctl/logs", tag="Flowctl")


@routes.read("POST", "/search")
def search_logs(tx: Tx, body: LogSearch) -> LogSearchResult:
    """Search the messages of all log lines by text or regular expression; the newest matches come first."""
    return log_search.search(tx, body)


@routes.read("POST", "/read")
def read_log_lines(tx: Tx, body: LogRead) -> LogPage:
    """Read log lines in the order in which they were stored, one page after the other."""
    return log_export.read(tx, body)


@routes.read("POST", "/stats")
def count_log_lines(tx: Tx, body: LogSelection) -> list[LogCount]:
    """Count log lines, and the bytes of their messages, by day, level and flow run."""
    return log_export.count(tx, body)
