"""Table task_run."""

from __future__ import annotations

from uuid import UUID

from flowctl.db.columns import FLOAT, INT, JSON, TEXT, TIME, UUID_, Columns, Nested, Rows, enum_of, json_items, json_of
from flowctl.db.database import Tx
from flowctl.db.tables.runs import derive_run_times
from flowctl.db.tables.states import TASK_RUN_STATE
from flowctl.domain.states import StateType
from flowctl.domain.task_run_responses import TaskRunResponse
from flowctl.domain.task_runs import TaskRun, TaskRunInput, TaskRunPolicy

_JOINS = "LEFT JOIN task_run_state AS state ON state.id = task_run.state_id"

TASK_RUN = Columns(
    TaskRun,
    table="task_run",
    joins=_JOINS,
    derive=derive_run_times,
    extra={"state_timestamp": TIME},
    id=UUID_,
    created=TIME,
    updated=TIME,
    name=TEXT,
    flow_run_id=UUID_,
    task_key=TEXT,
    dynamic_key=TEXT,
    cache_key=TEXT,
    cache_expiration=TIME,
    task_version=TEXT,
    empirical_policy=json_of(TaskRunPolicy),
    tags=JSON,
    labels=JSON,
    state_id=UUID_,
    task_inputs=json_items(dict[str, list[TaskRunInput]]),
    state_type=enum_of(StateType),
    state_name=TEXT,
    run_count=INT,
    flow_run_run_count=INT,
    expected_start_time=TIME,
    next_scheduled_start_time=TIME,
    start_time=TIME,
    end_time=TIME,
    total_run_time=FLOAT,
    state=Nested(TASK_RUN_STATE, "state"),
)

TASK_RUN_RESPONSE = Columns(
    TaskRunResponse,
    table="task_run",
    joins=_JOINS,
    derive=derive_run_times,
    extra={"state_type": enum_of(StateType), "state_timestamp": TIME, "expected_start_time": TIME},
    id=UUID_,
    created=TIME,
    updated=TIME,
    name=TEXT,
    flow_run_id=UUID_,
    task_key=TEXT,
    state_id=UUID_,
    task_version=TEXT,
    task_inputs=json_items(dict[str, list[TaskRunInput]]),
    empirical_policy=json_of(TaskRunPolicy),
    tags=JSON,
    start_time=TIME,
    end_time=TIME,
    total_run_time=FLOAT,
    state=Nested(TASK_RUN_STATE, "state"),
)


def get(tx: Tx, id: UUID) -> TaskRun | None:
    """A task run by its id, or None."""
    return TASK_RUN.by_id(tx, id)


def by_natural_key(tx: Tx, flow_run_id: UUID | None, task_key: str, dynamic_key: str) -> TaskRun | None:
    """The task run of a flow run with these keys, or None."""
    return TASK_RUN.one(
        tx,
        "WHERE task_run.flow_run_id IS ? AND task_run.task_key = ? AND task_run.dynamic_key = ?",
        (str(flow_run_id) if flow_run_id else None, task_key, dynamic_key),
    )


def failed_of_flow_run(tx: Tx, flow_run_id: UUID) -> Rows[TaskRun]:
    """The task runs of a flow run that are FAILED."""
    return TASK_RUN.rows(tx, "WHERE task_run.flow_run_id = ? AND task_run.state_type = 'FAILED'", (str(flow_run_id),))


def insert(tx: Tx, run: TaskRun) -> TaskRun:
    """Store a new task run.  Raises Conflict if its natural key is taken."""
    return TASK_RUN.insert(tx, run, state_timestamp=run.state.timestamp if run.state else None)


def update(tx: Tx, id: UUID, **changes: object) -> bool:
    """Set columns of a run (also `state_timestamp`), and `updated`; tells whether it exists."""
    return TASK_RUN.update(tx, id, updated=tx.now, **changes)
