from __future__ import annotations

from uuid import UUID, uuid4

import pytest
from support import Clock

from flowctl.db.database import Database, Tx
from flowctl.domain.artifact_filters import (
    ArtifactCollectionFilter,
    ArtifactFilter,
    ArtifactKeyFilter,
    ArtifactSort,
)
from flowctl.domain.artifacts import Artifact, ArtifactCreate
from flowctl.domain.criteria import Criteria
from flowctl.domain.deployment_filters import DeploymentFilter
from flowctl.domain.errors import Invalid, NotFound
from flowctl.domain.filters import IdAnyFilter, IdFilter, NameFilter, TextFilter
from flowctl.domain.flow_filters import FlowFilter
from flowctl.domain.flow_run_filters import FlowRunFilter
from flowctl.domain.flow_runs import FlowRunCreate
from flowctl.domain.flows import FlowCreate
from flowctl.domain.task_run_filters import TaskRunFilter
from flowctl.domain.task_runs import TaskRunCreate
from flowctl.ops import artifacts, flow_runs, flows, task_runs


def announced(tx: Tx) -> list[str]:
    rows = tx.execute("SELECT event FROM events WHERE event LIKE '%artifact%' ORDER BY position")
    return [name.rpartition(".")[2] for (name,) in rows]


def found(tx: Tx, filter: ArtifactFilter | None = None, criteria: Criteria | None = None) -> set[UUID]:
    rows = artifacts.find(tx, filter, criteria or Criteria(), sort=ArtifactSort.ID_DESC, limit=10, offset=0)
    assert artifacts.count(tx, filter, criteria or Criteria()) == len(rows)
    return {artifact.id for artifact in rows}


def latest(tx: Tx, filter: ArtifactCollectionFilter | None = None) -> list[UUID]:
    rows = artifacts.find_latest(tx, filter, Criteria(), sort=ArtifactSort.KEY_ASC, limit=10, offset=0)
    assert artifacts.count_latest(tx, filter, Criteria()) == len(rows)
    return [row.latest_id for row in rows]


def test_an_artifact_is_read_as_it_was_made(tx: Tx) -> None:
    made = artifacts.create(tx, ArtifactCreate(type="table", data=[{"x": None}], metadata_={"a": "b"}))
    assert artifacts.read(tx, made.id) == made
    assert (made.key, made.data, made.metadata_) == (None, [{"x": None}], {"a": "b"})
    assert announced(tx) == []


def test_long_metadata_is_cut(tx: Tx) -> None:
    made = artifacts.create(tx, ArtifactCreate(metadata_={"a": "x" * 501, "b": "y" * 500}))
    assert made.metadata_ == {"a": "x" * 500 + "...", "b": "y" * 500}


@pytest.mark.parametrize("key", ["Bad", "under_score", "a b", "é", "line\n"])
def test_a_malformed_key_is_refused(tx: Tx, key: str) -> None:
    with pytest.raises(Invalid, match="lowercase letters"):
        artifacts.create(tx, ArtifactCreate(key=key))


def test_a_key_shows_its_latest_artifact_under_an_id_of_its_own(db: Database, clock: Clock) -> None:
    with db.write() as tx:
        first = artifacts.create(tx, ArtifactCreate(key="k", data=1))
        shown = artifacts.read_latest(tx, "k")
    clock.advance(seconds=5)
    with db.write() as tx:
        second = artifacts.create(tx, ArtifactCreate(key="k", data=2))
        again = artifacts.read_latest(tx, "k")
        assert again.id == shown.id
        assert again.id not in (first.id, second.id)
        assert (shown.data, again.data) == (1, 2)
        assert (again.created, again.updated) == (first.created, second.created)
        assert announced(tx) == ["created", "updated"]


def test_a_change_of_the_latest_changes_what_its_key_shows(tx: Tx) -> None:
    older = artifacts.create(tx, ArtifactCreate(key="k", data=1))
    newer = artifacts.create(tx, ArtifactCreate(key="k", data=2))
    artifacts.update(tx, older.id, {"data": 10})
    assert artifacts.read_latest(tx, "k").data == 2
    artifacts.update(tx, newer.id, {"data": 20, "description": "d", "metadata_": None})
    assert (artifacts.read_latest(tx, "k").data, artifacts.read_latest(tx, "k").description) == (20, "d")
    assert artifacts.read(tx, older.id).data == 10


def test_deleting_the_latest_uncovers_the_one_before(db: Database, clock: Clock) -> None:
    made: list[Artifact] = []
    for data in range(3):
        clock.advance(seconds=1)
        with db.write() as tx:
            made.append(artifacts.create(tx, ArtifactCreate(key="k", data=data)))
    with db.write() as tx:
        artifacts.delete(tx, made[1].id)
        assert latest(tx) == [made[2].id]
        artifacts.delete(tx, made[2].id)
        assert latest(tx) == [made[0].id]
        assert artifacts.read_latest(tx, "k").data == 0
        artifacts.delete(tx, made[0].id)
        assert latest(tx) == []
        assert announced(tx) == ["created", "updated", "updated", "updated", "deleted"]
        with pytest.raises(NotFound, match=r"Artifact not found\."):
            artifacts.read_latest(tx, "k")


def test_what_is_not_there_is_not_found(tx: Tx) -> None:
    for ask in (artifacts.read, artifacts.delete, lambda tx, id: artifacts.update(tx, id, {})):
        with pytest.raises(NotFound, match=r"Artifact not found\."):
            ask(tx, uuid4())


def test_lists_are_narrowed_by_what_artifacts_are(tx: Tx) -> None:
    keyed = artifacts.create(tx, ArtifactCreate(key="report-a", type="table")).id
    other = artifacts.create(tx, ArtifactCreate(key="b", type="markdown")).id
    plain = artifacts.create(tx, ArtifactCreate(type="result")).id
    assert found(tx) == {keyed, other, plain}
    assert found(tx, ArtifactFilter(id=IdAnyFilter(any_=[plain]))) == {plain}
    assert found(tx, ArtifactFilter(key=ArtifactKeyFilter(like_="REPORT"))) == {keyed}
    assert found(tx, ArtifactFilter(key=ArtifactKeyFilter(exists_=True))) == {keyed, other}
    assert found(tx, ArtifactFilter(key=ArtifactKeyFilter(exists_=False))) == {plain}
    assert found(tx, ArtifactFilter(type=TextFilter(not_any_=["result", "table"]))) == {other}
    assert latest(tx) == [other, keyed]
    assert latest(tx, ArtifactCollectionFilter(latest_id=IdAnyFilter(any_=[keyed]))) == [keyed]
    assert latest(tx, ArtifactCollectionFilter(key=ArtifactKeyFilter(exists_=False))) == []


def test_lists_are_narrowed_by_the_runs_that_made_them(tx: Tx) -> None:
    flow, _ = flows.create(tx, FlowCreate(name="etl"))
    run, _ = flow_runs.create(tx, FlowRunCreate(flow_id=flow.id, name="r"))
    task, _ = task_runs.create(tx, TaskRunCreate(flow_run_id=run.id, task_key="t", dynamic_key="0"))
    of_run = artifacts.create(tx, ArtifactCreate(flow_run_id=run.id)).id
    of_task = artifacts.create(tx, ArtifactCreate(flow_run_id=run.id, task_run_id=task.id)).id
    artifacts.create(tx, ArtifactCreate(flow_run_id=uuid4()))
    assert found(tx, None, Criteria(flow_runs=FlowRunFilter())) == {of_run, of_task}
    assert found(tx, None, Criteria(flow_runs=FlowRunFilter(id=IdFilter(any_=[run.id])))) == {of_run, of_task}
    assert found(tx, None, Criteria(flows=FlowFilter(name=NameFilter(any_=["etl"])))) == {of_run, of_task}
    assert found(tx, None, Criteria(flows=FlowFilter(name=NameFilter(any_=["other"])))) == set()
    assert found(tx, None, Criteria(task_runs=TaskRunFilter())) == {of_task}
    assert found(tx, None, Criteria(deployments=DeploymentFilter())) == set()


@pytest.mark.parametrize("sort", ArtifactSort)
def test_pages_follow_each_other_in_every_order(tx: Tx, sort: ArtifactSort) -> None:
    for number in range(5):
        artifacts.create(tx, ArtifactCreate(key=f"k{number}" if number else None))
    whole = artifacts.find(tx, None, Criteria(), sort=sort, limit=10, offset=0)
    pages = [artifacts.find(tx, None, Criteria(), sort=sort, limit=2, offset=offset) for offset in (0, 2, 4)]
    assert [each.id for page in pages for each in page] == [each.id for each in whole]
    name, direction = sort.value.lower().rsplit("_", 1)
    values = [getattr(each, name) for each in whole if getattr(each, name) is not None]
    assert values == sorted(values, reverse=direction == "desc")
