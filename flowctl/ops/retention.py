"""Retention: forgets events after a while.  Runs and their logs stay until somebody deletes them."""

from __future__ import annotations

from datetime import timedelta

from flowctl.db.database import Tx
from flowctl.ops import events
from flowctl.ops.steps import ROWS_A_STEP


def run_once(tx: Tx) -> int:
    """Delete some of the events that are older than `events_retention_period`; returns how many.

    source  Prefect: services/db_vacuum.py
    """
    return events.delete_older_than(tx, tx.now - timedelta(seconds=tx.settings.events_retention_period), ROWS_A_STEP)
