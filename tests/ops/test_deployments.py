from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from deployment_world import cron, deploy, every, make_flow, make_pool

from flowctl.db.database import Database, Tx
from flowctl.db.tables import concurrency_limits
from flowctl.domain.deployments import (
    CollisionStrategy,
    ConcurrencyOptions,
    DeploymentFlowRunCreate,
    DeploymentScheduleUpdate,
    DeploymentStatus,
)
from flowctl.domain.errors import Conflict, Invalid, NotFound, Refused
from flowctl.domain.schedules import CronSchedule
from flowctl.ops import deployment_runs, deployments, flow_runs, scheduling, steps
from flowctl.ops import flows as flow_ops

NUMBER = {"type": "object", "properties": {"p": {"type": "integer"}}, "required": ["p"]}


def runs_of(tx: Tx, id: object) -> int:
    return tx.scalar("SELECT count(*) FROM flow_run WHERE deployment_id = ?", (str(id),))


def events_of(tx: Tx) -> list[tuple[str, Any]]:
    told = [event for event in tx.emitted if event.event.startswith("prefect.deployment")]
    return [(event.event.rpartition(".")[2], event.payload.get("updated_fields")) for event in told]


class TestCreate:
    def test_what_is_not_sent_has_prefects_defaults(self, tx: Tx) -> None:
        deployment = deploy(tx)
        assert (deployment.pull_steps, deployment.parameter_openapi_schema, deployment.job_variables) == ([], {}, {})
        assert (deployment.enforce_parameter_schema, deployment.paused) == (True, False)
        assert deployment.status is DeploymentStatus.NOT_READY
        assert deployment.labels == {"prefect.flow.id": str(deployment.flow_id)}
        assert events_of(tx) == [("created", None)]

    def test_null_stays_null(self, tx: Tx) -> None:
        deployment = deploy(tx, parameter_openapi_schema=None, pull_steps=None)
        assert (deployment.parameter_openapi_schema, deployment.pull_steps) == (None, None)

    def test_labels_of_the_flow_are_inherited(self, tx: Tx) -> None:
        flow = make_flow(tx, labels={"team": "data", "x": 1})
        deployment = deploy(tx, labels={"x": 2})
        assert deployment.labels == {"team": "data", "x": 2, "prefect.flow.id": str(flow.id)}

    def test_the_same_name_again_changes_what_is_sent(self, tx: Tx) -> None:
        first = deploy(tx, description="one", tags=["a"], parameters={"p": 1}, schedules=[cron("@daily")])
        again, created = deployments.create(
            tx, {"name": "nightly", "flow_id": first.flow_id, "description": "two", "job_variables": {}}
        )
        assert (again.id, created, again.description, again.tags) == (first.id, False, "two", ["a"])
        assert (again.parameters, again.schedules) == ({}, [])
        assert events_of(tx)[1:] == [("updated", ["description", "parameters"])]

    def test_the_same_again_is_no_event(self, tx: Tx) -> None:
        deploy(tx, tags=["a"])
        deploy(tx, tags=["a"])
        assert events_of(tx) == [("created", None)]

    def test_names_are_per_flow(self, tx: Tx) -> None:
        assert deploy(tx, flow="a").id != deploy(tx, flow="b").id

    def test_a_pool_gives_its_default_queue(self, tx: Tx) -> None:
        pool = make_pool(tx)
        deployment = deploy(tx, work_pool_name="pool")
        assert (deployment.work_queue_id, deployment.work_queue_name) == (pool.default_queue_id, "default")
        assert deployment.work_pool_name == "pool"

    def test_a_queue_is_made_where_it_is_named(self, tx: Tx) -> None:
        make_pool(tx)
        assert deploy(tx, work_pool_name="pool", work_queue_name="q").work_queue_name == "q"
        alone = deploy(tx, "alone", work_queue_name="lone")
        assert (alone.work_pool_name, alone.work_queue_name) == ("default-agent-pool", "lone")
        default = deploy(tx, "default", work_queue_name="default")
        assert (default.work_pool_name, default.work_queue_name) == ("default-agent-pool", "default")

    @pytest.mark.parametrize(
        ("fields", "error", "message"),
        [
            ({"flow_id": uuid4()}, Conflict, "Data integrity conflict"),
            ({"name": "a/b"}, Invalid, "name cannot contain"),
            ({"work_pool_name": "nope"}, NotFound, 'Work pool "nope" not found.'),
            ({"global_concurrency_limit_id": uuid4()}, NotFound, "Concurrency limit not found"),
            ({"storage_document_id": uuid4()}, Conflict, "Could not find storage block"),
            ({"infrastructure_document_id": uuid4()}, Conflict, "Could not find infrastructure block"),
            ({"concurrency_limit": 1, "global_concurrency_limit_id": uuid4()}, Invalid, "cannot have both"),
            ({"parameters": {"x": "y" * 600_000}}, Invalid, "must be less than 524,288 bytes"),
            (
                {"parameters": {"p": "s"}, "parameter_openapi_schema": NUMBER, "enforce_parameter_schema": True},
                Invalid,
                "Validation failed for field 'p'. Failure reason: 's' is not of type 'integer'",
            ),
            (
                {"parameter_openapi_schema": {"type": "nonsense"}, "enforce_parameter_schema": True},
                Invalid,
                "not a valid json schema",
            ),
        ],
    )
    def test_what_cannot_be_is_refused(self, tx: Tx, fields: dict[str, Any], error: Any, message: str) -> None:
        body: Any = {"name": "d", "flow_id": make_flow(tx).id, **fields}
        with pytest.raises(error, match=message.replace("(", r"\(")):
            deployments.create(tx, body)

    def test_a_schema_counts_only_if_it_is_enforced(self, tx: Tx) -> None:
        deploy(tx, parameters={"p": "s"}, parameter_openapi_schema=NUMBER)
        deploy(tx, parameter_openapi_schema=NUMBER, enforce_parameter_schema=True)

    def test_job_variables_are_checked_by_the_pools_schema(self, tx: Tx) -> None:
        make_pool(tx)
        assert deploy(tx, work_pool_name="pool", job_variables={"n": 5, "x": 1}).job_variables == {"n": 5, "x": 1}
        with pytest.raises(Invalid, match="Error creating deployment: Validation failed for field 'n'"):
            deploy(tx, work_pool_name="pool", job_variables={"n": "s"})


class TestUpdate:
    def test_what_is_sent_is_set(self, tx: Tx) -> None:
        deployment = deploy(tx, description="one", tags=["a"])
        deployments.update(tx, deployment.id, {"description": None, "paused": True, "job_variables": {"a": 1}})
        after = deployments.read(tx, deployment.id)
        assert (after.description, after.paused, after.tags, after.job_variables) == (None, True, ["a"], {"a": 1})
        assert set(events_of(tx)[-1][1]) == {"description", "paused", "infra_overrides"}

    def test_an_empty_body_changes_nothing(self, tx: Tx) -> None:
        deployment = deploy(tx)
        deployments.update(tx, deployment.id, {})
        assert len(events_of(tx)) == 1

    def test_a_pool_can_be_given_and_taken(self, tx: Tx) -> None:
        make_pool(tx)
        deployment = deploy(tx)
        deployments.update(tx, deployment.id, {"work_pool_name": "pool", "work_queue_name": "fresh"})
        assert deployments.read(tx, deployment.id).work_queue_name == "fresh"
        deployments.update(tx, deployment.id, {"work_pool_name": None})
        assert deployments.read(tx, deployment.id).work_pool_name is None

    def test_enforced_parameters_have_to_fit(self, tx: Tx) -> None:
        deployment = deploy(tx, parameter_openapi_schema=NUMBER)
        deployments.update(tx, deployment.id, {"parameters": {"p": {"__prefect_kind": "json", "value": "3"}}})
        assert deployments.read(tx, deployment.id).parameters == {"p": 3}
        with pytest.raises(Conflict, match="Error updating deployment: Validation failed for field 'p'"):
            deployments.update(tx, deployment.id, {"parameters": {"p": "s"}})
        with pytest.raises(Refused, match="Error hydrating deployment parameters: Invalid JSON"):
            deployments.update(tx, deployment.id, {"parameters": {"p": {"__prefect_kind": "json", "value": "{"}}})
        deployments.update(tx, deployment.id, {"parameters": {"p": "s"}, "enforce_parameter_schema": False})

    def test_without_a_schema_none_can_be_enforced(self, tx: Tx) -> None:
        deployment = deploy(tx, parameter_openapi_schema=None)
        with pytest.raises(Conflict, match="does not have a valid parameter schema"):
            deployments.update(tx, deployment.id, {"parameters": {}})

    def test_nulls_where_none_can_be(self, tx: Tx) -> None:
        deployment = deploy(tx)
        with pytest.raises(Conflict, match="Data integrity"):
            deployments.update(tx, deployment.id, {"parameters": None})

    def test_job_variables_are_checked_if_the_pool_is_named(self, tx: Tx) -> None:
        make_pool(tx)
        deployment = deploy(tx, work_pool_name="pool")
        deployments.update(tx, deployment.id, {"job_variables": {"n": "s"}})
        with pytest.raises(Conflict, match="Error creating deployment: Validation failed"):
            deployments.update(tx, deployment.id, {"job_variables": {"n": "s"}, "work_pool_name": "pool"})

    def test_an_unknown_deployment(self, tx: Tx) -> None:
        with pytest.raises(NotFound, match=r"Deployment not found\."):
            deployments.update(tx, uuid4(), {})

    def test_future_runs_of_schedules_go(self, tx: Tx) -> None:
        deployment = deploy(tx, schedules=[every(3600)])
        by_hand, _ = deployment_runs.create(tx, deployment.id, DeploymentFlowRunCreate())
        scheduling.run_once(tx)
        assert runs_of(tx, deployment.id) == 4
        deployments.update(tx, deployment.id, {"description": "new"})
        assert runs_of(tx, deployment.id) == 2  # the one that is due now, and the one by hand
        assert flow_runs.read(tx, by_hand.id)


class TestLimit:
    def test_a_limit_is_one_of_its_own(self, tx: Tx) -> None:
        options = ConcurrencyOptions(collision_strategy=CollisionStrategy.CANCEL_NEW, grace_period_seconds=90)
        deployment = deploy(tx, concurrency_limit=3, concurrency_options=options)
        limit = deployment.global_concurrency_limit
        assert limit
        assert (limit.name, limit.limit, limit.active_slots) == (f"deployment:{deployment.id}", 3, 0)
        assert (deployment.concurrency_options, deployment.concurrency_limit) == (options, None)

    def test_it_can_be_changed_and_taken_away(self, tx: Tx) -> None:
        deployment = deploy(tx, concurrency_limit=3)
        deployments.update(tx, deployment.id, {"concurrency_limit": 5})
        changed = deployments.read(tx, deployment.id).global_concurrency_limit
        assert changed
        assert (changed.limit, changed.id) == (5, deployment.global_concurrency_limit and changed.id)
        deployments.update(tx, deployment.id, {"concurrency_limit": None})
        assert deployments.read(tx, deployment.id).global_concurrency_limit is None
        assert concurrency_limits.get(tx, changed.id) is None

    def test_a_shared_limit_outlives_the_deployment(self, tx: Tx) -> None:
        shared = deploy(tx, "other", concurrency_limit=2).global_concurrency_limit
        assert shared
        deployment = deploy(tx, global_concurrency_limit_id=shared.id)
        assert deployment.global_concurrency_limit == shared
        deployments.delete(tx, deployment.id)
        assert concurrency_limits.get(tx, shared.id)

    def test_its_own_limit_goes_with_the_deployment(self, tx: Tx) -> None:
        deployment = deploy(tx, concurrency_limit=3)
        deployments.delete(tx, deployment.id)
        assert concurrency_limits.by_name(tx, f"deployment:{deployment.id}") is None


class TestSchedulesOfAnUpdate:
    def slugs(self, tx: Tx, id: Any) -> list[tuple[str | None, str]]:
        found = deployments.read(tx, id).schedules
        return sorted((each.slug, each.schedule.cron) for each in found if isinstance(each.schedule, CronSchedule))

    def update(self, line: str | None, **fields: Any) -> DeploymentScheduleUpdate:
        return DeploymentScheduleUpdate(schedule=CronSchedule(cron=line) if line else None, **fields)

    def test_without_slugs_all_are_replaced(self, tx: Tx) -> None:
        deployment = deploy(tx, schedules=[cron("1 * * * *"), cron("2 * * * *", slug="two")])
        deployments.update(tx, deployment.id, {"schedules": [self.update("3 * * * *", slug="three")]})
        assert self.slugs(tx, deployment.id) == [("three", "3 * * * *")]

    def test_with_slugs_they_are_changed_one_by_one(self, tx: Tx) -> None:
        deployment = deploy(tx, schedules=[cron("1 * * * *", slug="one"), cron("2 * * * *", slug="two")])
        body = [self.update("9 * * * *", slug="one"), self.update("3 * * * *", slug="three")]
        deployments.update(tx, deployment.id, {"schedules": body})
        assert self.slugs(tx, deployment.id) == [("one", "9 * * * *"), ("three", "3 * * * *"), ("two", "2 * * * *")]
        deployments.update(tx, deployment.id, {"schedules": []})
        assert len(self.slugs(tx, deployment.id)) == 3

    def test_slugs_can_be_exchanged(self, tx: Tx) -> None:
        deployment = deploy(tx, schedules=[cron("1 * * * *", slug="one"), cron("2 * * * *", slug="two")])
        body = [self.update(None, slug="two", replaces="one"), self.update(None, slug="one", replaces="two")]
        deployments.update(tx, deployment.id, {"schedules": body})
        assert self.slugs(tx, deployment.id) == [("one", "2 * * * *"), ("two", "1 * * * *")]

    @pytest.mark.parametrize(
        ("bodies", "message"),
        [
            ([{"line": "3 * * * *"}], "provide a slug for each schedule"),
            ([{"line": None, "slug": "new"}], "without a schedule configuration"),
            ([{"line": None, "slug": "two", "replaces": "one"}], "Cannot rename schedule from 'one' to 'two'"),
            (
                [{"line": None, "slug": "a", "replaces": "one"}, {"line": None, "slug": "b", "replaces": "one"}],
                "targeting the same slug: one",
            ),
        ],
    )
    def test_what_collides_is_refused(self, tx: Tx, bodies: list[dict[str, Any]], message: str) -> None:
        deployment = deploy(tx, schedules=[cron("1 * * * *", slug="one"), cron("2 * * * *", slug="two")])
        with pytest.raises(Invalid, match=message):
            deployments.update(tx, deployment.id, {"schedules": [self.update(**body) for body in bodies]})

    def test_an_unknown_slug_to_replace_makes_a_new_one(self, tx: Tx) -> None:
        deployment = deploy(tx, schedules=[cron("1 * * * *", slug="one")])
        deployments.update(tx, deployment.id, {"schedules": [self.update("5 * * * *", slug="five", replaces="gone")]})
        assert self.slugs(tx, deployment.id) == [("five", "5 * * * *"), ("one", "1 * * * *")]


class TestPauseAndDelete:
    def test_a_pause_takes_the_runs_and_resuming_brings_them_back(self, tx: Tx) -> None:
        deployment = deploy(tx, schedules=[every(3600)])
        scheduling.run_once(tx)
        deployments.pause(tx, deployment.id)
        assert (deployments.read(tx, deployment.id).paused, runs_of(tx, deployment.id)) == (True, 0)
        assert scheduling.run_once(tx) == 0
        deployments.resume(tx, deployment.id)
        assert scheduling.run_once(tx) == 1
        assert (deployments.read(tx, deployment.id).paused, runs_of(tx, deployment.id)) == (False, 3)

    def test_to_resume_what_is_not_paused_leaves_its_runs(self, tx: Tx) -> None:
        deployment = deploy(tx, schedules=[every(3600)])
        scheduling.run_once(tx)
        deployments.resume(tx, deployment.id)
        assert runs_of(tx, deployment.id) == 3

    def test_delete_takes_what_has_not_started(self, tx: Tx) -> None:
        deployment = deploy(tx, schedules=[every(3600)])
        scheduling.run_once(tx)
        waiting, _ = deployment_runs.create(tx, deployment.id, DeploymentFlowRunCreate())
        started, _ = deployment_runs.create(tx, deployment.id, DeploymentFlowRunCreate())
        tx.execute("UPDATE flow_run SET run_count = 1 WHERE id = ?", (str(started.id),))
        deployments.delete(tx, deployment.id)
        assert runs_of(tx, deployment.id) == 1
        with pytest.raises(NotFound):
            flow_runs.read(tx, waiting.id)
        assert flow_runs.read(tx, started.id).deployment_id == deployment.id
        assert tx.scalar("SELECT count(*) FROM deployment_schedule") == 0
        assert tx.scalar("SELECT count(*) FROM flow_run_state") == 1
        with pytest.raises(NotFound):
            deployments.delete(tx, deployment.id)
        assert events_of(tx)[-1] == ("deleted", None)

    def test_many(self, tx: Tx) -> None:
        one, two = deploy(tx, "one"), deploy(tx, "two")
        assert deployments.delete_many(tx, [one, two, one]).deleted == [one.id, two.id]

    def test_a_flow_takes_its_deployments(self, db: Database) -> None:
        with db.write() as tx:
            deployment = deploy(tx, schedules=[cron("@daily")])
        steps.run(db, lambda tx: flow_ops.delete(tx, deployment.flow_id))
        with db.read() as tx:
            assert tx.scalar("SELECT count(*) FROM deployment") == 0
            assert tx.scalar("SELECT count(*) FROM deployment_schedule") == 0


def test_read_by_name(tx: Tx) -> None:
    deployment = deploy(tx, "d", flow="f")
    assert deployments.read_by_name(tx, "f", "d").id == deployment.id
    with pytest.raises(NotFound, match="Deployment not found"):
        deployments.read_by_name(tx, "f", "x")


def test_queues_without_a_filter_take_every_deployment(tx: Tx) -> None:
    make_pool(tx)
    deployment = deploy(tx, tags=["a"])
    assert [queue.name for queue in deployments.suitable_work_queues(tx, deployment.id)] == ["default"]
    tx.execute("""UPDATE work_queue SET filter = '{"tags":["b"]}'""")
    assert deployments.suitable_work_queues(tx, deployment.id) == []
    tx.execute("""UPDATE work_queue SET filter = '{"tags":["a"]}'""")
    assert len(deployments.suitable_work_queues(tx, deployment.id)) == 1
