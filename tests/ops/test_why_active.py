"""Why runs under way do not get on, on a database made by real requests."""

from __future__ import annotations

import subprocess
import sys
from uuid import UUID

import pytest
from why_world import WhyWorld, commands, dead_pid

from flowctl import processes
from flowctl.db.tables import flow_run_processes
from flowctl.ops import reap


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

    def test_nothing_was_heard_of_it_for_long(self, world: WhyWorld) -> None:
        run = world.run("PENDING")
        world.move(run, "RUNNING")
        world.clock.advance(minutes=14)
        assert world.causes(run) == {}, "a long task says nothing, either"
        world.clock.advance(minutes=6)
        told = world.why(run)
        (cause,) = told["causes"]
        assert (cause["code"], told["reason"]) == ("silent", "silent for 20m")
        assert cause["summary"].startswith("no log line, task or heartbeat came for 20m")
        assert commands(cause)[1] == f'flowctl runs set-state {run} crashed -m "its process is gone"'
        assert world.move(run, "CRASHED")["status"] == "ACCEPT", "the fix works"

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
