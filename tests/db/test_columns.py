from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import orjson
import pytest
from support import NOON

from flowctl.db.columns import decode_time, encode_time, wire_time
from flowctl.db.database import Tx
from flowctl.db.tables import flow_runs, states, task_runs
from flowctl.domain.flow_runs import FlowRun, FlowRunPolicy
from flowctl.domain.states import State, StateDetails, StateType, running
from flowctl.domain.task_runs import Constant, Parameter, TaskRun, TaskRunPolicy, TaskRunResult
from flowctl.domain.values import Actor


@pytest.mark.parametrize(
    ("moment", "stored", "answered"),
    [
        (datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC), "2026-01-02 03:04:05.000000", "2026-01-02T03:04:05Z"),
        (datetime(2026, 1, 2, 3, 4, 5, 60, tzinfo=UTC), "2026-01-02 03:04:05.000060", "2026-01-02T03:04:05.000060Z"),
    ],
)
def test_times_are_stored_in_fixed_width_and_answered_as_rfc_3339(moment: datetime, stored: str, answered: str) -> None:
    assert encode_time(moment) == stored
    assert decode_time(stored) == moment
    assert wire_time(stored) == answered


def flow_run(tx: Tx) -> FlowRun:
    state = State(
        id=tx.new_time_id(),
        type=StateType.RUNNING,
        name="Running",
        timestamp=tx.now,
        data={"type": "unpersisted"},
        state_details=StateDetails(transition_id=tx.new_id(), pause_timeout=tx.now, run_input_keyset={"a": "b"}),
    )
    return FlowRun(
        id=tx.new_id(),
        created=tx.now,
        updated=tx.now,
        name="brisk-otter",
        flow_id=tx.new_id(),
        parameters={"day": "2026-03-01", "deep": [1, {"ü": None}]},
        empirical_policy=FlowRunPolicy(retries=3, pause_keys=["1"], retry_type="in_process"),
        tags=["a", "b"],
        labels={"x": 1, "y": True},
        created_by=Actor(type="AUTOMATION", display_value="nightly"),
        start_time=tx.now,
        expected_start_time=tx.now,
        state=state,
        state_id=state.id,
        state_type=state.type,
        state_name=state.name,
        run_count=1,
        total_run_time=2.5,
        job_variables=None,
    )


def store(tx: Tx, run: FlowRun) -> None:
    assert run.state
    states.insert_flow_run_state(tx, run.id, run.state)
    flow_runs.insert(tx, run)


def test_a_flow_run_comes_back_as_it_went_in(tx: Tx) -> None:
    run = flow_run(tx)
    store(tx, run)
    run.estimated_run_time = 2.500001  # the present RUNNING state counts from its first instant on
    assert flow_runs.get(tx, run.id) == run


def test_a_task_run_comes_back_with_its_inputs_of_every_kind(tx: Tx) -> None:
    run = TaskRun(
        id=tx.new_time_id(),
        created=tx.now,
        updated=tx.now,
        name="load-0",
        flow_run_id=tx.new_id(),
        task_key="load",
        dynamic_key="0",
        empirical_policy=TaskRunPolicy(retries=1, retry_delay=[1.5, 2.0]),
        task_inputs={"x": [TaskRunResult(id=tx.new_id()), Constant(type="int")], "y": [Parameter(name="day")], "z": []},
    )
    task_runs.insert(tx, run)
    assert task_runs.get(tx, run.id) == run


def test_rows_written_as_json_say_what_the_dataclass_says(tx: Tx) -> None:
    run = flow_run(tx)
    store(tx, run)
    rows = flow_runs.FLOW_RUN.rows(tx, "WHERE flow_run.id = ?", (str(run.id),))
    passed_through = orjson.loads(orjson.dumps(rows.wire(orjson.Fragment)))
    assert passed_through == json.loads(json.dumps(rows.wire()))
    assert passed_through == [orjson.loads(orjson.dumps(rows[0], option=orjson.OPT_UTC_Z))]


def test_only_what_differs_from_the_default_is_stored_of_details(tx: Tx) -> None:
    run = flow_run(tx)
    store(tx, run)
    assert run.state
    stored = json.loads(tx.scalar("SELECT state_details FROM flow_run_state WHERE id = ?", (str(run.state.id),)))
    assert set(stored) == {"transition_id", "pause_timeout", "run_input_keyset"}


def test_the_time_of_a_running_state_counts_as_of_now(tx: Tx) -> None:
    run = flow_run(tx)
    store(tx, run)
    later = Tx(tx.conn, tx.settings, NOON + timedelta(seconds=10))
    found = flow_runs.get(later, run.id)
    assert found
    assert found.estimated_run_time == 12.5
    assert found.estimated_start_time_delta == 0.0


@pytest.mark.parametrize(
    ("start", "state_type", "seconds"),
    [
        (None, StateType.SCHEDULED, 10.0),
        (None, StateType.COMPLETED, 0.0),
        (NOON + timedelta(seconds=4), StateType.RUNNING, 4.0),
        (NOON - timedelta(seconds=4), StateType.RUNNING, 0.0),
    ],
)
def test_the_start_is_late_by(tx: Tx, start: datetime | None, state_type: StateType, seconds: float) -> None:
    run = flow_run(tx)
    run.start_time, run.state_type = start, state_type
    store(tx, run)
    found = flow_runs.get(Tx(tx.conn, tx.settings, NOON + timedelta(seconds=10)), run.id)
    assert found
    assert found.estimated_start_time_delta == seconds


def test_a_state_is_stored_once(tx: Tx) -> None:
    state = running().at(tx.now, tx.new_time_id())
    owner = tx.new_id()
    assert states.insert_task_run_state(tx, owner, state)
    assert not states.insert_task_run_state(tx, owner, state)
    assert list(states.of_task_run(tx, owner)) == [state]


def test_rows_are_a_sequence(tx: Tx) -> None:
    runs = [flow_run(tx) for _ in range(3)]
    for run in runs:
        store(tx, run)
    rows = flow_runs.FLOW_RUN.rows(tx, "ORDER BY flow_run.rowid")
    assert [row.id for row in rows] == [run.id for run in runs]
    assert [row.id for row in rows[1:]] == [run.id for run in runs[1:]]
    assert (rows[2].id, len(rows)) == (runs[2].id, 3)
