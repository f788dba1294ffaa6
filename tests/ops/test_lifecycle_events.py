from __future__ import annotations

from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from support import NOON, Clock

from flowctl.db.database import Database, Tx
from flowctl.domain.events import ReceivedEvent
from flowctl.domain.flow_runs import FlowRunCreate
from flowctl.domain.flows import FlowCreate
from flowctl.domain.states import StateCreate, StateDetails, StateType, completed, running
from flowctl.domain.task_runs import TaskRunCreate
from flowctl.domain.values import Actor
from flowctl.ops import flow_runs, flows, set_state, task_runs


def emitted(tx: Tx, **fields: object) -> ReceivedEvent:
    """The event of a new flow run's first state."""
    flow, _ = flows.create(tx, FlowCreate(name="etl", tags=["daily", "both"]))
    created_by = fields.pop("created_by", None)
    flow_runs.create(tx, FlowRunCreate(flow_id=flow.id, name="brisk-otter", **fields), created_by=created_by)  # type: ignore[arg-type]
    return tx.emitted[-1]


def test_the_event_of_a_state_has_its_id_and_time_and_says_what_it_is(tx: Tx) -> None:
    event = emitted(tx, state=StateCreate(type=StateType.RUNNING, name="Own", message="go"))
    assert event.event == "prefect.flow-run.Own"
    assert (event.occurred, event.follows) == (NOON, None)
    assert event.resource == {
        "prefect.resource.id": event.resource_id,
        "prefect.resource.name": "brisk-otter",
        "prefect.run-count": "1",
        "prefect.state-message": "go",
        "prefect.state-name": "Own",
        "prefect.state-timestamp": "2026-03-01T12:00:00+00:00",
        "prefect.state-type": "RUNNING",
    }
    assert event.payload == {
        "intended": {"from": None, "to": "RUNNING"},
        "initial_state": None,
        "validated_state": {"type": "RUNNING", "name": "Own", "message": "go"},
    }


def test_related_are_what_the_run_belongs_to_and_all_tags(tx: Tx) -> None:
    parent = flow_runs.create(tx, FlowRunCreate(flow_id=flows.create(tx, FlowCreate(name="p"))[0].id))[0]
    body = TaskRunCreate(flow_run_id=parent.id, task_key="k", dynamic_key="0", name="placeholder", tags=["sub"])
    task_run, _ = task_runs.create(tx, body)
    deployment_id, queue_id, pool_id = uuid4(), uuid4(), uuid4()
    tx.execute("INSERT INTO work_pool (id, name, type) VALUES (?, 'pool', 'process')", (str(pool_id),))
    tx.execute(
        "INSERT INTO work_queue (id, name, work_pool_id) VALUES (?, 'default', ?)", (str(queue_id), str(pool_id))
    )
    tx.execute("UPDATE work_pool SET default_queue_id = ?", (str(queue_id),))
    flow, _ = flows.create(tx, FlowCreate(name="etl"))
    tx.execute(
        "INSERT INTO deployment (id, name, flow_id, tags) VALUES (?, 'nightly', ?, '[\"dep\"]')",
        (str(deployment_id), str(flow.id)),
    )
    event = emitted(
        tx,
        tags=["mine", "both"],
        parent_task_run_id=task_run.id,
        deployment_id=deployment_id,
        work_pool_name="pool",
        created_by=Actor(id=uuid4(), type="AUTOMATION", display_value="nightly"),
    )
    roles = [(related["prefect.resource.role"], related.get("prefect.resource.name")) for related in event.related]
    assert roles == [
        ("flow", "etl"),
        ("deployment", "nightly"),
        ("work-queue", "default"),
        ("work-pool", "pool"),
        ("task-run", "placeholder"),
        *[("tag", None)] * 4,
        ("creator", "nightly"),
    ]
    assert event.related[3]["prefect.work-pool.type"] == "process"
    assert [each["prefect.resource.id"] for each in event.related[5:9]] == [
        "prefect.tag.both",
        "prefect.tag.dep",
        "prefect.tag.mine",
        "prefect.tag.sub",
    ]


@pytest.mark.parametrize("created_by", [None, Actor(type="SCHEDULE", display_value="x")])
def test_other_creators_are_not_named(tx: Tx, created_by: Actor | None) -> None:
    roles = [related["prefect.resource.role"] for related in emitted(tx, created_by=created_by).related]
    assert "creator" not in roles


@pytest.mark.parametrize(("minutes", "is_chained"), [(4, True), (5, False)])
def test_states_close_to_each_other_are_chained(db: Database, clock: Clock, minutes: int, is_chained: bool) -> None:
    with db.write() as tx:
        first = emitted(tx)
    run_id = first.resource_id.rpartition(".")[2]
    clock.advance(minutes=minutes)
    with db.write() as tx:
        set_state.set_flow_run_state(tx, UUID(run_id), running())
        second = tx.emitted[-1]
    assert second.follows == (first.id if is_chained else None)
    assert second.occurred - first.occurred == timedelta(minutes=minutes)
    assert second.payload["initial_state"] == {"type": "PENDING", "name": "Pending"}
    assert second.payload["intended"] == {"from": "PENDING", "to": "RUNNING"}


def test_a_pause_says_whether_the_process_ends(tx: Tx) -> None:
    details = StateDetails(pause_reschedule=True)
    event = emitted(tx, state=StateCreate(type=StateType.PAUSED, state_details=details))
    assert event.payload["validated_state"]["pause_reschedule"] == "true"


def test_long_messages_lose_their_middle(tx: Tx) -> None:
    event = emitted(tx, state=completed("a" * 60_000 + "b" * 60_000))
    message = event.resource["prefect.state-message"]
    assert message == "a" * 50_000 + "...20000 additional characters..." + "b" * 50_000
    assert event.payload["validated_state"]["message"] == message
