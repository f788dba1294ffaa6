"""Table log."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flowctl.db.columns import INT, TEXT, TIME, UUID_, Columns
from flowctl.db.database import Tx
from flowctl.domain.logs import Log

LOG = Columns(
    Log,
    table="log",
    extra={"position": INT},
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


def last_position(tx: Tx) -> int:
    """The position of the newest line, 0 if there is none."""
    return tx.scalar("SELECT max(position) FROM log") or 0


def after(tx: Tx, position: int, *, limit: int) -> list[tuple[Any, ...]]:
    """Rows of `LOG` in the order of their commits, each with its position as one value more at the end."""
    return tx.execute(_AFTER, (position, limit)).fetchall()


_AFTER = f"""
    SELECT {", ".join(LOG.expressions)}, log.position FROM log
    WHERE log.position > ? ORDER BY log.position LIMIT ?
"""
