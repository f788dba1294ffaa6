"""The runs that take slots of work pools and work queues.

A pool's limit, and its queues' limits, count PENDING and RUNNING runs; a queue that is asked by its id, as agents did,
counts CANCELLING ones too.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from flowctl.db.columns import decode_time
from flowctl.db.database import Tx
from flowctl.domain.states import StateType
from flowctl.domain.work_pool_slots import FlowRunSlotSummary

_IN_POOL = "('PENDING', 'RUNNING')"
_IN_QUEUE = "('PENDING', 'RUNNING', 'CANCELLING')"


def active_by_pool(tx: Tx, pool_ids: Sequence[UUID]) -> dict[UUID, int]:
    """How many runs of each pool take a slot; pools without any are not among them."""
    return _counts(
        tx,
        f"""
        SELECT work_queue.work_pool_id, count(*)
        FROM work_queue
        JOIN flow_run ON flow_run.work_queue_id = work_queue.id AND flow_run.state_type IN {_IN_POOL}
        WHERE work_queue.work_pool_id IN ({_marks(pool_ids)})
        GROUP BY work_queue.work_pool_id
        """,  # uq_work_queue__work_pool_id_name, ix_flow_run__work_queue
        pool_ids,
    )


def active_by_queue(tx: Tx, queue_ids: Sequence[UUID], *, with_cancelling: bool = False) -> dict[UUID, int]:
    """How many runs of each queue take a slot; queues without any are not among them."""
    return _counts(
        tx,
        f"""
        SELECT work_queue_id, count(*) FROM flow_run
        WHERE work_queue_id IN ({_marks(queue_ids)}) AND state_type IN {_IN_QUEUE if with_cancelling else _IN_POOL}
        GROUP BY work_queue_id
        """,  # ix_flow_run__work_queue
        queue_ids,
    )


def active_by_name(tx: Tx, queue_name: str) -> int:
    """How many runs take a slot of a queue that they name without its pool."""
    return tx.scalar(
        f"""
        SELECT count(*) FROM flow_run
        WHERE work_queue_id IS NULL AND work_queue_name = ? AND state_type IN {_IN_QUEUE}
        """,  # ix_flow_run__work_queue
        (queue_name,),
    )


def holders(
    tx: Tx, queue_id: UUID, *, limit: int, offset: int = 0, with_cancelling: bool = False
) -> list[FlowRunSlotSummary]:
    """Runs of a queue that take a slot, the oldest first."""
    rows = tx.execute(
        f"""
        SELECT id, name, state_type, state_name, start_time, state_timestamp FROM flow_run
        WHERE work_queue_id = ? AND state_type IN {_IN_QUEUE if with_cancelling else _IN_POOL}
        ORDER BY created, id
        LIMIT ? OFFSET ?
        """,  # ix_flow_run__work_queue
        (str(queue_id), limit, offset),
    )
    return [_summary(tx, row) for row in rows.fetchall()]


def _summary(tx: Tx, row: Sequence[Any]) -> FlowRunSlotSummary:
    id, name, state_type, state_name, start, since = row
    timestamp = since and decode_time(since)
    return FlowRunSlotSummary(
        id=UUID(id),
        name=name,
        state_type=StateType(state_type),
        state_name=state_name,
        start_time=start and decode_time(start),
        state_timestamp=timestamp,
        time_in_current_state=(tx.now - timestamp).total_seconds() if timestamp else None,
    )


def _counts(tx: Tx, query: str, ids: Sequence[UUID]) -> dict[UUID, int]:
    return {UUID(id): number for id, number in tx.execute(query, [str(id) for id in ids])}


def _marks(ids: Sequence[UUID]) -> str:
    return ", ".join("?" * len(ids))
