"""Which index a list goes through: seen in SQLite's query plans, in a table that looks large."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import run_world

from flowctl.db import where
from flowctl.db.database import Database, Tx
from flowctl.db.queries import lists, paths
from flowctl.domain.criteria import Criteria
from flowctl.domain.filters import (
    IdFilter,
    IdOrNullFilter,
    NameFilter,
    StateTypeFilter,
    TagsFilter,
    TextFilter,
    TimeFilter,
)
from flowctl.domain.flow_filters import FlowFilter
from flowctl.domain.flow_run_filters import FlowRunFilter, FlowRunSort, FlowRunStateFilter
from flowctl.domain.states import StateType

WORLD = run_world.make(flow_runs=400, task_runs=10, logs=0)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tx]:
    database = Database(tmp_path_factory.mktemp("world") / "flowctl.db")
    with database.write() as tx:
        WORLD.store(tx)
        for run in WORLD["flow_run"][:370]:  # most runs have ended well
            tx.execute(
                "UPDATE flow_run SET state_type = 'COMPLETED', state_name = 'Completed' WHERE id = ?", (str(run["id"]),)
            )
        yield tx
    database.close()


@pytest.fixture(autouse=True)
def small_is_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paths, "FEW", 20)
    monkeypatch.setattr(paths, "_SAMPLE", 4)


def path(tx: Tx, filter: FlowRunFilter | None = None, *, page: int | None = 5, **others: object) -> str:
    wanted = Criteria(flow_runs=filter, **others)  # type: ignore[arg-type]
    walks = "ix_flow_run__start" if page else None
    return paths.flow_run_path(tx, wanted, where.flow_runs(wanted), walks, page).source.removeprefix("flow_run ")


def state(*types: StateType) -> FlowRunFilter:
    return FlowRunFilter(state=FlowRunStateFilter(type=StateTypeFilter(any_=list(types))))


def test_without_criteria_the_order_is_walked(world: Tx) -> None:
    assert path(world) == "INDEXED BY ix_flow_run__start"


def test_what_most_runs_meet_is_walked_through_and_what_few_meet_is_looked_up(world: Tx) -> None:
    assert path(world, state(StateType.COMPLETED)) == "INDEXED BY ix_flow_run__start"
    assert path(world, state(StateType.RUNNING)) == "INDEXED BY ix_flow_run__state"


def test_a_state_is_looked_up_by_its_name_alone(world: Tx) -> None:
    late = FlowRunFilter(state=FlowRunStateFilter(name=TextFilter(any_=["Late"])))
    assert path(world, late) == "INDEXED BY ix_flow_run__state"


@pytest.mark.parametrize(
    ("filter", "index"),
    [
        (FlowRunFilter(name=NameFilter(any_=["Run1"])), "name"),
        (FlowRunFilter(name=NameFilter(like_="un1")), "name"),
        (FlowRunFilter(parent_task_run_id=IdOrNullFilter(any_=WORLD.ids("task_run")[:1])), "parent_task_run"),
        (FlowRunFilter(expected_start_time=TimeFilter(before_=run_world.BEGIN)), "expected"),
    ],
)
def test_selective_criteria_have_an_index(world: Tx, filter: FlowRunFilter, index: str) -> None:
    assert path(world, filter) == f"INDEXED BY ix_flow_run__{index}"


def test_ids_are_left_to_the_primary_key(world: Tx) -> None:
    ids = FlowRunFilter(id=IdFilter(any_=WORLD.ids("flow_run")[:3]))
    assert path(world, ids) == "flow_run"


def test_runs_of_a_flow_with_few_of_them_are_looked_up(world: Tx) -> None:
    nothing = FlowFilter(name=NameFilter(any_=["Flow-4"]))
    assert path(world, flows=nothing) == "INDEXED BY ix_flow_run__flow"


def test_criteria_without_an_index_that_few_runs_seem_to_meet_read_the_table(world: Tx) -> None:
    assert path(world, FlowRunFilter(tags=TagsFilter(all_=["nope"]))) == "NOT INDEXED"
    assert path(world, FlowRunFilter(tags=TagsFilter(is_null_=False))) == "INDEXED BY ix_flow_run__start"


def test_an_alternative_cannot_be_looked_up(world: Tx) -> None:
    either = FlowRunFilter(
        operator=where.Operator.or_, state=state(StateType.RUNNING).state, tags=TagsFilter(is_null_=False)
    )
    assert path(world, either) == "INDEXED BY ix_flow_run__start"


@pytest.mark.parametrize("sort", [sort for sort in FlowRunSort if "NEXT" not in sort])
def test_a_walk_never_sorts_the_table(world: Tx, sort: FlowRunSort, monkeypatch: pytest.MonkeyPatch) -> None:
    statements: list[str] = []
    world.conn.set_trace_callback(statements.append)
    lists.flow_runs(world, Criteria(), sort, 5, 0)
    world.conn.set_trace_callback(None)
    plan = [row[3] for row in world.execute(f"EXPLAIN QUERY PLAN {statements[-1]}")]
    inner = plan[plan.index(next(step for step in plan if "LIST SUBQUERY" in step)) + 1 :]
    assert inner[0].startswith("SCAN flow_run USING")
    assert sum("TEMP B-TREE" in step for step in plan) == 1, "only the page itself is sorted"


def test_kinds_of_states_are_found_without_reading_the_runs(world: Tx) -> None:
    known = {(run["state_type"], run["state_name"]) for run in WORLD["flow_run"][370:] if run["state_type"]}
    assert set(paths.states_of(world, "flow_run") or []) == known | {("COMPLETED", "Completed")}


def test_more_kinds_of_states_than_that_are_not_listed(world: Tx, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paths, "_STATES", 2)
    assert paths.states_of(world, "flow_run") is None
