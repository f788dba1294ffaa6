"""Runs that wait, fail or die, made by real requests to the whole application, whose clock is set."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from api_client import TestClient
from deployment_world import TEMPLATE
from support import Clock

from flowctl.db import database
from flowctl.ops import absences
from flowctl.server.app import create_app
from flowctl.settings import Settings

LEASING = {"User-Agent": "prefect/3.8.1 (API 0.8.4)"}

TRACEBACK = """Encountered exception during execution: ValueError('bad row')
Traceback (most recent call last):
  File "/srv/engine.py", line 10, in run
    call()
  File "/srv/etl.py", line 42, in load
    raise ValueError("bad row")
ValueError: bad row"""


def commands(cause: Any) -> list[str]:
    """The commands that a cause offers."""
    return [fix["command"] for fix in cause["fixes"]]


class WhyWorld:
    """Speaks to the application as Prefect's client does."""

    def __init__(self, client: TestClient, clock: Clock, db_path: Path) -> None:
        self.client = client
        self.clock = clock
        self.db_path = db_path

    def post(self, path: str, body: Any = None) -> Any:
        return self._answer(self.client.post(path, json=body, headers=LEASING))

    def patch(self, path: str, body: Any) -> Any:
        return self._answer(self.client.patch(path, json=body, headers=LEASING))

    def get(self, path: str) -> Any:
        return self._answer(self.client.get(path))

    def flow(self, name: str = "etl") -> str:
        return self.post("/flows/", {"name": name})["id"]

    def deploy(self, name: str = "nightly", **fields: Any) -> str:
        return self.post("/deployments/", {"name": name, "flow_id": self.flow(), **fields})["id"]

    def pool(self, name: str = "local", **fields: Any) -> str:
        body = {"name": name, "type": "process", "base_job_template": TEMPLATE, **fields}
        return self.post("/work_pools/", body)["id"]

    def run(
        self, state: str | None = None, *, deployment: str | None = None, name: str = "calm-lynx", **fields: Any
    ) -> str:
        """A run of a deployment (SCHEDULED for now unless a state says otherwise), or of its own."""
        body = {"name": name, **fields, **({"state": {"type": state}} if state else {})}
        if deployment:
            return self.post(f"/deployments/{deployment}/create_flow_run", body)["id"]
        return self.post("/flow_runs/", {"flow_id": self.flow(), **body})["id"]

    def move(self, run: str, type: str, name: str | None = None, message: str | None = None, **details: Any) -> Any:
        """Propose a state, by the rules."""
        state = {"type": type, "name": name, "message": message, "state_details": details}
        return self.post(f"/flow_runs/{run}/set_state", {"state": state})

    def start(self, run: str) -> None:
        """A runner takes the run, and its process starts."""
        for type in ("PENDING", "RUNNING"):
            assert self.move(run, type)["status"] == "ACCEPT"

    def task(
        self,
        run: str,
        key: str,
        type: str = "PENDING",
        name: str | None = None,
        message: str | None = None,
        **fields: Any,
    ) -> str:
        """A task run that came into a state."""
        body = {"flow_run_id": run, "task_key": key, "dynamic_key": key, "name": key, **fields}
        task = self.post("/task_runs/", {**body, "state": {"type": "PENDING"}})["id"]
        if type != "PENDING" or name:
            state = {"type": type, "name": name, "message": message}
            self.post(f"/task_runs/{task}/set_state", {"state": state, "force": True})
        return task

    def child(self, run: str, name: str, state: str = "PENDING", **fields: Any) -> str:
        """A run that a run called."""
        parent = self.task(run, f"call {name}", "RUNNING")
        return self.run(state, name=name, parent_task_run_id=parent, **fields)

    def log(self, message: str, *, run: str, task: str | None = None, level: int = 40) -> None:
        line = {"name": "prefect", "level": level, "message": message, "timestamp": self.clock.now.isoformat()}
        self.post("/logs/", [{**line, "flow_run_id": run, "task_run_id": task}])

    def poll(self, deployment: str) -> list[Any]:
        """A runner asks for runs."""
        body = {"deployment_ids": [deployment], "scheduled_before": self.clock.now.isoformat()}
        return self.post("/deployments/get_scheduled_flow_runs", body)

    def heartbeat(self, run: str) -> None:
        """The client of a run says that it lives."""
        event = {
            "id": os.urandom(16).hex(),
            "occurred": self.clock.now.isoformat(),
            "event": "prefect.flow-run.heartbeat",
            "resource": {"prefect.resource.id": f"prefect.flow-run.{run}"},
        }
        self.post("/events", [event])

    def worker(self, name: str = "laptop-1", pool: str = "local") -> None:
        """A worker reports."""
        answer = self.client.post(f"/work_pools/{pool}/workers/heartbeat", json={"name": name})
        assert answer.status_code == 204, answer.text

    @contextmanager
    def database(self) -> Iterator[Any]:
        """A write transaction on the same file, beside the server."""
        opened = database.Database(self.db_path, clock=self.clock)
        try:
            with opened.write() as tx:
                yield tx
        finally:
            opened.close()

    def present(self) -> None:
        """The services of a server run."""
        with self.database() as tx:
            absences.notice(tx)

    def why(self, run: str) -> Any:
        return self.get(f"/flowctl/runs/{run}/why")

    def causes(self, run: str) -> dict[str, Any]:
        """The causes by their codes."""
        return {cause["code"]: cause for cause in self.why(run)["causes"]}

    def _answer(self, response: Any) -> Any:
        assert response.status_code < 300, response.text
        return response.json() if response.content else None


@contextmanager
def why_world(db_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> Iterator[WhyWorld]:
    """The application on a file, without background services."""
    monkeypatch.setattr(database, "_utc_now", clock)
    app = create_app(Settings(db=db_path), webserver_only=True, ignore_cache=True)
    with TestClient(app) as client:
        client.base_url = client.base_url.join("/api")
        yield WhyWorld(client, clock, db_path)


def dead_pid() -> int:
    """The number of a process that has ended."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid
