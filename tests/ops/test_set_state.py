"""Transitions on a real database: rows, effects and events of one transaction."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from support import NOON, Clock

from flowctl.db.database import Database, Tx
from flowctl.db.tables import flow_runs as flow_run_table
from flowctl.db.tables import states as state_table
from flowctl.db.tables import task_runs as task_run_table
from flowctl.domain.concurrency_limits import ConcurrencyLimitCreate
from flowctl.domain.errors import NotFound
from flowctl.domain.flow_runs import FlowRun, FlowRunCreate, FlowRunPolicy
from flowctl.domain.flows import FlowCreate
from flowctl.domain.orchestration import Client, SetStateStatus, StateAbortDetails, StateRejectDetails, StateWaitDetails
from flowctl.domain.states import (
    StateCreate,
    StateDetails,
    StateType,
    cancelling,
    completed,
    failed,
    late,
    paused,
    pending,
    running,
    scheduled,
)
from flowctl.domain.task_runs import TaskRun, TaskRunCreate, TaskRunPolicy
from flowctl.domain.variables import VariableCreate
from flowctl.ops import concurrency_limits, flow_run_inputs, flow_runs, flows, set_state, steps, task_runs, variables
from flowctl.orchestration.policies import MARK_LATE

ACCEPT, REJECT, ABORT, WAIT = SetStateStatus.ACCEPT, SetStateStatus.REJECT, SetStateStatus.ABORT, SetStateStatus.WAIT


def flow_run(tx: Tx, **fields: object) -> FlowRun:
    flow, _ = flows.create(tx, FlowCreate(name="etl", tags=["daily"]))
    run, _ = flow_runs.create(tx, FlowRunCreate(flow_id=flow.id, **fields))  # type: ignore[arg-type]
    return run


def task_run(tx: Tx, run: FlowRun | None = None, key: str = "0", **fields: object) -> TaskRun:
    body = TaskRunCreate(flow_run_id=run.id if run else None, task_key="t", dynamic_key=key, **fields)  # type: ignore[arg-type]
    return task_runs.create(tx, body)[0]


def stored(tx: Tx, run: FlowRun) -> FlowRun:
    found = flow_run_table.get(tx, run.id)
    assert found is not None
    return found


def stored_task(tx: Tx, run: TaskRun) -> TaskRun:
    found = task_run_table.get(tx, run.id)
    assert found is not None
    return found


# -- flow runs


def test_an_accepted_state_is_stored_answered_and_announced(tx: Tx) -> None:
    run = flow_run(tx)
    result = set_state.set_flow_run_state(tx, run.id, running("go"))
    assert (result.status, result.created) == (ACCEPT, True)
    after = stored(tx, run)
    assert after.state == result.state
    assert (after.state_type, after.state_name, after.run_count) == (StateType.RUNNING, "Running", 1)
    assert after.start_time is not None
    event = tx.emitted[-1]
    assert (event.id, event.event) == (after.state_id, "prefect.flow-run.Running")


def test_a_rejection_that_leaves_the_state_writes_no_state_but_what_the_rule_changed(tx: Tx) -> None:
    run = flow_run(tx, state=paused(timeout=None, now=NOON))
    emitted = len(tx.emitted)
    result = set_state.set_flow_run_state(tx, run.id, cancelling())
    assert (result.status, result.created) == (REJECT, False)
    assert isinstance(result.details, StateRejectDetails)
    assert result.state is not None
    assert result.state.id == run.state_id
    assert stored(tx, run).empirical_policy.resuming is True
    assert len(state_table.of_flow_run(tx, run.id)) == 1
    assert len(tx.emitted) == emitted


def test_a_rejection_with_another_state_writes_that(tx: Tx) -> None:
    run = flow_run(tx, state=running(), empirical_policy=FlowRunPolicy(retries=1, retry_delay=60))
    result = set_state.set_flow_run_state(tx, run.id, failed("boom"))
    assert (result.status, result.created) == (REJECT, True)
    after = stored(tx, run)
    assert (after.state_name, after.next_scheduled_start_time) == ("AwaitingRetry", NOON + timedelta(seconds=60))
    assert after.empirical_policy.retry_type == "in_process"
    assert tx.emitted[-1].event == "prefect.flow-run.AwaitingRetry"


def test_a_wait_tells_how_long_and_writes_nothing(tx: Tx) -> None:
    run = flow_run(tx, state=scheduled(NOON + timedelta(seconds=90)))
    result = set_state.set_flow_run_state(tx, run.id, running())
    assert (result.status, result.created) == (WAIT, False)
    assert isinstance(result.details, StateWaitDetails)
    assert result.details.delay_seconds == 90
    assert stored(tx, run) == run


def test_an_abort_tells_why_and_writes_nothing(tx: Tx) -> None:
    run = flow_run(tx)
    result = set_state.set_flow_run_state(tx, run.id, pending())
    assert (result.status, result.created) == (ABORT, False)
    assert isinstance(result.details, StateAbortDetails)
    assert result.details.reason == "This run is in a PENDING state and cannot transition to a PENDING state."


def test_force_skips_the_rules(tx: Tx) -> None:
    run = flow_run(tx)
    assert set_state.set_flow_run_state(tx, run.id, pending(), force=True).created


def test_another_policy_can_be_given(tx: Tx) -> None:
    run = flow_run(tx)
    result = set_state.set_flow_run_state(tx, run.id, late(NOON), policy=MARK_LATE)
    assert result.status is REJECT


def test_runs_that_are_gone_are_not_found(tx: Tx) -> None:
    with pytest.raises(NotFound, match="Flow run with id"):
        set_state.set_flow_run_state(tx, uuid4(), running())
    with pytest.raises(NotFound, match="Task run with id"):
        set_state.set_task_run_state(tx, uuid4(), running())
    with pytest.raises(NotFound):
        set_state.resume_flow_run(tx, uuid4())


def test_states_written_in_one_instant_have_an_order(tx: Tx) -> None:
    run = flow_run(tx)
    for state in (running(), failed(), running(), completed()):
        set_state.set_flow_run_state(tx, run.id, state, force=True)
    states = list(state_table.of_flow_run(tx, run.id))
    assert [state.type.value for state in states] == ["PENDING", "RUNNING", "FAILED", "RUNNING", "COMPLETED"]
    assert [state.timestamp - NOON for state in states] == [timedelta(microseconds=n) for n in range(5)]


def test_run_time_is_what_was_spent_running(db: Database, clock: Clock) -> None:
    with db.write() as tx:
        run = flow_run(tx, state=running())
    clock.advance(seconds=10)
    with db.write() as tx:
        set_state.set_flow_run_state(tx, run.id, completed())
    clock.advance(seconds=10)
    with db.read() as tx:
        after = stored(tx, run)
    assert (after.total_run_time, after.estimated_run_time) == (10.0, 10.0)
    assert (after.end_time, after.state_type) == (NOON + timedelta(seconds=10), StateType.COMPLETED)


def test_result_metadata_is_stored_and_protected(tx: Tx) -> None:
    run = flow_run(tx, state=running())
    data = {"type": "reference", "storage_key": "k"}
    set_state.set_flow_run_state(tx, run.id, StateCreate(type=StateType.COMPLETED, data=data))
    after = stored(tx, run)
    assert after.state is not None
    assert after.state.data == data
    assert set_state.set_flow_run_state(tx, run.id, completed(), force=True).status is REJECT
    assert set_state.set_flow_run_state(tx, run.id, running()).status is REJECT


def test_an_unpersisted_result_is_answered_but_not_stored(tx: Tx) -> None:
    run = flow_run(tx, state=running())
    proposed = StateCreate(type=StateType.COMPLETED, data={"type": "unpersisted"})
    result = set_state.set_flow_run_state(tx, run.id, proposed)
    assert result.state is not None
    assert result.state.data == {"type": "unpersisted"}
    after = stored(tx, run)
    assert after.state is not None
    assert after.state.data is None
    assert set_state.set_flow_run_state(tx, run.id, running()).status is ACCEPT


def test_the_placeholder_in_the_parent_follows_its_subflow(tx: Tx) -> None:
    parent = flow_run(tx, state=running())
    placeholder = task_run(tx, parent)
    child = flow_run(tx, parent_task_run_id=placeholder.id)
    set_state.set_flow_run_state(tx, child.id, running())
    set_state.set_flow_run_state(tx, child.id, completed("done"))
    after = stored_task(tx, placeholder)
    assert after.state is not None
    assert (after.state_type, after.state.message, after.run_count) == (StateType.COMPLETED, "done", 1)
    details = after.state.state_details
    assert (details.child_flow_run_id, details.task_run_id) == (child.id, placeholder.id)
    child_state = stored(tx, child).state
    assert child_state is not None
    assert child_state.state_details.task_run_id == placeholder.id
    assert child_state.id != after.state_id
    names = [state.name for state in state_table.of_task_run(tx, placeholder.id)]
    assert names == ["Pending", "Pending", "Running", "Completed"]


def test_a_subflow_outlives_its_placeholder(tx: Tx) -> None:
    run = flow_run(tx)
    tx.execute("UPDATE flow_run SET parent_task_run_id = ? WHERE id = ?", (str(uuid4()), str(run.id)))
    assert set_state.set_flow_run_state(tx, run.id, running()).status is ACCEPT


def test_old_clients_get_their_failed_task_runs_reset(tx: Tx) -> None:
    run = flow_run(tx, state=running(), empirical_policy=FlowRunPolicy(retries=1, retry_delay=60))
    lost, done = task_run(tx, run, "0"), task_run(tx, run, "1")
    set_state.set_task_run_state(tx, lost.id, running())
    set_state.set_task_run_state(tx, lost.id, failed())
    set_state.set_task_run_state(tx, done.id, completed())
    set_state.set_flow_run_state(tx, run.id, failed(), client=Client(api_version=(0, 8, 2)))
    after = stored_task(tx, lost)
    assert (after.state_name, after.run_count) == ("AwaitingRetry", 0)
    assert after.next_scheduled_start_time == NOON + timedelta(seconds=60)
    assert stored_task(tx, done).state_type is StateType.COMPLETED


# -- task runs


def test_a_task_run_follows_its_rules_and_emits_no_event(tx: Tx) -> None:
    run = task_run(tx, flow_run(tx, state=running()), empirical_policy=TaskRunPolicy(retries=1))
    emitted = len(tx.emitted)
    assert set_state.set_task_run_state(tx, run.id, running()).status is ACCEPT
    assert set_state.set_task_run_state(tx, run.id, failed()).status is REJECT
    assert set_state.set_task_run_state(tx, run.id, running()).state is not None
    after = stored_task(tx, run)
    assert (after.state_name, after.run_count, after.flow_run_run_count) == ("Retrying", 2, 1)
    assert len(tx.emitted) == emitted


def test_task_runs_start_only_while_their_flow_runs(tx: Tx) -> None:
    parent = flow_run(tx)
    run = task_run(tx, parent)
    assert set_state.set_task_run_state(tx, run.id, running()).status is ABORT
    set_state.set_flow_run_state(tx, parent.id, running())
    assert set_state.set_task_run_state(tx, run.id, running()).status is ACCEPT


def test_a_cached_result_is_taken_over_until_it_expires(db: Database, clock: Clock) -> None:
    details = StateDetails(cache_key="k", cache_expiration=NOON + timedelta(seconds=5))
    with db.write() as tx:
        first, second, third = (task_run(tx, key=key) for key in "012")
        proposed = StateCreate(type=StateType.COMPLETED, data={"type": "reference"}, state_details=details)
        set_state.set_task_run_state(tx, first.id, proposed)
        again = StateCreate(type=StateType.RUNNING, state_details=StateDetails(cache_key="k"))
        result = set_state.set_task_run_state(tx, second.id, again)
        assert result.state is not None
        assert (result.state.name, result.state.data) == ("Cached", {"type": "reference"})
    clock.advance(seconds=6)
    with db.write() as tx:
        again = StateCreate(type=StateType.RUNNING, state_details=StateDetails(cache_key="k"))
        assert set_state.set_task_run_state(tx, third.id, again).status is ACCEPT


def test_deferred_states_have_rules_even_when_they_are_forced(tx: Tx) -> None:
    run = task_run(tx)
    deferred = StateCreate(type=StateType.PENDING, state_details=StateDetails(deferred=True))
    assert set_state.set_task_run_state(tx, run.id, deferred, force=True).status is ABORT


def test_task_runs_with_a_limited_tag_take_turns(tx: Tx) -> None:
    concurrency_limits.create_for_tag(tx, ConcurrencyLimitCreate(tag="db", concurrency_limit=1))
    first, second = (task_run(tx, key=key, tags=["db", "free"]) for key in "01")
    assert set_state.set_task_run_state(tx, first.id, running()).status is ACCEPT
    assert concurrency_limits.read_by_tag(tx, "db").active_slots == [first.id]
    result = set_state.set_task_run_state(tx, second.id, running())
    assert isinstance(result.details, StateWaitDetails)
    assert result.details.reason == "Concurrency limit reached for tags: db"
    set_state.set_task_run_state(tx, first.id, failed(), force=True)
    assert set_state.set_task_run_state(tx, second.id, running()).status is ACCEPT
    assert concurrency_limits.read_by_tag(tx, "db").active_slots == [second.id]


def test_a_task_run_that_starts_again_holds_its_slot_once(tx: Tx) -> None:
    concurrency_limits.create_for_tag(tx, ConcurrencyLimitCreate(tag="db", concurrency_limit=2))
    run = task_run(tx, tags=["db"])
    for _ in range(3):
        assert set_state.set_task_run_state(tx, run.id, running()).status is ACCEPT
        assert concurrency_limits.read_by_tag(tx, "db").active_slots == [run.id]
    set_state.set_task_run_state(tx, run.id, failed())
    assert concurrency_limits.read_by_tag(tx, "db").active_slots == []


def test_deleting_a_flow_run_frees_the_slots_of_its_task_runs(db: Database) -> None:
    with db.write() as tx:
        concurrency_limits.create_for_tag(tx, ConcurrencyLimitCreate(tag="db", concurrency_limit=1))
        parent = flow_run(tx, state=running())
        set_state.set_task_run_state(tx, task_run(tx, parent, tags=["db"]).id, running())
        assert concurrency_limits.read(tx, "tag:db").active_slots == 1
    steps.run(db, lambda tx: flow_runs.delete(tx, parent.id))
    with db.write() as tx:
        assert concurrency_limits.read(tx, "tag:db").active_slots == 0
        set_state.release_slots(tx, parent.id)  # a run that is gone holds nothing


# -- resume

KEYSET = {"description": "p-description", "response": "p-response", "schema": "p-schema"}
SCHEMA = '{"title": "In", "type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}'


def waiting(tx: Tx, schema: str | None = SCHEMA) -> UUID:
    run = flow_run(tx, state=running())
    if schema is not None:
        flow_run_inputs.create(tx, run.id, "p-schema", schema)
    proposed = paused(timeout=timedelta(hours=1), now=NOON, key="p")
    proposed.state_details.run_input_keyset = KEYSET
    set_state.set_flow_run_state(tx, run.id, proposed)
    return run.id


def test_resume_lets_a_paused_run_go_on(tx: Tx) -> None:
    run = flow_run(tx, state=running())
    set_state.set_flow_run_state(tx, run.id, paused(timeout=None, now=NOON, key="1"))
    result = set_state.resume_flow_run(tx, run.id)
    assert result.state is not None
    assert (result.status, result.state.type, result.created) == (ACCEPT, StateType.RUNNING, True)
    assert stored(tx, run).empirical_policy.pause_keys == ["1"]


def test_resume_reschedules_a_suspended_run(tx: Tx) -> None:
    run = flow_run(tx, state=running(), deployment_id=uuid4())
    set_state.set_flow_run_state(tx, run.id, paused(timeout=None, now=NOON, reschedule=True))
    result = set_state.resume_flow_run(tx, run.id)
    assert result.state is not None
    assert (result.state.type, result.state.name) == (StateType.SCHEDULED, "Resuming")


@pytest.mark.parametrize("state", [running(), completed(), None])
def test_resume_refuses_a_run_that_is_not_paused(tx: Tx, state: StateCreate | None) -> None:
    run = flow_run(tx, state=state)
    result = set_state.resume_flow_run(tx, run.id)
    assert (result.state, result.status, result.created) == (None, ABORT, False)
    assert result.details == StateAbortDetails(reason="Cannot resume a flow run that is not paused.")


@pytest.mark.parametrize("given", [{"n": 1}, {"n": 1, "extra": "ü"}, {"n": {"__prefect_kind": "json", "value": "1"}}])
def test_resume_stores_the_input_that_fits(tx: Tx, given: dict[str, object]) -> None:
    id = waiting(tx)
    assert set_state.resume_flow_run(tx, id, run_input=given).status is ACCEPT
    text = flow_run_inputs.read(tx, id, "p-response").value
    assert text == ('{"n":1,"extra":"ü"}' if "extra" in given else '{"n":1}')


def test_resume_takes_values_from_variables(tx: Tx) -> None:
    variables.create(tx, VariableCreate(name="amount", value=7))
    id = waiting(tx)
    given: dict[str, object] = {"n": {"__prefect_kind": "workspace_variable", "variable_name": "amount"}}
    assert set_state.resume_flow_run(tx, id, run_input=given).status is ACCEPT
    assert flow_run_inputs.read(tx, id, "p-response").value == '{"n":7}'


@pytest.mark.parametrize(
    ("schema", "given", "reason"),
    [
        (
            SCHEMA,
            {"n": "x"},
            "Reason: Validation failed for field 'n'. Failure reason: 'x' is not of type 'integer'",
        ),
        (SCHEMA, None, "Reason: Validation failed. Failure reason: 'n' is a required property"),
        (None, {"n": 1}, "Run input schema not found."),
        ("not json", {"n": 1}, "Run input schema is not valid JSON."),
        (
            SCHEMA,
            {"n": {"__prefect_kind": "workspace_variable", "variable_name": "v"}},
            "Error hydrating run input: Variable 'v' not found in workspace.",
        ),
    ],
)
def test_resume_refuses_input_that_does_not_fit(
    tx: Tx, schema: str | None, given: dict[str, object] | None, reason: str
) -> None:
    id = waiting(tx, schema)
    result = set_state.resume_flow_run(tx, id, run_input=given)
    assert (result.status, result.details) == (REJECT, StateAbortDetails(reason=reason))
    assert result.state is not None
    assert result.state.type is StateType.PAUSED
    with pytest.raises(NotFound):
        flow_run_inputs.read(tx, id, "p-response")
