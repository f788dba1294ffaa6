"""Log lines: writing; reading is in `log_lists`."""

from __future__ import annotations

from collections.abc import Sequence

from flowctl.db.database import Tx
from flowctl.db.tables import logs as table
from flowctl.domain.logs import Log, LogCreate


def create(tx: Tx, lines: Sequence[LogCreate]) -> list[Log]:
    """Store lines in the order in which they were sent; their runs need not exist (yet).

    Names and messages lose their NUL characters, as in Prefect.
    """
    stored = [
        Log(
            id=tx.new_time_id(),
            created=tx.now,
            updated=tx.now,
            name=line.name.replace("\0", ""),
            level=line.level,
            message=line.message.replace("\0", ""),
            timestamp=line.timestamp,
            flow_run_id=line.flow_run_id,
            task_run_id=line.task_run_id,
        )
        for line in lines
    ]
    table.insert_many(tx, stored)
    return stored
