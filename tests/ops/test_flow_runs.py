from __future__ import annotations

from datetime import datetime, timedelta, timezone
from uuid import UUID, uuid4

import pytest
from support import NOON

from flowctl.db.database import Database, Tx
from flowctl.db.tables import flow_runs as table
from flowctl.db.tables import states as state_table
from flowctl.domain.criteria import Criteria
from flowctl.domain.errors import Conflict, Invalid, NotFound, Refused
from flowctl.domain.flow_run_filters import FlowRunSort
from flowctl.domain.flow_runs import FlowRun, FlowRunCreate
from flowctl.domain.flows import FlowCreate
from flowctl.domain.logs import LogCreate
from flowctl.domain.states import StateCreate, StateType, completed, running, scheduled
from flowctl.domain.task_runs import TaskRunCreate
from flowctl.domain.work_pools import WorkPoolCreate
from flowctl.ops import (
    flow_run_inputs,
    flow_run_lists,
    flow_runs,
    flows,
    logs,
    set_state,
    steps,
    task_runs,
    work_pools,
    work_queues,
)


def create(tx: Tx, **fields: object) -> FlowRun:
    flow, _ = flows.create(tx, FlowCreate(name="etl", labels={"team": "data"}))
    run, _ = flow_runs.create(tx, FlowRunCreate(flow_id=flow.id, **fields))  # type: ignore[arg-type]
    return run


def test_a_run_without_a_state_is_pending_and_has_a_name(tx: Tx) -> None:
    run = create(tx)
    assert (run.state_type, run.state_name) == (StateType.PENDING, "Pending")
    assert len(run.name.split("-")) == 2
    assert run.expected_start_time == NOON
    assert run.state
    assert run.state.state_details.flow_run_id == run.id


def test_labels_come_from_the_flow_and_are_overridden_by_the_clients(tx: Tx) -> None:
    run = create(tx, labels={"team": "mine", "x": 1})
    assert run.labels == {"team": "mine", "x": 1, "prefect.flow.id": str(run.flow_id)}


def test_a_scheduled_run_knows_when_it_is_due(tx: Tx) -> None:
    run = create(tx, state=scheduled(NOON + timedelta(hours=1)))
    assert run.next_scheduled_start_time == run.expected_start_time == NOON + timedelta(hours=1)


def test_an_idempotency_key_gives_the_run_it_was_used_for(tx: Tx) -> None:
    first = create(tx, idempotency_key="k", parameters={"n": 1})
    again, created = flow_runs.create(
        tx, FlowRunCreate(flow_id=first.flow_id, idempotency_key="k", parameters={"n": 2})
    )
    assert (again.id, again.parameters, created) == (first.id, {"n": 1}, False)
    other, _ = flows.create(tx, FlowCreate(name="other"))
    _, created = flow_runs.create(tx, FlowRunCreate(flow_id=other.id, idempotency_key="k"))
    assert created


def test_create_rejects_a_flow_or_a_block_that_is_gone(tx: Tx) -> None:
    with pytest.raises(Conflict, match="Data integrity conflict"):
        flow_runs.create(tx, FlowRunCreate(flow_id=uuid4()))
    with pytest.raises(Conflict, match="Data integrity conflict"):
        create(tx, infrastructure_document_id=uuid4())


def test_parameters_have_a_greatest_length(tx: Tx) -> None:
    long = {"text": "t" * tx.settings.api_max_parameter_size}
    with pytest.raises(Invalid, match="must be less than 524,288 bytes"):
        create(tx, parameters=long)
    run = create(tx, parameters={"text": "t"})
    with pytest.raises(Invalid, match="must be less than"):
        flow_runs.update(tx, run.id, {"parameters": long})


def test_create_rejects_a_work_pool_that_is_not_there(tx: Tx) -> None:
    with pytest.raises(NotFound, match='Work pool "nowhere" not found'):
        create(tx, work_pool_name="nowhere")
    with pytest.raises(NotFound, match="Work pool queue 'nowhere/slow' not found"):
        create(tx, work_pool_name="nowhere", work_queue_name="slow")


@pytest.mark.parametrize(
    ("key", "sent", "kept"),
    [(None, None, {}), (None, {"n": 1}, {"n": 1}), ("k", None, None), ("k", {}, {}), ("k", {"n": 1}, {"n": 1})],
)
def test_job_variables_are_kept_as_sent(tx: Tx, key: str | None, sent: object, kept: object) -> None:
    run = create(tx, idempotency_key=key, job_variables=sent)
    assert run.job_variables == flow_runs.read(tx, run.id).job_variables == kept


def test_update_sets_what_is_sent_and_nothing_else(tx: Tx) -> None:
    run = create(tx, tags=["a"], parameters={"n": 1})
    flow_runs.update(tx, run.id, {"name": "renamed", "infrastructure_pid": "17"})
    found = flow_runs.read(tx, run.id)
    assert (found.name, found.infrastructure_pid, found.tags, found.parameters) == ("renamed", "17", ["a"], {"n": 1})


def test_a_name_taken_away_is_made_up_anew(tx: Tx) -> None:
    run = create(tx, name="mine")
    for nothing in ("", None):
        flow_runs.update(tx, run.id, {"name": nothing})
        assert len(flow_runs.read(tx, run.id).name.split("-")) == 2


def test_a_queue_has_its_name_of_today(db: Database) -> None:
    with db.write() as tx:
        queue = work_queues.create(tx, work_pools.create(tx, WorkPoolCreate(name="pool", type="process")), "slow")
        named = create(tx, work_pool_name="pool", work_queue_name="slow")
        of_default = create(tx, work_pool_name="pool")
        assert (named.work_queue_name, of_default.work_queue_name) == ("slow", "default")
        work_queues.update(tx, queue.id, {"name": "slower"})
        listed = flow_run_lists.find(tx, Criteria(), sort=FlowRunSort.ID_DESC, limit=9, offset=0)
        assert {run.id: run.work_queue_name for run in listed} == {named.id: "slower", of_default.id: "default"}
    steps.run(db, lambda tx: work_queues.delete(tx, queue.id))
    with db.read() as tx:
        gone = flow_runs.read(tx, named.id)
    assert (gone.work_queue_id, gone.work_queue_name, gone.work_pool_name) == (None, "slow", None)


def test_update_of_job_variables_needs_a_scheduled_run_of_a_deployment(tx: Tx) -> None:
    with pytest.raises(Refused, match="in state PENDING cannot be updated"):
        flow_runs.update(tx, create(tx).id, {"job_variables": {"image": "x"}})
    with pytest.raises(Refused, match="A deployment for the flow run could not be found"):
        flow_runs.update(tx, create(tx, state=scheduled(NOON)).id, {"job_variables": {"image": "x"}})


def test_what_is_gone_is_not_found(tx: Tx) -> None:
    for act in (
        lambda: flow_runs.read(tx, uuid4()),
        lambda: flow_runs.update(tx, uuid4(), {"name": "x"}),
        lambda: flow_runs.update_labels(tx, uuid4(), {}),
        lambda: next(flow_runs.delete(tx, uuid4())),
    ):
        with pytest.raises(NotFound):
            act()


def test_labels_are_merged(tx: Tx) -> None:
    run = create(tx, labels={"a": 1})
    flow_runs.update_labels(tx, run.id, {"b": True})
    assert flow_runs.read(tx, run.id).labels == {
        "team": "data", "prefect.flow.id": str(run.flow_id), "a": 1, "b": True
    }  # fmt: skip


def family(db: Database, *, tasks: int = 3, lines: int = 5) -> tuple[UUID, UUID]:
    """A finished run with task runs, states, logs, an input and a subflow run; ids of the run and the subflow run."""
    with db.write() as tx:
        run = create(tx)
        set_state.set_flow_run_state(tx, run.id, running())
        for number in range(tasks):
            task, _ = task_runs.create(tx, TaskRunCreate(flow_run_id=run.id, task_key="load", dynamic_key=str(number)))
            set_state.set_task_run_state(tx, task.id, running(), force=True)
        flow_run_inputs.create(tx, run.id, "answer", "42")
        child = create(tx, parent_task_run_id=task.id)
        logs.create(
            tx,
            [LogCreate(name="x", level=20, message="m", timestamp=NOON, flow_run_id=run.id) for _ in range(lines)],
        )
        set_state.set_flow_run_state(tx, run.id, completed())
    return run.id, child.id


def rows(tx: Tx) -> dict[str, int]:
    tables = ("flow_run", "task_run", "flow_run_state", "task_run_state", "log", "flow_run_input")
    return {table: tx.scalar(f"SELECT count(*) FROM {table}") for table in tables}


@pytest.mark.parametrize("rows_a_step", [3, 500])
def test_delete_takes_along_what_hangs_on_a_run(
    db: Database, monkeypatch: pytest.MonkeyPatch, rows_a_step: int
) -> None:
    monkeypatch.setattr(flow_runs, "ROWS_A_STEP", rows_a_step)
    run_id, child_id = family(db)
    done: list[int] = []
    steps.run(db, lambda tx: flow_runs.delete(tx, run_id), done.append)
    with db.read() as tx:
        assert rows(tx) == {
            "flow_run": 1, "task_run": 0, "flow_run_state": 1, "task_run_state": 0, "log": 0, "flow_run_input": 0
        }  # fmt: skip
        child = flow_runs.read(tx, child_id)
        assert child.parent_task_run_id is None
    assert all(count <= rows_a_step for count in done)
    assert bool(done) == (rows_a_step == 3)


def test_a_delete_that_is_cut_short_is_finished_by_the_next(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(flow_runs, "ROWS_A_STEP", 4)
    run_id, _ = family(db)
    with db.write() as tx:
        next(flow_runs.delete(tx, run_id))
    with db.read() as tx:
        assert table.get(tx, run_id), "the run goes last"
    steps.run(db, lambda tx: flow_runs.delete(tx, run_id))
    with db.read() as tx:
        assert table.get(tx, run_id) is None


def test_deleting_a_flow_takes_its_runs_along_but_not_their_logs(db: Database) -> None:
    family(db)
    with db.read() as tx:
        flow = flows.read_by_name(tx, "etl")
    steps.run(db, lambda tx: flows.delete(tx, flow.id))
    with db.read() as tx:
        left = rows(tx)
        assert left.pop("log") > 0
        assert set(left.values()) == {0}
        with pytest.raises(NotFound):
            flows.read(tx, flow.id)
        names = [row[0] for row in tx.execute("SELECT event FROM events WHERE event LIKE 'prefect.flow.%'")]
        assert names == ["prefect.flow.created", "prefect.flow.deleted"]


def test_delete_many_answers_what_was_there(db: Database) -> None:
    run_id, _ = family(db)
    missing = uuid4()
    response = steps.run(db, lambda tx: flow_runs.delete_many(tx, [missing, run_id]))
    assert response.deleted == [run_id]


class TestInputs:
    def test_they_are_read_by_key_and_by_prefix(self, tx: Tx) -> None:
        run = create(tx)
        for key in ("a-1", "a-2", "b-1"):
            flow_run_inputs.create(tx, run.id, key, f'"{key}"', sender="prefect.flow-run.x")
        assert flow_run_inputs.read(tx, run.id, "a-2").value == '"a-2"'
        found = flow_run_inputs.find(tx, run.id, "a-", limit=10, exclude_keys=["a-1"])
        assert [each.key for each in found] == ["a-2"]
        assert len(flow_run_inputs.find(tx, run.id, "a-")) == 1

    def test_a_key_is_taken_once(self, tx: Tx) -> None:
        run = create(tx)
        flow_run_inputs.create(tx, run.id, "k", "1")
        with pytest.raises(Conflict, match="already exists"):
            flow_run_inputs.create(tx, run.id, "k", "2")

    def test_of_a_run_that_is_gone(self, tx: Tx) -> None:
        with pytest.raises(NotFound):
            flow_run_inputs.create(tx, uuid4(), "k", "1")
        with pytest.raises(NotFound):
            flow_run_inputs.delete(tx, uuid4(), "k")


def test_task_runs_with_the_same_keys_are_one(tx: Tx) -> None:
    run = create(tx, labels={"a": 1})
    body = TaskRunCreate(flow_run_id=run.id, task_key="load", dynamic_key="0", labels={"b": 2})
    first, created = task_runs.create(tx, body)
    assert created
    assert first.labels == {**run.labels, "prefect.flow-run.id": str(run.id), "b": 2}
    assert task_runs.create(tx, body) == (first, False)
    background = TaskRunCreate(flow_run_id=None, task_key="load", dynamic_key="0")
    assert task_runs.create(tx, background)[1]
    assert not task_runs.create(tx, background)[1]


def test_the_history_of_a_run_agrees_with_its_row(tx: Tx) -> None:
    run = create(tx)
    for proposal in (running(), completed()):
        set_state.set_flow_run_state(tx, run.id, proposal)
    found = flow_runs.read(tx, run.id)
    history = list(state_table.of_flow_run(tx, run.id))
    assert [state.name for state in history] == ["Pending", "Running", "Completed"]
    assert found.state == history[-1]
    assert (found.start_time, found.end_time) == (history[1].timestamp, history[2].timestamp)


def test_create_rejects_a_parent_that_is_gone(tx: Tx) -> None:
    with pytest.raises(Conflict, match="Data integrity conflict"):
        create(tx, parent_task_run_id=uuid4())


def test_create_rejects_a_first_state_with_a_result_that_is_kept(tx: Tx) -> None:
    with pytest.raises(Invalid, match="first state carries no data"):
        create(tx, state=StateCreate(type=StateType.COMPLETED, data={"type": "x"}))
    run = create(tx, state=StateCreate(type=StateType.COMPLETED, data={"type": "unpersisted"}))
    assert run.state
    assert (run.state.type, run.state.data) == (StateType.COMPLETED, None)


def test_an_empty_idempotency_key_is_taken_once(tx: Tx) -> None:
    create(tx, idempotency_key="")
    with pytest.raises(Conflict):
        create(tx, idempotency_key="")


def test_a_time_with_an_offset_is_kept_as_the_same_instant(tx: Tx) -> None:
    due = datetime(2199, 1, 1, tzinfo=timezone(timedelta(hours=5, minutes=30)))
    run = create(tx, state=scheduled(due))
    assert run.expected_start_time is due
    found = flow_runs.read(tx, run.id)
    assert found.expected_start_time == due
    assert found.expected_start_time.utcoffset() == timedelta(0)
