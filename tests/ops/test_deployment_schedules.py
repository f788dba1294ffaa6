from __future__ import annotations

from uuid import uuid4

import pytest
from deployment_world import cron, deploy, every

from flowctl.db.database import Tx
from flowctl.domain.deployments import DeploymentScheduleUpdate
from flowctl.domain.errors import Conflict, NotFound
from flowctl.domain.schedules import CronSchedule, IntervalSchedule
from flowctl.ops import deployment_schedules, scheduling


def test_schedules_are_added_the_newest_first(tx: Tx) -> None:
    deployment = deploy(tx, schedules=[cron("@daily")])
    added = deployment_schedules.create(tx, deployment.id, [cron("@hourly", slug="h", max_scheduled_runs=2), every(60)])
    assert [each.slug for each in added] == ["h", None]
    assert added[0].max_scheduled_runs == 2
    found = deployment_schedules.find(tx, deployment.id)
    assert [each.schedule for each in found] == [
        IntervalSchedule(interval=60, anchor_date=tx.now),
        CronSchedule(cron="@hourly"),
        CronSchedule(cron="@daily"),
    ]


def test_slugs_are_unique_in_a_deployment(tx: Tx) -> None:
    deployment = deploy(tx, schedules=[cron("@daily", slug="a"), cron("@hourly", slug="b")])
    with pytest.raises(Conflict):
        deployment_schedules.create(tx, deployment.id, [cron("@daily", slug="a")])
    b = next(each for each in deployment.schedules if each.slug == "b")
    with pytest.raises(Conflict):
        deployment_schedules.update(tx, deployment.id, b.id, DeploymentScheduleUpdate(slug="a"))
    deploy(tx, "other", schedules=[cron("@daily", slug="a")])


def test_an_update_keeps_what_is_none_and_empties_parameters(tx: Tx) -> None:
    deployment = deploy(tx, schedules=[cron("@daily", slug="a", parameters={"p": 1})])
    id = deployment.schedules[0].id
    deployment_schedules.update(tx, deployment.id, id, DeploymentScheduleUpdate(active=False, max_scheduled_runs=4))
    (after,) = deployment_schedules.find(tx, deployment.id)
    assert (after.active, after.slug, after.max_scheduled_runs, after.parameters) == (False, "a", 4, {})
    assert after.schedule == CronSchedule(cron="@daily")


def test_a_change_takes_the_runs_of_the_deployments_schedules(tx: Tx) -> None:
    deployment = deploy(tx, schedules=[cron("@daily", slug="a"), every(3600)])
    assert scheduling.run_once(tx) == 2
    assert tx.scalar("SELECT count(*) FROM flow_run") == 6
    id = next(each.id for each in deployment.schedules if each.slug == "a")
    deployment_schedules.update(tx, deployment.id, id, DeploymentScheduleUpdate(active=False))
    assert tx.scalar("SELECT count(*) FROM flow_run") == 1  # the one that is due this instant
    assert scheduling.run_once(tx) == 1
    assert tx.scalar("SELECT count(*) FROM flow_run") == 3
    deployment_schedules.delete(tx, deployment.id, id)
    assert tx.scalar("SELECT count(*) FROM flow_run") == 0


def test_what_is_not_there(tx: Tx) -> None:
    deployment, other = deploy(tx, schedules=[cron("@daily")]), deploy(tx, "other")
    for id in (uuid4(), deployment.schedules[0].id):
        with pytest.raises(NotFound, match=r"Schedule not found\."):
            deployment_schedules.update(tx, other.id, id, DeploymentScheduleUpdate())
        with pytest.raises(NotFound, match=r"Schedule not found\."):
            deployment_schedules.delete(tx, other.id, id)
    with pytest.raises(NotFound, match=r"Deployment not found\."):
        deployment_schedules.find(tx, uuid4())
