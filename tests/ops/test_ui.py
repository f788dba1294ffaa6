from __future__ import annotations

from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from run_world import World
from support import NOON

from flowctl.db.database import Tx
from flowctl.domain import states
from flowctl.domain.criteria import Criteria
from flowctl.domain.errors import Invalid, NotFound
from flowctl.domain.filters import IdFilter, StateTypeAnyFilter, TimeOrNullFilter
from flowctl.domain.flow_run_filters import FlowRunFilter, FlowRunSort
from flowctl.domain.flow_runs import FlowRun, FlowRunCreate
from flowctl.domain.flows import FlowCreate
from flowctl.domain.run_history import TaskRunCount
from flowctl.domain.states import StateType
from flowctl.domain.task_run_filters import TaskRunFilter, TaskRunStateFilter
from flowctl.domain.task_runs import TaskRunCreate
from flowctl.ops import flow_runs, flows, task_runs, ui


def run(tx: Tx, flow: str = "etl", **fields: object) -> FlowRun:
    owner, _ = flows.create(tx, FlowCreate(name=flow))
    return flow_runs.create(tx, FlowRunCreate(flow_id=owner.id, **fields))[0]  # type: ignore[arg-type]


def task(tx: Tx, of: UUID | None, key: str = "t") -> UUID:
    body = TaskRunCreate(flow_run_id=of, task_key=key, dynamic_key=str(uuid4()), state=states.running())
    return task_runs.create(tx, body)[0].id


def ended(tx: Tx, minute: int, state_type: str, of: UUID | None = None) -> None:
    start = NOON - timedelta(hours=1) + timedelta(minutes=minute)
    times = {"start_time": start, "end_time": start, "expected_start_time": start, "total_run_time": 0.0}
    row = {"id": uuid4(), "name": "t", "task_key": "t", "dynamic_key": str(uuid4()), "flow_run_id": of}
    World({"task_run": [{**row, **times, "state_type": state_type, "state_name": state_type.title()}]}).store(tx)


def test_a_task_run_has_the_name_of_its_flow_run(tx: Tx) -> None:
    parent = run(tx, name="nightly")
    assert ui.read_task_run(tx, task(tx, parent.id)).flow_run_name == "nightly"
    assert ui.read_task_run(tx, task(tx, None)).flow_run_name is None
    with pytest.raises(NotFound, match="Task not found"):
        ui.read_task_run(tx, uuid4())


def test_counts_have_an_entry_for_each_id_that_was_asked_for(tx: Tx) -> None:
    parent, other, nobody = run(tx), run(tx), uuid4()
    subflow = task(tx, parent.id)
    run(tx, parent_task_run_id=subflow)
    task(tx, parent.id)
    assert ui.count_task_runs(tx, [other.id, parent.id, nobody]) == {other.id: 0, parent.id: 1, nobody: 0}
    deployment = {"id": uuid4(), "name": "d", "flow_id": parent.flow_id}
    World({"deployment": [deployment]}).store(tx)
    assert ui.count_deployments(tx, [parent.flow_id, nobody]) == {parent.flow_id: 1, nobody: 0}


def test_the_next_run_is_the_scheduled_one_that_is_due_first(tx: Tx) -> None:
    late = run(tx, state=states.scheduled(NOON + timedelta(hours=2)))
    soon = run(tx, state=states.scheduled(NOON + timedelta(hours=1)))
    run(tx, state=states.running())
    idle = run(tx, "idle", state=states.running())
    found = ui.next_runs(tx, [late.flow_id, idle.flow_id])
    assert found[idle.flow_id] is None
    first = found[late.flow_id]
    assert first
    assert (first.id, first.next_scheduled_start_time) == (soon.id, NOON + timedelta(hours=1))
    assert ui.next_runs(tx, []) == {}


def test_points_have_the_time_and_durations_of_runs(tx: Tx) -> None:
    expected = run(tx, state=states.scheduled(NOON - timedelta(minutes=1)))
    (point,) = ui.flow_run_history(
        tx,
        Criteria(flow_runs=FlowRunFilter(id=IdFilter(any_=[expected.id]))),
        sort=FlowRunSort.EXPECTED_START_TIME_DESC,
        limit=5,
        offset=0,
    )
    assert (point.id, point.state_type) == (expected.id, StateType.SCHEDULED)
    assert (point.timestamp, point.duration, point.lateness) == (NOON - timedelta(minutes=1), 0.0, 60.0)


def test_task_runs_are_counted_by_type_of_state(tx: Tx) -> None:
    parent = run(tx)
    task(tx, parent.id)
    for state_type in ("COMPLETED", "COMPLETED", "FAILED"):
        ended(tx, 0, state_type)
    ended(tx, 0, "FAILED", parent.id)
    every = ui.count_by_state(tx, Criteria())
    assert (every.COMPLETED, every.FAILED, every.RUNNING, every.PAUSED) == (2, 2, 1, 0)
    mine = ui.count_by_state(tx, Criteria(flow_runs=FlowRunFilter(id=IdFilter(any_=[parent.id]))))
    assert (mine.COMPLETED, mine.FAILED, mine.RUNNING) == (0, 1, 1)
    failed = TaskRunFilter(state=TaskRunStateFilter(type=StateTypeAnyFilter(any_=[StateType.FAILED])))
    assert ui.count_by_state(tx, Criteria(task_runs=failed)).COMPLETED == 0


def test_ended_task_runs_are_counted_in_twentieths_of_the_span(tx: Tx) -> None:
    for minute, state_type in ((0, "COMPLETED"), (1, "FAILED"), (4, "CRASHED"), (59, "CANCELLED"), (61, "COMPLETED")):
        ended(tx, minute, state_type)
    ended(tx, 30, "RUNNING")
    hour = TimeOrNullFilter(after_=NOON - timedelta(hours=1), before_=NOON - timedelta(minutes=1))
    wanted = Criteria(task_runs=TaskRunFilter(start_time=hour))
    counts = ui.task_run_counts(tx, wanted)
    assert len(counts) == 20
    filled = {number: (count.completed, count.failed) for number, count in enumerate(counts) if count != TaskRunCount()}
    assert filled == {0: (1, 1), 1: (0, 1), 19: (1, 0)}


def test_the_span_must_have_a_beginning(tx: Tx) -> None:
    for filter in (TaskRunFilter(), TaskRunFilter(start_time=TimeOrNullFilter(before_=NOON))):
        with pytest.raises(Invalid, match="after_ is required"):
            ui.task_run_counts(tx, Criteria(task_runs=filter))
