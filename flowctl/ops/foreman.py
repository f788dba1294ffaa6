"""Foreman: notices workers, work pools, work queues and deployments that nobody serves any more.

What makes them ready is a heartbeat or a poll, at once (`deployment_events.mark_polled`, the ops of work pools).
"""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from flowctl.db.columns import encode_time
from flowctl.db.database import Tx
from flowctl.db.tables import deployments, work_pools, work_queues
from flowctl.domain.work_pools import WorkPoolStatus
from flowctl.ops import absences, deployment_events, work_pool_events

_SILENT_WORKERS = """
    UPDATE worker SET status = 'OFFLINE'
    WHERE status = 'ONLINE'
      AND (julianday(:now) - julianday(max(last_heartbeat_time, :back))) * 86400
          > coalesce(heartbeat_interval_seconds, :fallback) * :multiple
"""

_DESERTED_POOLS = """
    SELECT id FROM work_pool
    WHERE status = 'READY'
      AND NOT EXISTS (SELECT 1 FROM worker WHERE work_pool_id = work_pool.id AND status = 'ONLINE')
"""  # uq_worker__work_pool_id_name

_FORGOTTEN_DEPLOYMENTS = """
    SELECT deployment.id
    FROM deployment
    LEFT JOIN work_queue ON work_queue.id = deployment.work_queue_id
    WHERE deployment.status = 'READY' AND deployment.last_polled < :before
      AND (work_queue.last_polled IS NULL OR work_queue.last_polled < :before)
"""

_FORGOTTEN_QUEUES = "SELECT id FROM work_queue WHERE status = 'READY' AND last_polled < :before ORDER BY last_polled"


def run_once(tx: Tx) -> int:
    """Mark what is not served any more, and announce it; returns how many things that were.

    After an absence everybody has time to report.
    source  Prefect: services/foreman.py
    """
    back = absences.notice(tx)
    return _workers(tx, back) + _pools(tx) + _deployments(tx, back) + _queues(tx, back)


def _workers(tx: Tx, back: datetime) -> int:
    settings = tx.settings
    return tx.execute(
        _SILENT_WORKERS,
        {
            "now": encode_time(tx.now),
            "back": encode_time(back),
            "fallback": settings.foreman_fallback_heartbeat_interval_seconds,
            "multiple": settings.foreman_inactivity_heartbeat_multiple,
        },
    ).rowcount


def _pools(tx: Tx) -> int:
    deserted = _ids(tx, _DESERTED_POOLS, None)
    for id in deserted:
        work_pool_events.set_status(tx, id, WorkPoolStatus.NOT_READY)
    return len(deserted)


def _deployments(tx: Tx, back: datetime) -> int:
    before = _before(tx, back, tx.settings.foreman_deployment_last_polled_timeout_seconds)
    forgotten = _ids(tx, _FORGOTTEN_DEPLOYMENTS, before)
    for id in forgotten:
        # `updated` stays, because nobody changed it
        tx.execute("UPDATE deployment SET status = 'NOT_READY' WHERE id = ?", (str(id),))
        deployment = deployments.get(tx, id)
        if deployment:
            deployment_events.emit(tx, deployment, "not-ready")
    return len(forgotten)


def _queues(tx: Tx, back: datetime) -> int:
    before = _before(tx, back, tx.settings.foreman_work_queue_last_polled_timeout_seconds)
    forgotten = _ids(tx, _FORGOTTEN_QUEUES, before)
    for id in forgotten:
        tx.execute("UPDATE work_queue SET status = 'NOT_READY' WHERE id = ?", (str(id),))
        queue = work_queues.get(tx, id)
        if queue:
            work_pool_events.emit_queue(tx, queue, "not-ready", work_pools.of_queue(tx, id))
    return len(forgotten)


def _before(tx: Tx, back: datetime, timeout_seconds: float) -> datetime | None:
    """What was polled before this is forgotten; None while everybody still has time to poll."""
    timeout = timedelta(seconds=timeout_seconds)
    return tx.now - timeout if tx.now - back > timeout else None


def _ids(tx: Tx, query: str, before: datetime | None) -> list[UUID]:
    if before is None and ":before" in query:
        return []
    rows = tx.execute(query, {"before": before and encode_time(before)} if before else {})
    return [UUID(row[0]) for row in rows.fetchall()]
