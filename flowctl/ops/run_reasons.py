"""Why runs wait or have ended, in a few words: one answer for the rows of a table; `ops/why.py` tells it at length."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from flowctl.db.database import Tx
from flowctl.db.queries import run_reasons as queries

LIMIT = 200
"""Runs that are asked about at once: a page of a list."""

_RUNS = """
    SELECT id, state_type, state_name, state_timestamp, coalesce(next_scheduled_start_time, expected_start_time)
    FROM flow_run
    WHERE id IN ({marks})
"""  # primary keys


def read_reasons(tx: Tx, ids: Sequence[UUID], *, is_serving: bool = False) -> dict[str, str]:
    """Tell why these flow runs wait or have ended; those that are unknown or have no reason are left out."""
    if not ids:
        return {}
    query = _RUNS.format(marks=", ".join("?" * len(ids)))
    rows = tx.execute(query, [str(id) for id in ids])
    lines = [_Line(id, type, name, timestamp, due, tx.now) for id, type, name, timestamp, due in rows]
    return queries.read(tx.execute, lines, tx.now, is_serving=is_serving)


@dataclass(frozen=True, slots=True)
class _Line:
    id: str
    state_type: str | None
    state_name: str | None
    state_timestamp: str | None
    due: str | None
    now: datetime

    @property
    def state_seconds(self) -> float:
        return self._since(self.state_timestamp) if self.state_timestamp else 0.0

    @property
    def late_seconds(self) -> float | None:
        return self._since(self.due) if self.due and self.state_type == "SCHEDULED" else None

    def _since(self, stored: str) -> float:
        return (self.now - datetime.fromisoformat(stored).replace(tzinfo=UTC)).total_seconds()
