"""Why runs ended as they did, on a database made by real requests."""

from __future__ import annotations

from why_world import TRACEBACK, WhyWorld, commands

from flowctl.ops import cancellation_cleanup


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
