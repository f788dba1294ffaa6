"""Any sequence of requests leaves runs whose row, last state and history agree.

Hypothesis makes up the sequences; after each request the database file is read and compared with itself
(`run_oracle.py`) and with what the API answers.
"""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid5

import pytest
import run_oracle as oracle
from api_client import TestClient
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)
from support import Clock

from flowctl.server.app import App
from flowctl.server.call import Context
from flowctl.server.gateway import Gateway
from flowctl.settings import Settings

TYPES = ("SCHEDULED", "PENDING", "RUNNING", "COMPLETED", "FAILED", "CANCELLED", "CRASHED", "PAUSED", "CANCELLING")
NAMES = ("AwaitingRetry", "Late", "Resuming", "Suspended", "Submitting", "AwaitingConcurrencySlot", "Ünusual")
NAMESPACE = UUID(int=7)

transition_ids = st.sampled_from([str(UUID(int=number)) for number in (91, 92, 93)])
seconds = st.sampled_from([-3600.0, -1.0, 0.0, 0.000001, 20.0, 3600.0])
details = st.fixed_dictionaries(
    {},
    optional={
        "pause_reschedule": st.booleans(),
        "pause_key": st.sampled_from(["1", "2"]),
        "transition_id": transition_ids,
        "cache_key": st.sampled_from(["c", "d"]),
        "refresh_cache": st.booleans(),
        "deferred": st.booleans(),
        "retriable": st.booleans(),
        "scheduled_time": seconds,
        "pause_timeout": seconds,
        "cache_expiration": seconds,
    },
)
states = st.fixed_dictionaries(
    {"type": st.sampled_from(TYPES), "state_details": details},
    optional={
        "name": st.sampled_from(NAMES),
        "message": st.sampled_from(["", "m"]),
        "data": st.sampled_from([None, {"type": "unpersisted"}, {"type": "reference", "storage_key": "k"}]),
    },
)
policies = st.fixed_dictionaries({}, optional={"retries": st.integers(0, 2), "retry_delay": st.sampled_from([0, 60])})
reports = st.fixed_dictionaries(
    {"run": st.integers(0, 3), "key": st.integers(0, 2), "type": st.sampled_from(TYPES), "after": st.integers(-4, 4)}
)


class Runs(RuleBasedStateMachine):
    """The client of one server that starts empty."""

    template: Path

    flow_runs = Bundle("flow_runs")
    task_runs = Bundle("task_runs")

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        path = Path(self.folder.name) / "flowctl.db"
        shutil.copy(self.template, path)
        self.clock = Clock()
        config = Settings(db=path)
        app = App(Context(config, Gateway(config, clock=self.clock)), ephemeral=False, webserver_only=True)
        self.client = TestClient(app, raise_server_exceptions=False)
        self.client.__enter__()
        self.db = sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)
        self.not_counted: set[str] = set()
        """Task runs whose counts a client reports, or a retried flow run resets."""
        self.sent: list[dict[str, Any]] = []

    def teardown(self) -> None:
        self.db.close()
        self.client.__exit__(None, None, None)
        self.folder.cleanup()

    def ask(self, method: str, path: str, body: object = None, *, expect: set[int] | None = None) -> Any:
        answer = self.client.request(method, f"/api{path}", json=body)
        assert answer.status_code < 500, (method, path, body, answer.text)
        if expect:
            assert answer.status_code in expect, (method, path, body, answer.text)
        return answer.json() if answer.content and "json" in answer.headers["content-type"] else None

    def proposed(self, state: dict[str, Any]) -> dict[str, Any]:
        """A state whose times are given in seconds from now."""
        times = ("scheduled_time", "pause_timeout", "cache_expiration")
        moved = {name: value for name, value in state["state_details"].items() if name not in times}
        for name in times:
            if name in state["state_details"]:
                moved[name] = (self.clock.now + timedelta(seconds=state["state_details"][name])).isoformat()
        return {**state, "state_details": moved}

    # -- requests

    @initialize()
    def begin(self) -> None:
        self.flow = self.ask("POST", "/flows/", {"name": "etl"}, expect={201})["id"]
        body = {"name": "nightly", "flow_id": self.flow, "concurrency_limit": 1}
        self.deployment = self.ask("POST", "/deployments/", body, expect={201})["id"]
        self.ask("POST", "/concurrency_limits/", {"tag": "scarce", "concurrency_limit": 1}, expect={200, 201})

    @rule(
        target=flow_runs,
        state=st.none() | states,
        key=st.sampled_from([None, None, "a", "b"]),
        parent=st.none() | task_runs,
        deployed=st.booleans(),
        policy=policies,
    )
    def create_flow_run(
        self, state: dict[str, Any] | None, key: str | None, parent: str | None, deployed: bool, policy: dict[str, Any]
    ) -> str:
        body: dict[str, Any] = {"flow_id": self.flow, "empirical_policy": policy, "idempotency_key": key}
        if state:
            body["state"] = {**self.proposed(state), "data": None}
        if parent:
            body["parent_task_run_id"] = parent
        if deployed:
            body["deployment_id"] = self.deployment
        answer = self.ask("POST", "/flow_runs/", body, expect={200, 201, 409})
        return answer.get("id", str(UUID(int=404)))

    @rule(run=flow_runs, state=states, force=st.booleans())
    def set_flow_run_state(self, run: str, state: dict[str, Any], force: bool) -> None:
        body = {"state": self.proposed(state), "force": force}
        answer = self.ask("POST", f"/flow_runs/{run}/set_state", body, expect={200, 201, 404})
        self._mark_reset_tasks(run, answer)

    @rule(run=flow_runs, rest=st.sampled_from([None, {}, {"run_input": {"x": 1}}]))
    def resume(self, run: str, rest: dict[str, Any] | None) -> None:
        self.ask("POST", f"/flow_runs/{run}/resume", rest, expect={200, 201, 404})

    @rule(run=flow_runs, reschedule=st.booleans(), key=st.sampled_from(["1", "2"]), timeout=seconds)
    def pause_and_resume(self, run: str, reschedule: bool, key: str, timeout: float) -> None:
        """A pause that is most often accepted, so that `resume` has something to do."""
        self.ask("POST", f"/flow_runs/{run}/set_state", {"state": {"type": "RUNNING"}, "force": True})
        state = {
            "type": "PAUSED",
            "state_details": {"pause_reschedule": reschedule, "pause_key": key, "pause_timeout": timeout},
        }
        self.ask("POST", f"/flow_runs/{run}/set_state", {"state": self.proposed(state)})
        self.resume(run, None)

    @rule(run=flow_runs, policy=policies, name=st.sampled_from([None, "n"]))
    def patch_flow_run(self, run: str, policy: dict[str, Any], name: str | None) -> None:
        self.ask("PATCH", f"/flow_runs/{run}", {"name": name, "empirical_policy": policy}, expect={204, 404})

    @rule(run=flow_runs)
    def label_flow_run(self, run: str) -> None:
        self.ask("PATCH", f"/flow_runs/{run}/labels", {"a": 1}, expect={204, 404})

    @rule(run=consumes(flow_runs))
    def delete_flow_run(self, run: str) -> None:
        self.ask("DELETE", f"/flow_runs/{run}", expect={204, 404})
        self._check_nothing_is_left_of(run)

    @rule(runs=st.lists(flow_runs, min_size=1, max_size=3), state=states, force=st.booleans())
    def bulk_set_state(self, runs: list[str], state: dict[str, Any], force: bool) -> None:
        body = {"flow_runs": {"id": {"any_": runs}}, "state": self.proposed(state), "force": force}
        for result in self.ask("POST", "/flow_runs/bulk_set_state", body, expect={200})["results"]:
            self._mark_reset_tasks(result["flow_run_id"], result)

    @rule(runs=st.lists(consumes(flow_runs), min_size=1, max_size=2))
    def bulk_delete(self, runs: list[str]) -> None:
        deleted = self.ask("POST", "/flow_runs/bulk_delete", {"flow_runs": {"id": {"any_": runs}}}, expect={200})
        for run in deleted["deleted"]:
            self._check_nothing_is_left_of(run)

    @rule(
        target=task_runs,
        run=st.none() | flow_runs,
        key=st.integers(0, 2),
        state=st.none() | states,
        scarce=st.booleans(),
        policy=policies,
    )
    def create_task_run(
        self, run: str | None, key: int, state: dict[str, Any] | None, scarce: bool, policy: dict[str, Any]
    ) -> str:
        body: dict[str, Any] = {
            "flow_run_id": run,
            "task_key": "t",
            "dynamic_key": str(key),
            "empirical_policy": policy,
        }
        body["tags"] = ["scarce"] if scarce else []
        if state:
            body["state"] = self.proposed(state)
        return self.ask("POST", "/task_runs/", body, expect={200, 201, 409}).get("id", str(UUID(int=404)))

    @rule(run=task_runs, state=states, force=st.booleans())
    def set_task_run_state(self, run: str, state: dict[str, Any], force: bool) -> None:
        body = {"state": self.proposed(state), "force": force}
        self.ask("POST", f"/task_runs/{run}/set_state", body, expect={200, 201, 404})

    @rule(run=task_runs)
    def patch_task_run(self, run: str) -> None:
        self.ask("PATCH", f"/task_runs/{run}", {"name": "n"}, expect={204, 404})

    @rule(run=consumes(task_runs))
    def delete_task_run(self, run: str) -> None:
        self.ask("DELETE", f"/task_runs/{run}", expect={204, 404})

    @rule(target=task_runs, number=st.integers(0, 3))
    def know_reported_task_run(self, number: int) -> str:
        """Task runs that events make are asked for over HTTP, too."""
        return str(UUID(int=1000 + number))

    @rule(run=st.none() | flow_runs, batch=st.lists(reports, min_size=1, max_size=4), again=st.booleans())
    def report_task_runs(self, run: str | None, batch: list[dict[str, Any]], again: bool) -> None:
        """Events as the client sends them: in any order, late, from the future, some of them twice."""
        events = [self._event(run, **each) for each in batch]
        if again:
            events += self.sent[-3:]
        self.sent += events
        self.ask("POST", "/events", events, expect={204})
        keys = {(run, event["payload"]["task_run"]["dynamic_key"]) for event in events}
        for id, flow_run_id, key in self.db.execute("SELECT id, flow_run_id, dynamic_key FROM task_run"):
            if int(UUID(id)) in range(1000, 1004) or (flow_run_id, key) in keys or flow_run_id is None:
                self.not_counted.add(id)

    @rule(run=flow_runs, text=st.sampled_from(["", "m\n☃"]))
    def write_log(self, run: str, text: str) -> None:
        line = {"name": "n", "level": 20, "message": text, "timestamp": self.clock.now.isoformat(), "flow_run_id": run}
        if self.db.execute("SELECT 1 FROM flow_run WHERE id = ?", (run,)).fetchone():
            self.ask("POST", "/logs/", [line], expect={201})

    @rule(run=flow_runs, key=st.sampled_from(["k", "l"]))
    def write_input(self, run: str, key: str) -> None:
        self.ask("POST", f"/flow_runs/{run}/input", {"key": key, "value": "1"}, expect={201, 404, 409})

    @rule(run=flow_runs, key=st.sampled_from(["k", "l"]))
    def delete_input(self, run: str, key: str) -> None:
        self.ask("DELETE", f"/flow_runs/{run}/input/{key}", expect={204, 404})

    @rule(by=st.sampled_from([0.000001, 0.5, 90.0, 7200.0, -0.5, -60.0]))
    def let_time_pass(self, by: float) -> None:
        """Also backwards: a machine's clock may be set."""
        self.clock.advance(seconds=by)

    # -- what must hold

    @invariant()
    def rows_states_and_histories_agree(self) -> None:
        for kind in ("flow_run", "task_run"):
            rows, histories = oracle.rows(self.db, kind), oracle.histories(self.db, kind)
            oracle.check_agreement(kind, rows, histories, self.not_counted)
            for id, row in rows.items():
                if id not in self.not_counted:
                    oracle.check_times(row, histories[id])
                    oracle.check_attempts(row, histories[id])
            oracle.check_answers(self.ask("POST", f"/{kind}s/filter", {"limit": 200}), rows)

    @invariant()
    def nothing_is_orphaned_doubled_or_unannounced(self) -> None:
        oracle.check_no_orphans(self.db)
        oracle.check_ids_are_unique(self.db)
        oracle.check_announcements(self.db)

    def _event(self, flow_run: str | None, run: int, key: int, type: str, after: int) -> dict[str, Any]:
        occurred = self.clock.now + timedelta(seconds=after)
        related = [{"prefect.resource.id": f"prefect.flow-run.{flow_run}", "prefect.resource.role": "flow-run"}]
        return {
            "id": str(uuid5(NAMESPACE, f"{run} {type} {after} {self.clock.now} {len(self.sent)}")),
            "occurred": occurred.isoformat(),
            "event": f"prefect.task-run.{type.title()}",
            "resource": {
                "prefect.resource.id": f"prefect.task-run.{UUID(int=1000 + run)}",
                "prefect.orchestration": "client",
            },
            "related": related if flow_run else [],
            "payload": {
                "intended": {"from": None, "to": type},
                "validated_state": {"type": type, "state_details": {}, "data": None},
                "task_run": {"name": "t", "task_key": "t", "dynamic_key": str(key), "run_count": 1},
            },
        }

    def _mark_reset_tasks(self, run: str, answer: dict[str, Any]) -> None:
        """A flow run that is retried by clients of old resets the counts of its failed task runs."""
        if answer.get("status") == "REJECT":
            rows = self.db.execute("SELECT id FROM task_run WHERE flow_run_id = ?", (run,))
            self.not_counted.update(id for (id,) in rows)

    def _check_nothing_is_left_of(self, run: str) -> None:
        for table in ("flow_run_state", "task_run", "flow_run_input", "log"):
            assert not self.db.execute(f"SELECT 1 FROM {table} WHERE flow_run_id = ?", (run,)).fetchall(), table


def test_rows_states_and_histories_agree_after_any_requests(
    migrated_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Runs, "template", migrated_file, raising=False)
    bounded = settings(
        max_examples=30,
        stateful_step_count=25,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
    )
    run_state_machine_as_test(Runs, settings=bounded)
