"""Runs in given states, for tests of background services."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

from flowctl.db.database import Tx
from flowctl.db.tables import flow_runs, task_runs
from flowctl.domain.flow_runs import FlowRun, FlowRunCreate
from flowctl.domain.flows import FlowCreate
from flowctl.domain.states import State, StateCreate
from flowctl.domain.task_runs import TaskRunCreate
from flowctl.ops import flow_runs as flow_run_ops
from flowctl.ops import flows, set_state
from flowctl.ops import task_runs as task_run_ops


def make_run(tx: Tx, *states: StateCreate, **fields: Any) -> UUID:
    """A run that goes through states, by force; returns its id."""
    flow, _ = flows.create(tx, FlowCreate(name="etl"))
    first, *others = states
    run, _ = flow_run_ops.create(tx, FlowRunCreate(flow_id=flow.id, state=first, **fields))
    for state in others:
        move(tx, run.id, state)
    return run.id


def move(tx: Tx, id: UUID, state: StateCreate) -> None:
    set_state.set_flow_run_state(tx, id, state, force=True)


def make_task(tx: Tx, flow_run_id: UUID, state: StateCreate) -> UUID:
    body = TaskRunCreate(flow_run_id=flow_run_id, task_key="load", dynamic_key=str(uuid4()), state=state)
    return task_run_ops.create(tx, body)[0].id


def run_of(tx: Tx, id: UUID) -> FlowRun:
    run = flow_runs.get(tx, id)
    assert run is not None
    return run


def state_of(tx: Tx, id: UUID) -> State:
    state = run_of(tx, id).state
    assert state is not None
    return state


def task_state_of(tx: Tx, id: UUID) -> State:
    run = task_runs.get(tx, id)
    assert run is not None
    assert run.state is not None
    return run.state


def event_names(tx: Tx, prefix: str = "") -> list[str]:
    return [
        name for (name,) in tx.execute("SELECT event FROM events ORDER BY position") if str(name).startswith(prefix)
    ]
