"""Retention: forgets events after a while, and the logs of deleted flows.

Runs, and the logs of runs that are there, stay until somebody deletes them.
"""

from __future__ import annotations

from datetime import timedelta

from flowctl.db.database import Tx
from flowctl.db.queries import deletion
from flowctl.ops import events
from flowctl.ops.steps import ROWS_A_STEP


def run_once(tx: Tx) -> int:
    """Delete some of the events older than `events_retention_period`, or log lines without a run; returns how many.

    source  Prefect: services/db_vacuum.py
    """
    expired = tx.now - timedelta(seconds=tx.settings.events_retention_period)
    deleted = events.delete_older_than(tx, expired, ROWS_A_STEP)
    return deleted or deletion.delete_orphaned_logs(tx, limit=ROWS_A_STEP)
