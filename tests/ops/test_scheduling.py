from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import uuid4

from deployment_world import cron, deploy, every
from support import NOON, Clock

from flowctl.db.database import Database, Tx
from flowctl.domain.deployments import DeploymentScheduleCreate
from flowctl.domain.schedules import CronSchedule
from flowctl.domain.states import StateType
from flowctl.domain.values import Actor
from flowctl.ops import deployments, flow_runs, scheduling


def due_times(tx: Tx, id: Any) -> list[str]:
    rows = tx.execute(
        "SELECT substr(next_scheduled_start_time, 1, 16) FROM flow_run WHERE deployment_id = ? ORDER BY 1", (str(id),)
    )
    return [row[0] for row in rows]


class TestRunOnce:
    def test_three_runs_are_made(self, tx: Tx) -> None:
        deployment = deploy(tx, schedules=[cron("0 3 * * *")])
        assert scheduling.run_once(tx) == 1
        assert due_times(tx, deployment.id) == ["2026-03-02 03:00", "2026-03-03 03:00", "2026-03-04 03:00"]

    def test_and_an_hour_of_them(self, tx: Tx) -> None:
        deployment = deploy(tx, schedules=[every(600)])
        scheduling.run_once(tx)
        assert due_times(tx, deployment.id) == [
            f"2026-03-01 {time}" for time in ("12:00", "12:10", "12:20", "12:30", "12:40", "12:50", "13:00")
        ]

    def test_but_a_hundred_at_most_and_a_hundred_days(self, tx: Tx) -> None:
        seconds = deploy(tx, "seconds", schedules=[every(5)])
        yearly = deploy(tx, "yearly", schedules=[cron("0 0 1 1 *")])
        monthly = deploy(tx, "monthly", schedules=[cron("0 0 1 * *")])
        scheduling.run_once(tx)
        assert len(due_times(tx, seconds.id)) == 100
        assert due_times(tx, yearly.id) == []
        assert due_times(tx, monthly.id) == ["2026-04-01 00:00", "2026-05-01 00:00", "2026-06-01 00:00"]

    def test_a_schedule_may_have_a_lower_bound_of_its_own(self, tx: Tx) -> None:
        deployment = deploy(tx, schedules=[cron("0 3 * * *")])
        tx.execute("UPDATE deployment_schedule SET max_scheduled_runs = 1")
        scheduling.run_once(tx)
        assert due_times(tx, deployment.id) == ["2026-03-02 03:00"]

    def test_what_a_run_is_like(self, tx: Tx) -> None:
        body = DeploymentScheduleCreate(
            schedule=CronSchedule(cron="30 9 * * *", timezone="America/New_York"), slug="morning", parameters={"s": 1}
        )
        deployment = deploy(tx, schedules=[body], parameters={"p": 1, "s": 0}, tags=["t"], version="7", labels={"l": 1})
        scheduling.run_once(tx)
        run = flow_runs.read(tx, min(row[0] for row in tx.execute("SELECT id FROM flow_run")))
        schedule = deployment.schedules[0]
        assert run.id.version == 7
        assert run.idempotency_key == f"scheduled {deployment.id} {schedule.id} 2026-03-01 09:30:00-05:00"
        assert run.next_scheduled_start_time == run.expected_start_time == NOON + timedelta(hours=2, minutes=30)
        assert (run.parameters, run.tags, run.deployment_version) == ({"p": 1, "s": 1}, ["auto-scheduled", "t"], "7")
        assert run.created_by == Actor(id=schedule.id, type="SCHEDULE", display_value="morning")
        assert run.auto_scheduled
        assert run.labels["prefect.deployment.id"] == str(deployment.id)
        assert run.state
        assert (run.state.type, run.state.message) == (StateType.SCHEDULED, "Flow run scheduled")
        assert str(run.state.state_details.scheduled_time) == "2026-03-01 09:30:00-05:00"
        assert not [event for event in tx.emitted if event.event.startswith("prefect.flow-run")]

    def test_paused_and_inactive_ones_rest(self, tx: Tx) -> None:
        deploy(tx, "paused", schedules=[cron("@daily")], paused=True)
        deploy(tx, "inactive", schedules=[cron("@daily", active=False)])
        assert scheduling.run_once(tx) == 0

    def test_each_is_looked_at_once_a_minute(self, db: Database, clock: Clock) -> None:
        with db.write() as tx:
            deployment = deploy(tx, schedules=[cron("*/20 * * * *")])
        looked = []
        for _ in range(14):
            with db.write() as tx:
                looked.append(scheduling.run_once(tx))
            clock.advance(seconds=10)
        assert looked == [1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 1, 0]
        with db.read() as tx:
            assert len(due_times(tx, deployment.id)) == 5

    def test_a_change_is_seen_at_once(self, db: Database, clock: Clock) -> None:
        with db.write() as tx:
            deployment = deploy(tx, schedules=[cron("@daily")])
            scheduling.run_once(tx)
        clock.advance(seconds=3)
        with db.write() as tx:
            deployments.update(tx, deployment.id, {"parameters": {"p": 2}})
            assert scheduling.run_once(tx) == 1
            assert tx.scalar("SELECT count(*) FROM flow_run WHERE parameters = ?", ('{"p":2}',)) == 3

    def test_batches_are_bounded(self, tx: Tx) -> None:
        for number in range(scheduling.BATCH + 3):
            deploy(tx, f"d{number}", schedules=[cron("@daily")])
        assert [scheduling.run_once(tx) for _ in range(3)] == [scheduling.BATCH, 3, 0]

    def test_a_clock_that_was_set_back_does_not_stop_it(self, db: Database, clock: Clock) -> None:
        with db.write() as tx:
            deploy(tx, schedules=[cron("@daily")])
            scheduling.run_once(tx)
        clock.advance(days=-30)
        with db.write() as tx:
            assert scheduling.run_once(tx) == 1

    def test_the_next_runs_are_made_in_time(self, db: Database, clock: Clock) -> None:
        with db.write() as tx:
            deployment = deploy(tx, schedules=[every(600)])
            scheduling.run_once(tx)
        clock.advance(minutes=11)
        with db.write() as tx:
            scheduling.run_once(tx)
            assert due_times(tx, deployment.id)[-1] == "2026-03-01 13:20"
            assert len(due_times(tx, deployment.id)) == 9


class TestScheduleRuns:
    START = NOON.replace(year=2099)

    def test_a_window_is_filled_once(self, tx: Tx) -> None:
        deployment = deploy(tx, schedules=[every(86400)])
        window: dict[str, Any] = {"start": self.START, "end": self.START + timedelta(days=20), "max_runs": 4}
        assert len(scheduling.schedule_runs(tx, deployment.id, **window)) == 3
        assert scheduling.schedule_runs(tx, deployment.id, **window) == []

    def test_prefects_bounds(self, tx: Tx) -> None:
        deployment = deploy(tx, schedules=[every(3600)])
        start = {"start": self.START, "end": self.START + timedelta(days=20)}
        assert scheduling.schedule_runs(tx, deployment.id, start=self.START, end=NOON) == []
        assert len(scheduling.schedule_runs(tx, deployment.id, **start, max_runs=0)) == 1
        assert len(scheduling.schedule_runs(tx, deployment.id, **start, min_runs=-1)) == 1
        wanted = scheduling.schedule_runs(tx, deployment.id, **start, min_runs=2, min_time=timedelta(hours=6))
        assert len(wanted) == 5

    def test_a_backfill_lies_in_the_past(self, tx: Tx) -> None:
        deployment = deploy(tx, schedules=[cron("0 0 * * *"), cron("@hourly", active=False)])
        made = scheduling.schedule_runs(tx, deployment.id, start=NOON - timedelta(days=9), end=NOON)
        assert len(made) == 3
        assert flow_runs.read(tx, made[0]).expected_start_time == NOON - timedelta(days=8, hours=12)

    def test_of_nothing_comes_nothing(self, tx: Tx) -> None:
        assert scheduling.schedule_runs(tx, uuid4()) == []
        assert scheduling.schedule_runs(tx, deploy(tx).id) == []
