"""Each cause that `why` knows, on a database made by real requests."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from support import Clock
from why_world import TRACEBACK, WhyWorld, dead_pid, why_world

from flowctl import processes
from flowctl.db.tables import flow_run_processes
from flowctl.domain.errors import NotFound
from flowctl.ops import absences, cancellation_cleanup, pause_expirations, reap
from flowctl.ops import why as ops


@pytest.fixture
def world(db_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> Iterator[WhyWorld]:
    with why_world(db_path, clock, monkeypatch) as world:
        yield world


def commands(cause: Any) -> list[str]:
    return [fix["command"] for fix in cause["fixes"]]


class TestWaitingToStart:
    def test_no_runner_has_ever_asked(self, world: WhyWorld) -> None:
        run = world.run(deployment=world.deploy())
        world.clock.advance(minutes=22)
        told = world.why(run)
        (cause,) = told["causes"]
        assert (cause["code"], told["verdict"], told["reason"]) == ("no_runner", "blocked", "no runner")
        assert told["summary"] == "is Scheduled and Late by 22m and will not start by itself"
        assert cause["summary"] == "no runner serves 'etl/nightly'; none has ever asked for its runs"
        assert commands(cause) == ["flowctl runner start --name etl/nightly", f"flowctl runs cancel {run}"]
        assert [fix["gives_up"] for fix in cause["fixes"]] == [False, True]

    def test_the_runner_has_gone(self, world: WhyWorld) -> None:
        deployment = world.deploy()
        world.poll(deployment)
        world.clock.advance(minutes=31)
        cause = world.causes(world.run(deployment=deployment))["no_runner"]
        assert "one last asked for runs 31m ago" in cause["summary"]
        assert cause["evidence"]["last_polled"] == "2026-03-01T12:00:00Z"

    def test_a_runner_asks_and_will_take_it(self, world: WhyWorld) -> None:
        deployment = world.deploy()
        world.poll(deployment)
        run = world.run(deployment=deployment)
        world.clock.advance(seconds=3)
        told = world.why(run)
        assert [cause["code"] for cause in told["causes"]] == ["about_to_start"]
        assert (told["verdict"], told["reason"]) == ("waiting", None)
        assert {"subject": "runner", "summary": "asked for runs 3s ago"} in told["checks"]
        assert {"subject": "line", "summary": "starts next"} in told["checks"]

    def test_a_runner_asks_and_does_not_take_it(self, world: WhyWorld) -> None:
        deployment = world.deploy()
        run = world.run(deployment=deployment)
        world.clock.advance(minutes=5)
        world.poll(deployment)
        told = world.why(run)
        assert ([cause["code"] for cause in told["causes"]], told["verdict"]) == (["not_taken"], "blocked")

    def test_no_worker_of_the_pool_is_online(self, world: WhyWorld) -> None:
        pool = world.pool()
        run = world.run(deployment=world.deploy(work_pool_name="local"))
        world.clock.advance(minutes=1)
        assert world.causes(run)["no_worker"]["summary"] == "pool 'local' has 0 online workers; none has ever reported"
        world.worker(pool)
        world.clock.advance(minutes=31)
        cause = world.causes(run)["no_worker"]
        assert cause["summary"] == "pool 'local' has 0 online workers; last heartbeat laptop-1, 31m ago"
        assert cause["reason"] == "no worker on pool 'local'"
        assert commands(cause)[0] == "prefect worker start --pool local"

    def test_a_worker_is_online(self, world: WhyWorld) -> None:
        pool = world.pool()
        run = world.run(deployment=world.deploy(work_pool_name="local"))
        world.worker(pool)
        world.clock.advance(seconds=10)
        told = world.why(run)
        assert [cause["code"] for cause in told["causes"]] == ["about_to_start"]
        assert {"subject": "worker", "summary": "1 worker online, heartbeat 10s ago"} in told["checks"]

    def test_the_pool_is_paused(self, world: WhyWorld) -> None:
        pool = world.pool(is_paused=True)
        world.worker(pool)
        cause = world.causes(world.run(deployment=world.deploy(work_pool_name="local")))["pool_paused"]
        assert (cause["reason"], commands(cause)) == ("pool 'local' paused", ["prefect work-pool resume local"])

    def test_the_queue_is_paused(self, world: WhyWorld) -> None:
        world.pool()
        deployment = world.deploy(work_pool_name="local", work_queue_name="night shift")
        with world.database() as tx:
            tx.execute("UPDATE work_queue SET is_paused = 1 WHERE name = 'night shift'")
        cause = world.causes(world.run(deployment=deployment))["queue_paused"]
        assert commands(cause) == ["prefect work-queue resume 'night shift' --pool local"]

    def test_the_pool_has_no_slot_and_the_chain_goes_on_with_its_holder(self, world: WhyWorld) -> None:
        pool = world.pool(concurrency_limit=1)
        world.worker(pool)
        deployment = world.deploy(work_pool_name="local")
        holder = world.run(deployment=deployment, name="odd-crane")
        world.move(holder, "PENDING")
        world.clock.advance(minutes=10)
        told = world.why(world.run(deployment=deployment))
        full, stuck = (
            next(c for c in told["causes"] if c["code"] == code) for code in ("pool_limit_full", "pending_no_process")
        )
        assert full["summary"] == "pool 'local': 1 of 1 slots taken, held by odd-crane (Pending)"
        assert full["evidence"]["holders"] == [{"type": "flow_run", "id": holder, "name": "odd-crane"}]
        assert commands(full)[0] == "prefect work-pool set-concurrency-limit local 2"
        assert (stuck["flow_run_id"], stuck["flow_run_name"]) == (holder, "odd-crane")
        assert told["verdict"] == "blocked"

    def test_the_queue_has_no_slot(self, world: WhyWorld) -> None:
        world.pool()
        deployment = world.deploy(work_pool_name="local")
        with world.database() as tx:
            tx.execute("UPDATE work_queue SET concurrency_limit = 0 WHERE name = 'default'")
        cause = world.causes(world.run(deployment=deployment))["queue_limit_full"]
        assert (cause["reason"], cause["blocks"]) == ("slot: queue 'default' 0/0 held", True)

    def test_the_deployment_is_paused(self, world: WhyWorld) -> None:
        deployment = world.deploy()
        run = world.run(deployment=deployment)
        world.post(f"/deployments/{deployment}/pause_deployment")
        told = world.why(run)
        assert [cause["code"] for cause in told["causes"]] == ["deployment_paused", "no_runner"]
        assert told["reason"] == "deployment paused, no runner"
        assert commands(told["causes"][0]) == ["flowctl deployments resume etl/nightly"]

    def test_the_deployment_has_no_slot(self, world: WhyWorld) -> None:
        deployment = world.deploy(concurrency_limit=1)
        holder = world.run(deployment=deployment, name="odd-crane")
        world.start(holder)
        run = world.run(deployment=deployment)
        world.clock.advance(minutes=2)
        assert world.move(run, "PENDING")["status"] == "REJECT"
        world.poll(deployment)
        told = world.why(run)
        cause = next(each for each in told["causes"] if each["code"] == "deployment_limit_full")
        assert cause["summary"] == (
            "limit of deployment 'etl/nightly': 1 of 1 slots taken, held by odd-crane, Running, for 2m"
        )
        assert told["reason"] == "slot: deployment 1/1 held"
        assert commands(cause) == [
            f"prefect gcl update deployment:{deployment} --limit 2",
            f"flowctl runs cancel {holder}",
        ]
        assert (told["state_name"], told["verdict"]) == ("AwaitingConcurrencySlot", "waiting")

    def test_its_time_has_not_come(self, world: WhyWorld) -> None:
        deployment = world.deploy()
        state = {"type": "SCHEDULED", "state_details": {"scheduled_time": "2026-03-01T15:00:00Z"}}
        run = world.post(f"/deployments/{deployment}/create_flow_run", {"state": state})["id"]
        told = world.why(run)
        assert (told["verdict"], told["summary"]) == ("waiting", "is Scheduled, due in 3h and will start by itself")
        later, runner = told["causes"]
        assert (later["code"], later["summary"]) == ("scheduled_later", "due in 3h, at 2026-03-01T15:00:00Z")
        assert commands(later)[0] == f"flowctl runs reschedule {run} now"
        assert not runner["blocks"], "somebody may come in time"

    def test_a_run_without_a_deployment_is_started_by_nobody(self, world: WhyWorld) -> None:
        told = world.why(world.run("SCHEDULED"))
        assert ([cause["code"] for cause in told["causes"]], told["verdict"]) == (["no_deployment"], "blocked")

    def test_no_server_is_there(self, world: WhyWorld) -> None:
        deployment = world.deploy()
        world.poll(deployment)
        run = world.run(deployment=deployment)
        with world.database() as tx:
            (cause, *_) = ops.why(tx, UUID(run)).causes
            assert (cause.code, cause.blocks) == ("no_server", True)
            assert cause.summary == "no server serves this database: its services ran never"
            absences.notice(tx)
            assert [each.code for each in ops.why(tx, UUID(run)).causes] == ["about_to_start"]
        world.clock.advance(minutes=3)
        with world.database() as tx:
            cause = ops.why(tx, UUID(run)).causes[0]
            assert cause.summary == "no server serves this database: its services ran last 3m ago"
            assert [fix.command for fix in cause.fixes] == ["flowctl serve"]


class TestWaitingToGoOn:
    def test_the_next_attempt_of_a_flow_comes_later(self, world: WhyWorld) -> None:
        run = world.run("PENDING", empirical_policy={"retries": 2, "retry_delay": 600})
        world.move(run, "RUNNING")
        world.move(run, "FAILED", message="Flow run encountered an exception: ValueError: bad row")
        world.clock.advance(minutes=1)
        told = world.why(run)
        (cause,) = told["causes"]
        assert cause["code"] == "retry_delay"
        assert cause["summary"] == (
            "attempt 2 of 3 begins in 9m, in the process that is waiting for it; "
            "the one before failed: ValueError: bad row"
        )
        assert (told["verdict"], told["reason"]) == ("waiting", "retry 2/3 in 9m")

    def test_a_suspended_run_waits_for_somebody(self, world: WhyWorld) -> None:
        deployment = world.deploy()
        run = world.run(deployment=deployment)
        world.start(run)
        world.move(run, "PAUSED", "Suspended", pause_reschedule=True, pause_timeout="2026-03-01T13:00:00Z")
        world.clock.advance(minutes=10)
        told = world.why(run)
        cause = told["causes"][0]
        assert (cause["code"], told["verdict"]) == ("suspended", "blocked")
        assert cause["summary"] == "Suspended for 10m; its process has ended; it fails in 50m if nobody resumes it"
        assert commands(cause) == [f"flowctl runs resume {run}", f"flowctl runs cancel {run}"]

    def test_a_pause_asks_for_input(self, world: WhyWorld) -> None:
        run = world.run("PENDING")
        world.move(run, "RUNNING")
        schema = '{"properties": {"approved": {"type": "boolean"}, "by whom": {"type": "string"}}}'
        world.post(f"/flow_runs/{run}/input", {"key": "paused-1-schema", "value": schema})
        keys = {"schema": "paused-1-schema", "response": "paused-1-response"}
        world.move(run, "PAUSED", run_input_keyset=keys)
        told = world.why(run)
        (cause,) = told["causes"]
        assert (cause["code"], told["reason"]) == ("waiting_for_input", "waits for input: approved, by whom")
        assert cause["evidence"]["fields"] == ["approved", "by whom"]
        assert cause["fixes"][0] == {
            "command": f"flowctl runs resume {run} --input approved=… --input 'by whom'=…",
            "effect": "let it go on",
            "is_complete": False,
            "gives_up": False,
        }

    def test_a_pause_ends_unheard(self, world: WhyWorld) -> None:
        run = world.run("PENDING")
        world.move(run, "RUNNING")
        world.move(run, "PAUSED", pause_timeout="2026-03-01T12:01:00Z")
        assert world.causes(run)["paused"]["reason"] == "paused"
        world.clock.advance(minutes=2)
        assert world.causes(run)["pause_expired"]["summary"] == (
            "its time to be resumed ran out 1m ago; the server will mark it Failed"
        )
        with world.database() as tx:
            absences.notice(tx)
            assert pause_expirations.run_once(tx) == 1
        told = world.why(run)
        assert ([cause["code"] for cause in told["causes"]], told["verdict"]) == (["pause_expired"], "ended")


class TestUnderWay:
    def test_pending_is_short_at_first(self, world: WhyWorld) -> None:
        run = world.run("PENDING")
        told = world.why(run)
        assert (told["causes"][0]["code"], told["verdict"], told["causes"][0]["fixes"]) == (
            "pending_no_process",
            "waiting",
            [],
        )

    def test_pending_with_no_process(self, world: WhyWorld) -> None:
        run = world.run(deployment=world.deploy())
        world.move(run, "PENDING", "Submitting")
        world.clock.advance(minutes=7)
        told = world.why(run)
        (cause,) = told["causes"]
        assert cause["summary"] == (
            "a runner took it 7m ago (Submitting), and no process has reported since; what took it has probably died"
        )
        assert (told["verdict"], told["reason"]) == ("blocked", "no process for 7m")
        assert commands(cause) == [f"flowctl runs reschedule {run} now", f"flowctl runs cancel {run}"]
        assert world.move(run, "SCHEDULED")["status"] == "ACCEPT", "the fix works"

    def test_pending_while_its_process_starts(self, world: WhyWorld) -> None:
        run = world.run("PENDING")
        world.patch(f"/flow_runs/{run}", {"infrastructure_pid": "other-host:1"})
        assert list(world.causes(run)) == ["starting"]

    def test_the_process_is_gone(self, world: WhyWorld) -> None:
        run = world.run("PENDING")
        world.patch(f"/flow_runs/{run}", {"infrastructure_pid": str(dead_pid())})
        world.move(run, "RUNNING")
        assert world.causes(run) == {}, "it may be elsewhere, and has just reported"
        world.clock.advance(minutes=4)
        told = world.why(run)
        (cause,) = told["causes"]
        assert (cause["code"], told["verdict"], told["reason"]) == ("process_dead", "blocked", "process is dead")
        assert "is not on this machine; the run was last heard of 4m ago" in cause["summary"]
        assert commands(cause) == [f'flowctl runs set-state {run} crashed -m "its process is gone"']

    @pytest.mark.skipif(sys.platform != "linux", reason="processes are known on Linux only")
    def test_the_known_process_is_gone(self, world: WhyWorld) -> None:
        run = world.run("PENDING")
        world.move(run, "RUNNING")
        with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]) as child:
            process = processes.look_up(child.pid)
            assert process is not None
            with world.database() as tx:
                flow_run_processes.put(tx, UUID(run), process)
            told = world.why(run)
            assert (told["causes"], told["checks"][0]["subject"]) == ([], "process")
            child.kill()
        world.clock.advance(minutes=4)
        cause = world.causes(run)["process_dead"]
        assert "no longer exists; the run was last heard of 4m ago" in cause["summary"]
        assert commands(cause)[0] == "flowctl runs reap"
        with world.database() as tx:
            assert reap.run_once(tx) == 1, "the fix works"
        assert list(world.causes(run)) == ["crashed"]

    def test_heartbeats_have_stopped(self, world: WhyWorld) -> None:
        run = world.run("PENDING")
        world.move(run, "RUNNING")
        world.clock.advance(seconds=30)
        world.heartbeat(run)
        told = world.why(run)
        assert (told["verdict"], told["summary"]) == ("running", "is Running for 30s; nothing is seen that holds it up")
        assert {"subject": "process", "summary": "heartbeat 0s ago"} in told["checks"]
        world.clock.advance(minutes=3)
        assert "heartbeats have stopped: the last one came 3m ago" in world.causes(run)["process_dead"]["summary"]

    def test_a_task_waits_for_a_slot_of_its_tag(self, world: WhyWorld) -> None:
        world.post("/concurrency_limits/", {"tag": "db", "concurrency_limit": 1})
        other = world.run("PENDING", name="odd-crane")
        world.move(other, "RUNNING")
        first = world.task(other, "query-0", tags=["db"])
        world.post(f"/task_runs/{first}/set_state", {"state": {"type": "RUNNING"}})
        run = world.run("PENDING")
        world.move(run, "RUNNING")
        task = world.task(run, "load-0", tags=["db"])
        assert world.post(f"/task_runs/{task}/set_state", {"state": {"type": "RUNNING"}})["status"] == "WAIT"
        world.clock.advance(seconds=80)
        told = world.why(run)
        cause = next(each for each in told["causes"] if each["code"] == "tag_limit_full")
        assert cause["summary"] == (
            "task load-0 needs a slot of tag 'db': 1 of 1 slots taken, held by query-0, Running, for 1m"
        )
        assert (told["reason"], told["verdict"]) == ("slot: tag 'db' 1/1 held", "running")
        assert told["summary"] == "is Running for 1m and waits"
        assert commands(cause) == ["prefect gcl update tag:db --limit 2", f"flowctl runs cancel {other}"]

    def test_a_task_waits_for_its_next_attempt(self, world: WhyWorld) -> None:
        run = world.run("PENDING")
        world.move(run, "RUNNING")
        task = world.task(run, "load-0", empirical_policy={"retries": 3, "retry_delay": 120})
        for state in (
            {"type": "RUNNING"},
            {"type": "FAILED", "message": "Task run encountered an exception KeyError: 'a'"},
        ):
            world.post(f"/task_runs/{task}/set_state", {"state": state})
        cause = world.causes(run)["task_retry_delay"]
        assert cause["summary"].startswith("attempt 2 of task load-0 begins in 2m; the one before failed: ")

    def test_a_run_waits_for_a_subflow_that_nobody_takes(self, world: WhyWorld) -> None:
        run = world.run("PENDING")
        world.move(run, "RUNNING")
        parent = world.task(run, "call child", "RUNNING")
        child = world.run(deployment=world.deploy(), name="odd-crane", parent_task_run_id=parent)
        told = world.why(run)
        assert [(cause["code"], cause["flow_run_id"]) for cause in told["causes"]] == [
            ("waits_for_subflow", run),
            ("no_runner", child),
        ]
        assert told["verdict"] == "blocked"

    def test_a_run_is_asked_to_stop(self, world: WhyWorld) -> None:
        run = world.run("PENDING")
        world.move(run, "RUNNING")
        world.move(run, "CANCELLING", message="wrong parameters")
        world.clock.advance(minutes=1)
        told = world.why(run)
        (cause,) = told["causes"]
        assert cause["summary"] == (
            "asked to stop 1m ago (wrong parameters); its process has not confirmed it, and the server ends it in 4m"
        )
        assert told["verdict"] == "waiting"
        world.clock.advance(minutes=5)
        assert world.why(run)["verdict"] == "blocked"


class TestEnded:
    def test_a_task_failed_with_the_last_line_of_its_traceback(self, world: WhyWorld) -> None:
        run = world.run(deployment=world.deploy())
        world.start(run)
        task = world.task(run, "load-0", "FAILED", message="Task run encountered an exception ValueError: bad row")
        world.log(TRACEBACK, run=run, task=task)
        world.move(run, "FAILED", message="Flow run encountered an exception: ValueError: bad row")
        world.clock.advance(minutes=5)
        told = world.why(run)
        flow, failed = told["causes"]
        assert (told["verdict"], told["summary"]) == ("ended", "became Failed 5m ago")
        assert (flow["code"], flow["reason"]) == ("flow_failed", "ValueError: bad row")
        assert failed["summary"] == "load-0 failed: ValueError: bad row (at /srv/etl.py:42)"
        assert failed["evidence"]["traceback"] == TRACEBACK
        assert failed["evidence"]["task_run_id"] == task
        assert commands(flow) == [
            f"flowctl runs retry {run}",
            f"flowctl runs logs {run}",
        ]

    def test_the_log_has_the_error_when_the_state_has_no_message(self, world: WhyWorld) -> None:
        run = world.run("PENDING")
        world.move(run, "RUNNING")
        world.log(TRACEBACK, run=run)
        world.log("Finished", run=run, level=20)
        world.move(run, "FAILED")
        cause = world.causes(run)["flow_failed"]
        assert cause["summary"] == "ValueError: bad row (at /srv/etl.py:42)"
        assert not [command for command in commands(cause) if "set-state" in command], "nobody could start it again"

    def test_a_task_could_not_run_after_another_failed(self, world: WhyWorld) -> None:
        run = world.run("PENDING")
        world.move(run, "RUNNING")
        world.task(run, "load-0", "FAILED", message="ValueError: bad row")
        message = "Upstream task run 'load-0' did not reach a 'COMPLETED' state."
        world.task(run, "store-0", "PENDING", "NotReady", message)
        world.move(run, "FAILED", message="1/2 states failed.")
        causes = world.causes(run)
        assert list(causes) == ["flow_failed", "task_failed", "upstream_failed"]
        assert causes["upstream_failed"]["summary"] == f"store-0 never ran, because of a task before: {message}"

    def test_a_run_took_too_long(self, world: WhyWorld) -> None:
        run = world.run("PENDING")
        world.move(run, "RUNNING")
        world.task(run, "load-0", "FAILED", "TimedOut", "Task run exceeded timeout of 30.0 second(s)")
        world.clock.advance(seconds=60)
        world.move(run, "FAILED", "TimedOut", "Flow run exceeded timeout of 60.0 second(s)")
        causes = world.causes(run)
        assert causes["timeout"]["summary"] == (
            "exceeded its timeout after 1m00s: Flow run exceeded timeout of 60.0 second(s)"
        )
        assert causes["timeout"]["reason"] == "timed out"
        assert causes["task_timeout"]["summary"].startswith("load-0 timed out: Task run exceeded")

    def test_the_last_attempt_failed(self, world: WhyWorld) -> None:
        run = world.run("PENDING", empirical_policy={"retries": 1, "retry_delay": 0})
        for state in ("RUNNING", "FAILED", "RUNNING", "FAILED"):
            world.move(run, state)
        assert world.causes(run)["flow_failed"]["summary"] == ("failed without a message; that was attempt 2 of 2")

    def test_a_subflow_failed(self, world: WhyWorld) -> None:
        run = world.run("PENDING")
        world.move(run, "RUNNING")
        child = world.child(run, "odd-crane")
        world.move(child, "RUNNING")
        world.task(child, "load-0", "FAILED", message="ValueError: bad row")
        world.move(child, "FAILED", message="Flow run encountered an exception: ValueError: bad row")
        world.move(run, "FAILED", message="1/1 states failed.")
        causes = world.why(run)["causes"]
        assert [(cause["code"], cause["flow_run_name"]) for cause in causes] == [
            ("flow_failed", "calm-lynx"),
            ("subflow_failed", "calm-lynx"),
            ("flow_failed", "odd-crane"),
            ("task_failed", "odd-crane"),
        ]
        assert causes[1]["summary"] == "odd-crane is Failed: ValueError: bad row"

    def test_a_run_crashed(self, world: WhyWorld) -> None:
        run = world.run(deployment=world.deploy())
        world.start(run)
        world.move(run, "CRASHED", message="Execution was aborted by a termination signal.")
        told = world.why(run)
        (cause,) = told["causes"]
        assert (cause["code"], cause["summary"]) == ("crashed", "Execution was aborted by a termination signal")
        assert commands(cause)[0] == f"flowctl runs retry {run}"
        assert world.move(run, "SCHEDULED", "AwaitingRetry")["status"] == "ACCEPT", "the fix works"

    def test_somebody_cancelled_a_running_run(self, world: WhyWorld) -> None:
        run = world.run("PENDING")
        world.move(run, "RUNNING")
        world.move(run, "CANCELLING", message="wrong parameters")
        world.clock.advance(seconds=5)
        world.move(run, "CANCELLED", message="Flow run was cancelled successfully.")
        cause = world.causes(run)["cancelled"]
        assert cause["summary"] == (
            'by request, 5s before its process had ended, while it was Running: "wrong parameters"'
        )
        assert (cause["reason"], cause["evidence"]["by"]) == ("wrong parameters", "request")

    def test_somebody_cancelled_a_run_that_had_not_started(self, world: WhyWorld) -> None:
        run = world.run(deployment=world.deploy())
        world.move(run, "CANCELLING")
        cause = world.causes(run)["cancelled"]
        assert cause["summary"] == "by request; there was no process to be stopped, while it was Scheduled"
        assert cause["reason"] == "by request"

    def test_its_parent_was_cancelled(self, world: WhyWorld) -> None:
        run = world.run("PENDING")
        world.move(run, "RUNNING")
        child = world.child(run, "odd-crane")
        for type in ("CANCELLING", "CANCELLED"):
            world.move(run, type, message="enough")
        with world.database() as tx:
            cancellation_cleanup.run_once(tx)
        causes = world.why(child)["causes"]
        assert [(cause["flow_run_name"], cause["evidence"]["by"]) for cause in causes[:2]] == [
            ("odd-crane", "server"),
            ("calm-lynx", "request"),
        ]
        assert causes[0]["reason"] == "with its parent"

    def test_its_process_did_not_confirm_the_cancellation(self, world: WhyWorld) -> None:
        run = world.run("PENDING")
        world.move(run, "RUNNING")
        world.move(run, "CANCELLING", message="wrong parameters")
        world.clock.advance(minutes=6)
        with world.database() as tx:
            cancellation_cleanup.run_once(tx)
        cause = world.causes(run)["cancelled"]
        assert cause["summary"] == (
            "by the server: its process did not confirm the cancellation in time, and the server ended it, "
            "while it was Running"
        )
        assert (cause["reason"], cause["evidence"]["by"]) == ("wrong parameters", "server")

    def test_its_deployment_cancels_what_has_no_slot(self, world: WhyWorld) -> None:
        options = {"collision_strategy": "CANCEL_NEW"}
        deployment = world.deploy(concurrency_limit=1, concurrency_options=options)
        world.start(world.run(deployment=deployment))
        run = world.run(deployment=deployment)
        world.move(run, "PENDING")
        cause = world.causes(run)["cancelled"]
        assert cause["summary"].startswith("by the server: its deployment's limit was reached")
        assert cause["reason"] == "deployment limit reached"

    def test_a_run_that_completed_has_nothing_to_explain(self, world: WhyWorld) -> None:
        run = world.run("PENDING")
        for state in ("RUNNING", "COMPLETED"):
            world.move(run, state)
        told = world.why(run)
        assert (told["summary"], told["causes"]) == ("became Completed 0s ago; nothing went wrong", [])

    def test_a_run_that_completed_may_have_lost_a_task(self, world: WhyWorld) -> None:
        run = world.run("PENDING")
        world.move(run, "RUNNING")
        world.task(run, "load-0", "FAILED", message="ValueError: bad row")
        world.move(run, "COMPLETED")
        assert list(world.causes(run)) == ["task_failed"]


def test_a_run_that_does_not_exist_is_not_found(world: WhyWorld) -> None:
    unknown = "00000000-0000-4000-8000-000000000000"
    assert world.client.get(f"/flowctl/runs/{unknown}/why").status_code == 404
    with world.database() as tx, pytest.raises(NotFound):
        ops.why(tx, UUID(unknown))


def test_reasons_of_many_runs_are_those_of_why(world: WhyWorld) -> None:
    late, held = world.run(deployment=world.deploy()), world.run("PAUSED")
    fine = world.run("PENDING")
    unknown = "00000000-0000-4000-8000-000000000000"
    world.clock.advance(minutes=4)
    told = world.post("/flowctl/runs/reasons", {"ids": [late, held, fine, unknown]})
    assert told == {late: world.why(late)["reason"], held: world.why(held)["reason"]}
    assert world.post("/flowctl/runs/reasons", {"ids": []}) == {}
    assert world.client.post("/flowctl/runs/reasons", json={"ids": [late] * 201}).status_code == 422


def test_every_query_is_served_by_an_index(world: WhyWorld) -> None:
    world.pool(concurrency_limit=1)
    pooled, limited = world.deploy("pooled", work_pool_name="local"), world.deploy("limited", concurrency_limit=1)
    world.move(world.run(deployment=pooled), "PENDING")
    world.start(world.run(deployment=limited))
    runs = [world.run(deployment=pooled), world.run(deployment=limited), world.run("PENDING"), world.run("PENDING")]
    for run in runs[2:]:
        world.move(run, "RUNNING")
        world.task(run, "load-0", "FAILED", tags=["db"])
        world.child(run, "odd-crane")
        runs.append(world.child(run, "calm-fox", "CANCELLED"))
    world.move(runs[3], "FAILED")
    statements = set[str]()
    with world.database() as tx:
        tx.conn.set_trace_callback(statements.add)
        for run in runs:
            ops.why(tx, UUID(run))
        tx.conn.set_trace_callback(None)
        selects = [each for each in statements if each.lstrip().startswith("SELECT")]
        plans = [(each, row[-1]) for each in selects for row in tx.execute(f"EXPLAIN QUERY PLAN {each}")]
    assert len(selects) > 30
    of_tables = re.compile(r"SCAN (?!CONSTANT ROW|\(subquery-\d+\))")
    assert [plan for plan in plans if of_tables.match(plan[1])] == []
