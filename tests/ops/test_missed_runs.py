"""The lid is closed for a while, or the server stopped."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from deployment_world import cron, deploy, every
from support import NOON, Clock

from flowctl.db.database import Database, Tx
from flowctl.domain.deployments import MissedRuns
from flowctl.domain.errors import NotFound
from flowctl.ops import deployment_runs, deployments, flow_runs, missed_runs, scheduling
from flowctl.ops.missed_runs import Policy


def absent(db: Database, clock: Clock, schedule: Any, policy: MissedRuns | None = None, **gone: float) -> UUID:
    """A deployment whose scheduler has worked until flowctl went away for some time."""
    with db.write() as tx:
        deployment = deploy(tx, schedules=[schedule])
        if policy:
            deployments.set_missed_runs(tx, deployment.id, policy)
        scheduling.run_once(tx)
    clock.advance(**gone)
    return deployment.id


def runs(tx: Tx, id: UUID) -> dict[str, list[str]]:
    """Due times by state name, of the runs that are due by now."""
    found: dict[str, list[str]] = {}
    for name, due in tx.execute(
        """
        SELECT state_name, substr(expected_start_time, 12, 5) FROM flow_run
        WHERE deployment_id = ? AND expected_start_time <= ? ORDER BY 2
        """,
        (str(id), tx.now.isoformat(" ", "microseconds")[:26]),
    ):
        found.setdefault(name, []).append(due)
    return found


def test_by_default_the_latest_is_made_up_for(db: Database, clock: Clock) -> None:
    id = absent(db, clock, every(600), hours=8)
    with db.write() as tx:
        scheduling.run_once(tx)
        found = runs(tx, id)
    assert found["Skipped"] == ["12:10", "12:20", "12:30", "12:40", "12:50"]
    assert "13:00" in found["Scheduled"]


def test_the_nightly_backup_runs_in_the_morning(db: Database, clock: Clock) -> None:
    id = absent(db, clock, cron("0 3 * * *"), hours=20)
    with db.write() as tx:
        scheduling.run_once(tx)
        assert runs(tx, id) == {"Scheduled": ["03:00"]}


def test_skip_leaves_only_what_is_hardly_late(db: Database, clock: Clock) -> None:
    id = absent(db, clock, every(600), "skip", minutes=61)
    with db.write() as tx:
        scheduling.run_once(tx)
        assert runs(tx, id)["Scheduled"] == ["12:00", "13:00"]


def test_skip_drops_the_nightly_backup(db: Database, clock: Clock) -> None:
    id = absent(db, clock, cron("0 3 * * *"), "skip", hours=20)
    with db.write() as tx:
        scheduling.run_once(tx)
        assert runs(tx, id) == {"Skipped": ["03:00"]}


def test_all_is_prefects_way(db: Database, clock: Clock) -> None:
    id = absent(db, clock, every(600), "all", hours=8)
    with db.write() as tx:
        scheduling.run_once(tx)
        assert set(runs(tx, id)) == {"Scheduled"}


def test_the_setting_counts_where_the_deployment_says_nothing(db: Database, clock: Clock) -> None:
    db.settings = replace(db.settings, missed_runs="all")
    id = absent(db, clock, every(600), hours=8)
    with db.write() as tx:
        scheduling.run_once(tx)
        assert set(runs(tx, id)) == {"Scheduled"}


def test_a_skipped_run_says_why(db: Database, clock: Clock) -> None:
    absent(db, clock, cron("0 3 * * *"), "skip", hours=20)
    with db.write() as tx:
        scheduling.run_once(tx)
        skipped = flow_runs.read(tx, UUID(tx.scalar("SELECT id FROM flow_run WHERE state_name = 'Skipped'")))
    assert skipped.state
    assert skipped.state.message == (
        "Due 2026-03-02 03:00:00 UTC; flowctl did not run from 12:00:00 UTC on, and missed runs are skipped."
    )
    assert skipped.end_time == clock.now


def test_a_short_absence_is_none(db: Database, clock: Clock) -> None:
    id = absent(db, clock, every(60), minutes=2)
    with db.write() as tx:
        scheduling.run_once(tx)
        assert set(runs(tx, id)) == {"Scheduled"}


def test_a_runner_that_asks_first_finds_it_settled(db: Database, clock: Clock) -> None:
    id = absent(db, clock, every(600), hours=8)
    with db.write() as tx:
        found = deployment_runs.find_scheduled(tx, [id], scheduled_before=tx.now, limit=200)
        assert [f"{run.expected_start_time:%H:%M}" for run in found] == ["12:00", "13:00"]
        assert scheduling.run_once(tx) == 1
        assert len(runs(tx, id)["Skipped"]) == 5


def test_without_a_scheduler_nothing_is_missed(db: Database, clock: Clock) -> None:
    id = absent(db, clock, every(600), hours=8)
    db.settings = replace(db.settings, services_scheduler_enabled=False)
    with db.write() as tx:
        assert len(deployment_runs.find_scheduled(tx, [id], scheduled_before=tx.now, limit=200)) == 7


@pytest.mark.parametrize("paused", [False, True])
def test_what_was_asked_for_is_left_alone(db: Database, clock: Clock, paused: bool) -> None:
    id = absent(db, clock, cron("0 3 * * *"), "skip", minutes=1)
    with db.write() as tx:
        scheduling.run_once(tx)
        backfill = scheduling.schedule_runs(tx, id, start=NOON - timedelta(days=9), end=NOON)
        if paused:
            deployments.pause(tx, id)
    clock.advance(hours=20)
    with db.write() as tx:
        scheduling.run_once(tx)
        kept = [tx.scalar("SELECT state_name FROM flow_run WHERE id = ?", (str(run),)) for run in backfill]
    assert kept == [None if paused else "Scheduled"] * 3


def test_a_tag_says_it_too_and_the_deployments_setting_goes_before(db: Database, clock: Clock) -> None:
    with db.write() as tx:
        id = deploy(tx, tags=["prod", "missed-runs:all"], schedules=[every(600)]).id
        assert missed_runs.read_policy(tx, id) == Policy(policy="all", source="tag")
        scheduling.run_once(tx)
    clock.advance(hours=8)
    with db.write() as tx:
        scheduling.run_once(tx)
        assert set(runs(tx, id)) == {"Scheduled"}
        deployments.set_missed_runs(tx, id, "skip")
        assert missed_runs.read_policy(tx, id) == Policy(policy="skip", source="deployment")
        deployments.set_missed_runs(tx, id, None)
        assert missed_runs.read_policy(tx, id).source == "tag"


def test_what_no_deployment_says_the_server_says(tx: Tx) -> None:
    id = deploy(tx, tags=["missed-runs:perhaps"]).id
    assert missed_runs.read_policy(tx, id) == Policy(policy="latest", source="server")
    with pytest.raises(NotFound):
        missed_runs.read_policy(tx, tx.new_id())
