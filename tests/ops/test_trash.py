"""The trash: runs go with everything, come back with everything, and are forgotten after 7 days."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any, TypeVar
from uuid import UUID, uuid4

import pytest
from support import Clock

from flowctl.db.database import Database, Tx
from flowctl.domain.artifacts import ArtifactCreate
from flowctl.domain.errors import NotFound
from flowctl.domain.filters import StateTypeFilter
from flowctl.domain.flow_run_filters import FlowRunFilter, FlowRunStateFilter
from flowctl.domain.flow_runs import FlowRun, FlowRunCreate
from flowctl.domain.flows import FlowCreate
from flowctl.domain.logs import LogCreate
from flowctl.domain.states import StateCreate, StateType
from flowctl.domain.task_runs import TaskRunCreate
from flowctl.ops import (
    artifacts,
    flow_run_inputs,
    flow_runs,
    flows,
    health_check,
    logs,
    retention,
    set_state,
    steps,
    task_runs,
    trash,
    trash_restore,
)
from flowctl.ops.pruning import Rules
from flowctl.ops.trash import How

T = TypeVar("T")

TABLES = ("flow_run", "flow_run_state", "task_run", "task_run_state", "log", "flow_run_input", "artifact", "flow")


def make(
    db: Database,
    name: str,
    *,
    flow: str = "etl",
    parent: UUID | None = None,
    tasks: int = 2,
    lines: int = 3,
    key: str | None = None,
    state: StateType = StateType.COMPLETED,
) -> FlowRun:
    """A run with task runs, a log, an input and an artifact."""
    with db.write() as tx:
        owner, _ = flows.create(tx, FlowCreate(name=flow))
        body = FlowRunCreate(
            flow_id=owner.id, name=name, parent_task_run_id=parent, idempotency_key=key, parameters={"é": [1]}
        )
        run, _ = flow_runs.create(tx, body)
        for number in range(tasks):
            task(tx, run, f"task-{number}")
        logs.create(tx, [_line(tx, run, number) for number in range(lines)])
        flow_run_inputs.create(tx, run.id, "approval", '{"ok": true}')
        artifacts.create(tx, ArtifactCreate(key=f"of-{name}", flow_run_id=run.id))
        set_state.set_flow_run_state(tx, run.id, StateCreate(type=state), force=True)
    return run


def task(tx: Tx, run: FlowRun, key: str) -> UUID:
    body = TaskRunCreate(
        flow_run_id=run.id, name=key, task_key=key, dynamic_key="0", state=StateCreate(type=StateType.RUNNING)
    )
    return task_runs.create(tx, body)[0].id


def _line(tx: Tx, run: FlowRun, number: int) -> LogCreate:
    return LogCreate(name="prefect.flow_runs", level=20, message=f"line {number}", timestamp=tx.now, flow_run_id=run.id)


def child_of(db: Database, parent: FlowRun, name: str) -> FlowRun:
    with db.write() as tx:
        placeholder = task(tx, parent, f"call-{name}")
    return make(db, name, parent=placeholder)


def rows(db: Database) -> dict[str, list[Any]]:
    with db.read() as tx:
        return {table: sorted(tx.execute(f"SELECT * FROM {table}").fetchall(), key=repr) for table in TABLES}


def run(db: Database, op: Callable[..., steps.Steps[T]], *args: Any, **options: Any) -> T:
    return steps.run(db, lambda tx: op(tx, *args, **options))


def delete(db: Database, *runs: FlowRun, **options: Any) -> Any:
    return run(db, trash.delete, [each.id for each in runs], How(**options))


def restore(db: Database, **options: Any) -> Any:
    return run(db, trash_restore.restore, **options)


def trashed(db: Database) -> list[str]:
    with db.read() as tx:
        return [each.name for each in trash.find(tx, batch=None, reference=None, limit=200, offset=0).runs]


def is_sound(db: Database) -> bool:
    return health_check.run(db, progress=lambda _: None) == []


def test_a_run_comes_back_with_everything(db: Database) -> None:
    kept, gone = make(db, "kept"), make(db, "gone")
    before = rows(db)
    answer = delete(db, gone)
    assert answer.deleted == [gone.id]
    with db.read() as tx:
        assert tx.execute("SELECT name FROM flow_run").fetchall() == [("kept",)]
        assert tx.execute("SELECT DISTINCT flow_run_id FROM log").fetchall() == [(str(kept.id),)]
        assert tx.scalar("SELECT count(*) FROM task_run_state") == 2
        assert tx.scalar("SELECT count(*) FROM flow_run_input") == 1
    assert is_sound(db)
    back = restore(db)
    assert (back.batch, back.restored, back.lost) == (answer.batch, [gone.id], [])
    assert rows(db) == before
    assert trashed(db) == []
    with db.read() as tx:
        assert [tx.scalar(f"SELECT count(*) FROM {table}") for table in ("trash_batch", "trash_part")] == [0, 0]


def test_log_lines_keep_their_positions(db: Database) -> None:
    gone = make(db, "gone")
    with db.read() as tx:
        before = tx.execute("SELECT position FROM log ORDER BY 1").fetchall()
    delete(db, gone)
    make(db, "other")
    restore(db)
    with db.read() as tx:
        assert tx.execute("SELECT position FROM log WHERE flow_run_id = ?", (str(gone.id),)).fetchall() == before


def test_the_last_deletion_comes_back_first(db: Database) -> None:
    first, second, third = make(db, "first"), make(db, "second"), make(db, "third")
    delete(db, first)
    delete(db, second, third)
    assert trashed(db) == ["third", "second", "first"]
    assert set(restore(db).restored) == {second.id, third.id}
    assert restore(db).restored == [first.id]
    with pytest.raises(NotFound, match="empty"):
        restore(db)


def test_some_runs_of_a_batch_come_back(db: Database) -> None:
    first, second = make(db, "first"), make(db, "second")
    answer = delete(db, first, second)
    assert restore(db, ids=[first.id]).restored == [first.id]
    assert restore(db, batch=answer.batch).restored == [second.id]
    with pytest.raises(NotFound):
        restore(db, batch=answer.batch)
    lost = restore(db, ids=[first.id]).lost
    assert [(each.id, each.what) for each in lost] == [(first.id, "run")]


def test_a_large_run_moves_in_bounded_steps(db: Database) -> None:
    gone = make(db, "gone", tasks=30, lines=1800)
    before = rows(db)
    begun = [0]
    steps.run(db, lambda tx: trash.delete(tx, [gone.id]), lambda _: begun.append(1))
    assert len(begun) > 3
    with db.read() as tx:
        assert tx.scalar("SELECT count(*) FROM trash_part") > 3
        assert tx.execute("SELECT task_runs, log_lines FROM trashed_run").fetchall() == [(30, 1800)]
    restore(db)
    assert rows(db) == before


@pytest.mark.parametrize("again", ["delete", "restore"])
def test_a_deletion_that_is_cut_short_can_be_finished_or_undone(db: Database, again: str) -> None:
    gone = make(db, "gone", lines=1800)
    before = rows(db)
    with db.write() as tx:
        next(trash.delete(tx, [gone.id]))
    assert is_sound(db)
    assert trashed(db) == ["gone"]
    if again == "delete":
        delete(db, gone)
        assert rows(db)["flow_run"] == []
    assert restore(db).restored == [gone.id]
    assert rows(db) == before


def test_a_return_that_is_cut_short_can_be_finished(db: Database) -> None:
    gone = make(db, "gone", lines=1800)
    before = rows(db)
    delete(db, gone)
    with db.write() as tx:
        next(trash_restore.restore(tx))
    assert is_sound(db)
    restore(db)
    assert rows(db) == before


@pytest.mark.parametrize("order", [("parent", "child"), ("child", "parent")])
@pytest.mark.parametrize("back", [("parent", "child"), ("child", "parent")])
@pytest.mark.parametrize("together", [True, False])
def test_parents_and_subflow_runs_find_each_other_again(
    db: Database, order: tuple[str, str], back: tuple[str, str], together: bool
) -> None:
    parent = make(db, "parent")
    family = {"parent": parent, "child": child_of(db, parent, "child")}
    before = rows(db)
    if together:
        delete(db, *(family[name] for name in order))
    else:
        for name in order:
            delete(db, family[name])
            assert is_sound(db)
    lost: list[Any] = []
    for name in back:
        lost += restore(db, ids=[family[name].id]).lost
        assert is_sound(db)
    assert lost == []
    assert rows(db) == before


def test_a_subflow_run_that_stays_belongs_to_its_parent_again(db: Database) -> None:
    parent = make(db, "parent")
    child_of(db, parent, "child")
    before = rows(db)
    delete(db, parent)
    assert is_sound(db)
    restore(db)
    assert rows(db) == before


def test_what_is_gone_for_good_is_told(db: Database) -> None:
    parent = make(db, "parent")
    child = child_of(db, parent, "child")
    delete(db, child)
    delete(db, parent, purge=True)
    lost = restore(db).lost
    assert [(each.name, each.what) for each in lost] == [("child", "parent")]
    assert is_sound(db)


def test_an_idempotency_key_may_be_taken_by_then(db: Database) -> None:
    gone = make(db, "gone", key="k")
    delete(db, gone)
    make(db, "next", key="k")
    assert [each.what for each in restore(db).lost] == ["idempotency_key"]
    with db.read() as tx:
        assert flow_runs.read(tx, gone.id).idempotency_key is None


def test_a_scheduled_run_whose_place_is_taken_stays_in_the_trash(db: Database) -> None:
    gone = make(db, "gone", key="k", state=StateType.SCHEDULED)
    with db.write() as tx:
        tx.execute("UPDATE flow_run SET auto_scheduled = 1")
    delete(db, gone)
    make(db, "next", key="k")
    answer = restore(db)
    assert (answer.restored, [each.what for each in answer.lost]) == ([], ["run"])
    assert trashed(db) == ["gone"]


def test_a_flow_that_was_deleted_comes_back_with_its_run(db: Database) -> None:
    gone = make(db, "gone")
    delete(db, gone)
    run(db, flows.delete, gone.flow_id)
    assert restore(db).lost == []
    with db.read() as tx:
        assert flows.read(tx, gone.flow_id).name == "etl"


def test_a_run_joins_the_flow_that_has_the_name_by_then(db: Database) -> None:
    gone = make(db, "gone")
    delete(db, gone)
    run(db, flows.delete, gone.flow_id)
    heir = make(db, "heir")
    assert [each.what for each in restore(db).lost] == ["flow"]
    with db.read() as tx:
        assert flow_runs.read(tx, gone.id).flow_id == heir.flow_id


def test_a_deployment_that_is_gone_is_told(db: Database) -> None:
    gone = make(db, "gone")
    with db.write() as tx:
        tx.execute("UPDATE flow_run SET deployment_id = ?", (str(uuid4()),))
    delete(db, gone)
    assert [each.what for each in restore(db).lost] == ["deployment"]
    with db.read() as tx:
        assert flow_runs.read(tx, gone.id).deployment_id is None


def test_purged_runs_do_not_come_back(db: Database) -> None:
    gone = make(db, "gone")
    answer = delete(db, gone, purge=True)
    assert (answer.batch, answer.deleted) == (None, [gone.id])
    assert rows(db)["log"] == []
    with pytest.raises(NotFound):
        restore(db)


def test_runs_that_are_not_there_make_no_batch(db: Database) -> None:
    answer = run(db, trash.delete, [uuid4()])
    assert (answer.batch, answer.deleted) == (None, [])


@pytest.mark.parametrize("purge", [False, True])
def test_kept_logs_stay_until_their_age_is_reached(db: Database, clock: Clock, purge: bool) -> None:
    gone = make(db, "gone")
    before = rows(db)["log"]
    delete(db, gone, keep_logs=True, purge=purge)
    assert rows(db)["log"] == before
    with db.write() as tx:
        retention.choose(tx, Rules(older_than=30 * 86400.0))
    clock.advance(days=29)
    finish(db)
    assert rows(db)["log"] == before
    clock.advance(days=2)
    finish(db)
    assert rows(db)["log"] == []


def test_kept_logs_belong_to_the_run_again(db: Database) -> None:
    gone = make(db, "gone")
    before = rows(db)
    delete(db, gone, keep_logs=True)
    restore(db)
    assert rows(db) == before
    with db.read() as tx:
        assert tx.scalar("SELECT count(*) FROM kept_log") == 0


def finish(db: Database) -> None:
    while True:
        with db.write() as tx:
            if not retention.run_once(tx):
                return


def test_the_service_forgets_after_seven_days(db: Database, clock: Clock) -> None:
    delete(db, make(db, "old"))
    clock.advance(days=6)
    delete(db, make(db, "new", lines=1200))
    finish(db)
    assert trashed(db) == ["new", "old"]
    clock.now += timedelta(days=1, seconds=1)
    finish(db)
    assert trashed(db) == ["new"]
    clock.advance(days=7)
    finish(db)
    with db.read() as tx:
        left = [tx.scalar(f"SELECT count(*) FROM {name}") for name in ("trash_batch", "trashed_run", "trash_part")]
    assert left == [0, 0, 0]


def test_the_trash_can_be_emptied(db: Database) -> None:
    first, second, third, fourth = (make(db, name) for name in ("first", "second", "third", "fourth"))
    batch = delete(db, first, second).batch
    delete(db, third, fourth)
    assert run(db, trash.empty, ids=[fourth.id, uuid4()]).runs == 1
    assert run(db, trash.empty, batch=batch).runs == 2
    assert trashed(db) == ["third"]
    assert run(db, trash.empty).runs == 1
    with pytest.raises(NotFound):
        run(db, trash.empty, batch=batch)
    with db.read() as tx:
        assert tx.scalar("SELECT count(*) FROM trash_batch") == 0


FAILED = FlowRunFilter(state=FlowRunStateFilter(type=StateTypeFilter(any_=[StateType.FAILED])))


def test_all_that_match_a_filter_are_deleted(db: Database) -> None:
    failed = [make(db, f"failed-{number}", state=StateType.FAILED) for number in range(5)]
    make(db, "done")
    with db.read() as tx:
        ids = trash.matching(tx, FAILED)
        assert len(trash.matching(tx, FAILED, 2)) == 3
    assert set(ids) == {each.id for each in failed}
    some = run(db, trash.delete, ids, How(limit=2))
    assert (len(some.deleted), some.more) == (2, True)
    others = run(db, trash.delete, ids, How(batch=some.batch))
    assert (len(others.deleted), others.more, others.batch) == (3, False, some.batch)
    assert len(restore(db, limit=4).restored) == 4
    assert len(trashed(db)) == 1


def test_a_run_that_has_moved_on_meanwhile_stays(db: Database) -> None:
    failed = make(db, "failed", state=StateType.FAILED)
    done = make(db, "done")
    assert run(db, trash.delete, [failed.id, done.id], How(matching=FAILED)).deleted == [failed.id]


def test_the_extent_counts_what_goes(db: Database) -> None:
    parent = make(db, "parent", lines=4)
    child = child_of(db, parent, "child")
    with db.read() as tx:
        alone = trash.extent(tx, [parent.id, uuid4()])
    with db.read() as tx:
        both = trash.extent(tx, [parent.id, child.id])
    assert (alone.runs, alone.task_runs, alone.log_lines, alone.subflow_runs) == (1, 3, 4, [child.id])
    assert (both.runs, both.task_runs, both.log_lines, both.subflow_runs) == (2, 5, 7, [])
    assert both.flow_ids == [parent.flow_id]


def test_what_is_in_the_trash_is_found_by_name_and_by_the_beginning_of_an_id(db: Database) -> None:
    gone = make(db, "gone")
    batch = delete(db, gone).batch
    delete(db, make(db, "other"))

    def names(reference: str) -> tuple[list[str], list[UUID]]:
        with db.read() as tx:
            found = trash.find(tx, batch=None, reference=reference, limit=10, offset=0)
        return [each.name for each in found.runs], [each.id for each in found.batches]

    assert names("gone") == (["gone"], [])
    assert names(str(gone.id)[:8]) == (["gone"], [])
    assert names(str(batch)[:8]) == ([], [batch])
    assert names("nobody") == ([], [])
