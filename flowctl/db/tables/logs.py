"""Table log."""

from __future__ import annotations

from collections.abc import Sequence

from flowctl.db.columns import INT, TEXT, TIME, UUID_, Columns
from flowctl.db.database import Tx
from flowctl.domain.logs import Log

LOG = Columns(
    Log,
    table="log",
    id=UUID_,
    created=TIME,
    updated=TIME,
    name=TEXT,
    level=INT,
    message=TEXT,
    timestamp=TIME,
    flow_run_id=UUID_,
    task_run_id=UUID_,
)


def insert_many(tx: Tx, logs: Sequence[Log]) -> None:
    """Store log lines, in their order."""
    LOG.insert_many(tx, logs)
