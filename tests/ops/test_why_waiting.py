"""Why runs wait: SCHEDULED and PAUSED ones, on a database made by real requests."""

from __future__ import annotations

from uuid import UUID

from why_world import WhyWorld, commands

from flowctl.ops import absences, pause_expirations
from flowctl.ops import why as ops


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
        world.pool()
        run = world.run(deployment=world.deploy(work_pool_name="local"))
        world.clock.advance(minutes=1)
        assert world.causes(run)["no_worker"]["summary"] == "pool 'local' has 0 online workers; none has ever reported"
        world.worker()
        world.clock.advance(minutes=31)
        cause = world.causes(run)["no_worker"]
        assert cause["summary"] == "pool 'local' has 0 online workers; last heartbeat laptop-1, 31m ago"
        assert cause["reason"] == "no worker on pool 'local'"
        assert commands(cause)[0] == "prefect worker start --pool local"

    def test_a_worker_is_online(self, world: WhyWorld) -> None:
        world.pool()
        run = world.run(deployment=world.deploy(work_pool_name="local"))
        world.worker()
        world.clock.advance(seconds=10)
        told = world.why(run)
        assert [cause["code"] for cause in told["causes"]] == ["about_to_start"]
        assert {"subject": "worker", "summary": "1 worker online, heartbeat 10s ago"} in told["checks"]

    def test_the_pool_is_paused(self, world: WhyWorld) -> None:
        world.pool(is_paused=True)
        world.worker()
        cause = world.causes(world.run(deployment=world.deploy(work_pool_name="local")))["pool_paused"]
        assert (cause["reason"], commands(cause)) == ("pool 'local' paused", ["prefect work-pool resume local"])

    def test_the_queue_is_paused(self, world: WhyWorld) -> None:
        world.pool()
        deployment = world.deploy(work_pool_name="local", work_queue_name="night shift")
        world.patch("/work_pools/local/queues/night shift", {"is_paused": True})
        cause = world.causes(world.run(deployment=deployment))["queue_paused"]
        assert commands(cause) == ["prefect work-queue resume 'night shift' --pool local"]

    def test_the_pool_has_no_slot_and_the_chain_goes_on_with_its_holder(self, world: WhyWorld) -> None:
        world.pool(concurrency_limit=1)
        world.worker()
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

    def test_slots_are_counted_as_for_workers(self, world: WhyWorld) -> None:
        world.pool(concurrency_limit=1)
        world.worker()
        deployment = world.deploy(work_pool_name="local")
        holder, waiting = world.run(deployment=deployment), world.run(deployment=deployment)
        for state, is_free in (("PENDING", False), ("RUNNING", False), ("CANCELLING", True)):
            world.move(holder, state)
            found = world.post("/work_pools/local/get_scheduled_flow_runs", {})
            assert ([each["flow_run"]["id"] for each in found] == [waiting]) is is_free
            assert ("pool_limit_full" not in world.causes(waiting)) is is_free

    def test_the_queue_has_no_slot(self, world: WhyWorld) -> None:
        world.pool()
        deployment = world.deploy(work_pool_name="local")
        world.patch("/work_pools/local/queues/default", {"concurrency_limit": 0})
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
