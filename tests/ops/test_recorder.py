"""Task runs recorded from events: in any order, twice, late, with the natural key taken."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import permutations
from typing import Any
from uuid import UUID, uuid5

import pytest
from support import NOON

from flowctl import wire
from flowctl.db.database import Database, Tx
from flowctl.db.tables import flow_runs, flows, states, task_runs
from flowctl.domain.errors import Invalid
from flowctl.domain.events import Event
from flowctl.domain.flow_runs import FlowRun
from flowctl.domain.flows import Flow
from flowctl.domain.states import StateType
from flowctl.domain.task_run_reports import TaskRunPayload, TaskRunReport, is_report, report
from flowctl.domain.task_runs import Parameter, TaskRun, TaskRunPolicy, TaskRunResult
from flowctl.ops import recorder

FLOW_RUN, TASK_RUN, OTHER = UUID(int=1), UUID(int=2), UUID(int=3)
NAMESPACE = UUID(int=7)


def event(
    state: str, seconds: float, *, run: UUID = TASK_RUN, flow_run: UUID | None = FLOW_RUN, **fields: Any
) -> Event:
    """An event as the client sends it, `seconds` after noon."""
    related = [{"prefect.resource.id": f"prefect.flow-run.{flow_run}", "prefect.resource.role": "flow-run"}]
    return Event(
        id=uuid5(NAMESPACE, f"{run} {state} {seconds}"),
        occurred=NOON + timedelta(seconds=seconds),
        event=f"prefect.task-run.{state.title()}",
        resource={"prefect.resource.id": f"prefect.task-run.{run}", "prefect.orchestration": "client"},
        related=related if flow_run else [],
        payload={
            "intended": {"from": None, "to": state},
            "validated_state": {"type": state, "message": "", "state_details": {}, "data": None},
            "task_run": {"name": "add-0", "task_key": "add-1f", "dynamic_key": "0", "run_count": 0, **fields},
        },
    )


def reported(sent: Event) -> TaskRunReport:
    return report(sent, wire.adapter(TaskRunPayload).validate(sent.payload))


def record(tx: Tx, *events: Event) -> int:
    return recorder.record(tx, [reported(each) for each in events])


def read(tx: Tx, id: UUID = TASK_RUN) -> TaskRun:
    run = task_runs.get(tx, id)
    assert run
    return run


@pytest.fixture(autouse=True)
def flow_run(db: Database) -> None:
    with db.write() as tx:
        flow = flows.insert(tx, Flow(id=UUID(int=9), created=tx.now, updated=tx.now, name="f"))
        flow_runs.insert(tx, FlowRun(id=FLOW_RUN, created=tx.now, updated=tx.now, name="r", flow_id=flow.id))


def test_the_first_event_makes_the_task_run(tx: Tx) -> None:
    sent = event(
        "RUNNING",
        1,
        run_count=1,
        flow_run_run_count=2,
        tags=["x"],
        labels={"a": 1},
        empirical_policy={"retries": 3, "retry_delay": [1, 2]},
        task_inputs={"a": [{"input_type": "task_run", "id": str(OTHER)}, {"input_type": "parameter", "name": "p"}]},
        start_time="2026-03-01T12:00:01Z",
        expected_start_time="2026-03-01T12:00:00Z",
        total_run_time=1.5,
        estimated_run_time=7,
    )
    assert record(tx, sent) == 1
    run = read(tx)
    assert run.state
    assert run.state.state_details.flow_run_id == FLOW_RUN
    assert run.state.state_details.task_run_id == TASK_RUN
    assert (run.state.id, run.state.timestamp, run.state.name) == (sent.id, sent.occurred, "Running")
    assert run == TaskRun(
        id=TASK_RUN,
        created=NOON,
        updated=NOON,
        name="add-0",
        flow_run_id=FLOW_RUN,
        task_key="add-1f",
        dynamic_key="0",
        run_count=1,
        flow_run_run_count=2,
        tags=["x"],
        labels={"a": 1},
        empirical_policy=TaskRunPolicy(retries=3, retry_delay=[1, 2]),
        task_inputs={"a": [TaskRunResult(id=OTHER), Parameter(name="p")]},
        start_time=NOON + timedelta(seconds=1),
        expected_start_time=NOON,
        total_run_time=1.5,
        estimated_run_time=run.estimated_run_time,
        estimated_start_time_delta=1.0,
        state_id=sent.id,
        state_type=StateType.RUNNING,
        state_name="Running",
        state=run.state,
    )


def test_an_older_event_adds_its_state_and_does_not_turn_the_run_back(tx: Tx) -> None:
    record(tx, event("RUNNING", 5, run_count=1))
    assert record(tx, event("PENDING", 1, run_count=0, tags=["late"])) == 1
    run = read(tx)
    assert (run.state_type, run.run_count, run.tags) == (StateType.RUNNING, 1, [])
    assert [state.type for state in states.of_task_run(tx, TASK_RUN)] == [StateType.PENDING, StateType.RUNNING]


def test_a_newer_event_sets_only_what_it_mentions(tx: Tx) -> None:
    record(tx, event("RUNNING", 1, tags=["kept"], start_time="2026-03-01T12:00:01Z", cache_key="k"))
    record(tx, event("COMPLETED", 2, cache_key=None, end_time="2026-03-01T12:00:02Z"))
    run = read(tx)
    assert (run.tags, run.cache_key, run.start_time) == (["kept"], None, NOON + timedelta(seconds=1))
    assert run.end_time == NOON + timedelta(seconds=2)


def test_the_same_event_twice_is_one_state(tx: Tx) -> None:
    assert record(tx, event("RUNNING", 1), event("RUNNING", 1)) == 1
    assert record(tx, event("RUNNING", 1)) == 0
    assert len(states.of_task_run(tx, TASK_RUN)) == 1


def test_the_natural_key_decides_which_run_it_is(tx: Tx) -> None:
    record(tx, event("PENDING", 1))
    record(tx, event("RUNNING", 2, run=OTHER))
    assert task_runs.get(tx, OTHER) is None
    run = read(tx)
    assert run.state_type is StateType.RUNNING
    assert [state.state_details.task_run_id for state in states.of_task_run(tx, TASK_RUN)] == [TASK_RUN, TASK_RUN]


def test_a_known_id_with_a_new_natural_key_is_the_same_run(tx: Tx) -> None:
    record(tx, event("PENDING", 1))
    record(tx, event("RUNNING", 2, dynamic_key="1"))
    assert read(tx).dynamic_key == "1"


def test_without_a_flow_run_the_id_decides(tx: Tx) -> None:
    record(tx, event("PENDING", 1, flow_run=None), event("RUNNING", 2, flow_run=None))
    record(tx, event("COMPLETED", 3, flow_run=None, run=OTHER))
    assert (read(tx).state_type, read(tx, OTHER).state_type) == (StateType.RUNNING, StateType.COMPLETED)
    assert read(tx).flow_run_id is None


def test_the_payload_may_name_the_flow_run(tx: Tx) -> None:
    record(tx, event("PENDING", 1, flow_run=None, flow_run_id=str(FLOW_RUN)))
    assert read(tx).flow_run_id == FLOW_RUN


def test_a_deleted_flow_run_gets_no_task_runs(tx: Tx) -> None:
    assert record(tx, event("RUNNING", 1, flow_run=UUID(int=99))) == 0
    assert task_runs.get(tx, TASK_RUN) is None


@pytest.mark.parametrize("home", [FLOW_RUN, None])
def test_a_task_run_does_not_move_to_a_deleted_flow_run(tx: Tx, home: UUID | None) -> None:
    record(tx, event("PENDING", 1, flow_run=home))
    assert record(tx, event("RUNNING", 2, flow_run=OTHER)) == 0
    assert (read(tx).flow_run_id, read(tx).state_name) == (home, "Pending")


def test_a_run_that_has_no_state_yet_takes_the_event_s(tx: Tx) -> None:
    run = TaskRun(
        id=TASK_RUN, created=NOON, updated=NOON, name="x", flow_run_id=FLOW_RUN, task_key="add-1f", dynamic_key="0"
    )
    task_runs.insert(tx, run)
    record(tx, event("RUNNING", 1))
    assert read(tx).state_type is StateType.RUNNING


def test_a_run_that_nothing_is_said_about_has_no_labels(tx: Tx) -> None:
    record(tx, event("PENDING", 1))
    assert read(tx).labels is None


def test_a_run_without_a_name_is_given_one(tx: Tx) -> None:
    sent = event("RUNNING", 1)
    del sent.payload["task_run"]["name"]
    record(tx, sent)
    assert "-" in read(tx).name


@pytest.mark.parametrize("order", list(permutations(range(4))))
def test_any_order_ends_alike(tx: Tx, order: tuple[int, ...]) -> None:
    sent = [
        event("PENDING", 1),
        event("RUNNING", 2, run_count=1),
        event("FAILED", 3, run_count=1),
        event("COMPLETED", 4, run_count=2, run=OTHER),
    ]
    record(tx, *(sent[number] for number in order), sent[order[0]])
    [run] = task_runs.TASK_RUN.rows(tx)
    assert (run.state_id, run.state_type, run.run_count) == (sent[3].id, StateType.COMPLETED, 2)
    assert [state.id for state in states.of_task_run(tx, run.id)] == [each.id for each in sent]


@pytest.mark.parametrize(
    ("name", "orchestration", "expected"),
    [
        ("prefect.task-run.Running", "client", True),
        ("prefect.task-run.MyName", "client", True),
        ("prefect.task-run.Running", "server", False),
        ("prefect.task-run.Running", None, False),
        ("prefect.flow-run.Running", "client", False),
    ],
)
def test_only_what_clients_orchestrate_is_a_report(name: str, orchestration: str | None, expected: bool) -> None:
    sent = event("RUNNING", 1)
    sent.event = name
    del sent.resource["prefect.orchestration"]
    if orchestration:
        sent.resource["prefect.orchestration"] = orchestration
    assert is_report(sent) is expected


@pytest.mark.parametrize(
    "change",
    [
        {"task_run": {"task_key": "k"}},
        {"task_run": {"task_key": "k", "dynamic_key": "0", "run_count": "many"}},
        {"task_run": {"task_key": "k", "dynamic_key": "0", "start_time": "soon"}},
        {"validated_state": {"type": "NOPE"}},
        {"validated_state": None},
    ],
)
def test_a_payload_that_makes_no_sense_is_invalid(change: dict[str, Any]) -> None:
    payload = {**event("RUNNING", 1).payload, **change}
    with pytest.raises(Invalid):
        wire.adapter(TaskRunPayload).validate(payload)


def test_a_report_needs_the_resource_of_a_task_run() -> None:
    sent = event("RUNNING", 1)
    sent.resource["prefect.resource.id"] = "prefect.task-run.nope"
    with pytest.raises(ValueError, match=r"."):
        reported(sent)


def test_a_state_keeps_its_own_name_and_data(tx: Tx) -> None:
    sent = event("COMPLETED", 1)
    sent.payload["validated_state"] |= {"name": "Cached", "data": {"type": "unpersisted"}}
    sent.payload["validated_state"]["state_details"] = {"cache_key": "k", "untrackable_result": True}
    record(tx, sent)
    state = read(tx).state
    assert state
    assert (state.name, state.data, state.state_details.cache_key) == ("Cached", {"type": "unpersisted"}, "k")


def test_a_state_may_have_an_id_and_a_time_of_its_own(tx: Tx) -> None:
    sent = event("RUNNING", 3)
    sent.payload["validated_state"] |= {"id": str(OTHER), "timestamp": "2026-03-01T12:00:02Z"}
    record(tx, sent)
    run = read(tx)
    assert run.state is not None
    assert (run.state_id, run.state.id, run.state.timestamp) == (OTHER, OTHER, NOON + timedelta(seconds=2))


def test_a_scheduled_state_without_a_time_is_scheduled_for_when_it_came(tx: Tx) -> None:
    sent = event("SCHEDULED", 3)
    record(tx, sent)
    state = states.get_task_run_state(tx, sent.id)
    assert state is not None
    assert state.state_details.scheduled_time == sent.occurred


def test_times_of_the_client_s_zone_are_stored_in_utc(tx: Tx) -> None:
    sent = event("RUNNING", 1, start_time="2026-03-01T14:00:00+02:00")
    sent.occurred = datetime.fromisoformat("2026-03-01T14:00:00+02:00")
    record(tx, sent)
    assert tx.execute("SELECT start_time, state_timestamp FROM task_run").fetchone() == (
        "2026-03-01 12:00:00.000000",
        "2026-03-01 12:00:00.000000",
    )
