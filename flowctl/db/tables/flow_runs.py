"""Table flow_run."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from flowctl.db.columns import (
    BOOL,
    FLOAT,
    INT,
    JSON,
    TEXT,
    TIME,
    UUID_,
    Columns,
    Joined,
    Nested,
    enum_of,
    json_items,
    json_of,
)
from flowctl.db.database import Tx
from flowctl.db.tables.runs import derive_run_times, run_times
from flowctl.db.tables.states import FLOW_RUN_STATE
from flowctl.domain.flow_runs import FlowRun, FlowRunPolicy, ScheduledFlowRun
from flowctl.domain.states import StateType
from flowctl.domain.values import Actor

_STORED: dict[str, Any] = {  # of kinds; typed so, because it fills keywords
    "id": UUID_,
    "created": TIME,
    "updated": TIME,
    "name": TEXT,
    "flow_id": UUID_,
    "state_id": UUID_,
    "deployment_id": UUID_,
    "deployment_version": TEXT,
    "work_queue_id": UUID_,
    "flow_version": TEXT,
    "parameters": JSON,
    "idempotency_key": TEXT,
    "context": JSON,
    "empirical_policy": json_of(FlowRunPolicy),
    "tags": JSON,
    "labels": JSON,
    "parent_task_run_id": UUID_,
    "state_type": enum_of(StateType),
    "state_name": TEXT,
    "run_count": INT,
    "expected_start_time": TIME,
    "next_scheduled_start_time": TIME,
    "start_time": TIME,
    "end_time": TIME,
    "total_run_time": FLOAT,
    "auto_scheduled": BOOL,
    "infrastructure_document_id": UUID_,
    "infrastructure_pid": TEXT,
    "created_by": json_items(Actor),
    "job_variables": JSON,
}

FLOW_RUN = Columns(
    FlowRun,
    table="flow_run",
    joins=(
        "LEFT JOIN flow_run_state AS state ON state.id = flow_run.state_id "
        "LEFT JOIN work_queue ON work_queue.id = flow_run.work_queue_id "
        "LEFT JOIN work_pool ON work_pool.id = work_queue.work_pool_id"
    ),
    derive=derive_run_times,
    extra={"state_timestamp": TIME, "work_queue_name": TEXT},
    **_STORED,
    # The queue's name as it is now; of a queue that is gone, and where only a name was given, the one that was stored.
    work_queue_name=Joined("coalesce(work_queue.name, flow_run.work_queue_name)", TEXT),
    work_pool_id=Joined("work_pool.id", UUID_),
    work_pool_name=Joined("work_pool.name", TEXT),
    state=Nested(FLOW_RUN_STATE, "state"),
)


def _without_state(row: Mapping[str, Any], now: datetime) -> dict[str, object]:
    return {**derive_run_times(row, now), "state": None}


SCHEDULED_FLOW_RUN = Columns(
    ScheduledFlowRun,
    table="flow_run",
    derive=_without_state,
    extra={"state_timestamp": TIME},
    **_STORED,
    work_queue_name=TEXT,
)
"""Runs as workers get them."""


def get(tx: Tx, id: UUID) -> FlowRun | None:
    """A flow run by its id, or None."""
    return FLOW_RUN.by_id(tx, id)


def by_idempotency_key(tx: Tx, flow_id: UUID, key: str) -> FlowRun | None:
    """The run of a flow that was created with this key, or None."""
    return FLOW_RUN.one(tx, "WHERE flow_run.flow_id = ? AND flow_run.idempotency_key = ?", (str(flow_id), key))


def insert(tx: Tx, run: FlowRun) -> FlowRun:
    """Store a new flow run.  Raises Conflict if its flow knows the idempotency key."""
    timestamp = run.state.timestamp if run.state else None
    return FLOW_RUN.insert(tx, run, state_timestamp=timestamp, work_queue_name=run.work_queue_name)


def as_answered(tx: Tx, run: FlowRun) -> FlowRun:
    """A run that was stored in this transaction, with the fields that are computed or joined when it is read."""
    if run.work_queue_id is not None:
        names = tx.execute(_NAMES_OF_QUEUE, (str(run.work_queue_id),)).fetchone()
        if names:
            run.work_queue_name = names[0]
            run.work_pool_id, run.work_pool_name = (UUID(names[1]), names[2]) if names[1] else (None, None)
    run.estimated_run_time, run.estimated_start_time_delta = run_times(
        run.total_run_time,
        run.state_type,
        run.state.timestamp if run.state else None,
        run.start_time,
        run.expected_start_time,
        tx.now,
    )
    return run


_NAMES_OF_QUEUE = """
    SELECT work_queue.name, work_pool.id, work_pool.name
    FROM work_queue
    LEFT JOIN work_pool ON work_pool.id = work_queue.work_pool_id
    WHERE work_queue.id = ?
"""


def update(tx: Tx, id: UUID, **changes: object) -> bool:
    """Set columns of a run (also `state_timestamp`), and `updated`; tells whether it exists."""
    return FLOW_RUN.update(tx, id, updated=tx.now, **changes)
