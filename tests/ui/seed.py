"""Fills a server through its HTTP API, as clients would, with what the dashboard has to show."""

from __future__ import annotations

import json
import time
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

TRACEBACK = """Encountered exception during execution: ValueError('negative row count')
Traceback (most recent call last):
  File "/usr/lib/python3.11/site-packages/prefect/flow_engine.py", line 1277, in run_context
    yield self
  File "/home/me/etl.py", line 42, in load
    raise ValueError("negative row count")
ValueError: negative row count"""

HOSTILE = '<img src=x onerror="window.pwned=1"><script>window.pwned=1</script>'

SCHEMA = {
    "title": "Approval",
    "type": "object",
    "required": ["reason", "amount"],
    "properties": {
        "approved": {"type": "boolean", "title": "Approved", "default": False},
        "reason": {"type": "string", "title": "Reason", "minLength": 3},
        "amount": {"type": "integer", "title": "Amount", "minimum": 1},
        "mode": {"$ref": "#/definitions/Mode"},
    },
    "definitions": {"Mode": {"title": "Mode", "enum": ["fast", "safe"], "type": "string", "default": "safe"}},
}


@dataclass
class Seeder:
    """Writes through the API at `api`; answers are the API's own objects."""

    api: str
    headers: dict[str, str] = field(default_factory=dict[str, str])

    def call(self, method: str, path: str, body: Any = None) -> Any:
        response = self._send(method, path, body)
        for seconds in (0.2, 0.5, 1, 2, 4):
            if response.status_code != httpx.codes.SERVICE_UNAVAILABLE:  # as Prefect's server says when it is busy
                break
            time.sleep(seconds)
            response = self._send(method, path, body)
        assert response.status_code < 300, f"{method} {path}: {response.status_code} {response.text[:500]}"
        return response.json() if response.content else None

    def _send(self, method: str, path: str, body: Any) -> httpx.Response:
        # Reading the certificates of the world for each request would be most of its time.
        return httpx.request(method, self.api + path, json=body, headers=self.headers, timeout=60, verify=False)

    def post(self, path: str, body: Any) -> Any:
        return self.call("POST", path, body)

    def get(self, path: str) -> Any:
        return self.call("GET", path)

    def flow(self, name: str) -> str:
        return self.post("/flows/", {"name": name})["id"]

    def run(self, flow: str, name: str, *states: dict[str, Any], **fields: Any) -> str:
        run = self.post("/flow_runs/", {"flow_id": flow, "name": name, "state": {"type": "PENDING"}, **fields})
        for state in states:
            self.state(run["id"], state)
        return run["id"]

    def state(self, run: str, state: dict[str, Any], kind: str = "flow_runs") -> None:
        self.post(f"/{kind}/{run}/set_state", {"state": state, "force": True})

    def task(self, run: str, name: str, *states: dict[str, Any]) -> str:
        body = {"flow_run_id": run, "name": name, "task_key": name.rsplit("-", 1)[0], "dynamic_key": uuid.uuid4().hex}
        task = self.post("/task_runs/", {**body, "state": {"type": "PENDING"}})
        for state in states:
            self.state(task["id"], state, "task_runs")
        return task["id"]

    def logs(self, run: str, *lines: tuple[int, str, str | None]) -> None:
        start = datetime.now(UTC) - timedelta(seconds=len(lines) / 1000)
        self.post(
            "/logs/",
            [
                {
                    "name": "prefect.task_runs" if task else "prefect.flow_runs",
                    "level": level,
                    "message": message,
                    "timestamp": (start + timedelta(milliseconds=at)).isoformat(),
                    "flow_run_id": run,
                    "task_run_id": task,
                }
                for at, (level, message, task) in enumerate(lines)
            ],
        )

    def artifact(self, run: str, kind: str, data: Any, **fields: Any) -> str:
        return self.post("/artifacts/", {"flow_run_id": run, "type": kind, "data": data, **fields})["id"]

    def late(self, deployment: str, name: str) -> str:
        """A run of a deployment that nobody serves, due some minutes ago."""
        due = (datetime.now(UTC) - timedelta(minutes=22)).isoformat()
        state = {"type": "SCHEDULED", "state_details": {"scheduled_time": due}}
        body = {"name": name, "parameters": {"reason": "abc", "amount": 3}, "state": state}
        return self.post(f"/deployments/{deployment}/create_flow_run", body)["id"]

    def paused(self, flow: str, name: str, schema: dict[str, Any] | None = SCHEMA) -> str:
        run = self.run(flow, name, {"type": "RUNNING"})
        details: dict[str, Any] = {"pause_timeout": (datetime.now(UTC) + timedelta(hours=5)).isoformat()}
        if schema is not None:
            for key, value in (("schema", schema), ("description", "Please approve 12,000 rows.")):
                self.post(f"/flow_runs/{run}/input", {"key": f"paused-1-{key}", "value": json.dumps(value)})
            keys = {key: f"paused-1-{key}" for key in ("schema", "description", "response")}
            details["run_input_keyset"] = keys
        self.state(run, {"type": "PAUSED", "state_details": details})
        return run


@dataclass
class World:
    """Ids of what `fill` made."""

    flow: str
    workshop: str
    """A flow for runs that tests make, so that they do not push the others off the screen."""
    completed: str
    failed: str
    failed_task: str
    good_task: str
    running: str
    hostile: str
    deployment: str


MARKDOWN = f"""# Rows by table

Loaded **12,000** rows, see [the log](https://example.com/log) or [this](javascript:window.pwned=1).

| table | rows |
|---|---:|
| users | 9,000 |

{HOSTILE} ![far away](https://pictures.example/x.png)
"""

DONE = ({"type": "RUNNING"}, {"type": "COMPLETED"})


def fill(seeder: Seeder) -> World:
    """Make one run of each kind, and enough small ones to fill a screen."""
    flow = seeder.flow("nightly-etl")
    other = seeder.flow("quick")
    workshop = seeder.flow("workshop")
    for number in range(34):
        seeder.run(other, f"small-{number}", {"type": "COMPLETED"}, tags=["dev"] if number % 2 else ["dev", "adhoc"])
    completed = seeder.run(flow, "calm-otter", {"type": "RUNNING"}, tags=["prod"], parameters={"day": "2026-11-20"})
    for number in range(4):
        seeder.task(completed, f"extract-{number}", *DONE)
    seeder.logs(completed, *[(20, f"row {n} of the completed run", None) for n in range(12)])
    seeder.state(completed, {"type": "COMPLETED"})

    failed = seeder.run(
        flow, "bold-lynx", {"type": "RUNNING"}, tags=["prod"], parameters={"day": "2026-11-21", "bad": True}
    )
    good = seeder.task(failed, "fetch-1", *DONE)
    message = "Task run encountered an exception ValueError: negative row count"
    bad = seeder.task(failed, "load-3", {"type": "RUNNING"}, {"type": "FAILED", "message": message})
    seeder.logs(
        failed,
        (20, "Beginning flow run 'bold-lynx' for flow 'nightly-etl'", None),
        (20, "GET https://example.com/data?page=1", good),
        (30, "slow partition 7", good),
        (10, "cache miss", bad),
        (40, TRACEBACK, bad),
        (40, "Finished in state Failed()", None),
        (20, "\x1b[32mgreen words\x1b[0m and plain ones", None),
    )
    seeder.state(
        failed, {"type": "FAILED", "message": "Flow run encountered an exception: ValueError: negative row count"}
    )

    seeder.artifact(failed, "markdown", MARKDOWN, key="report", task_run_id=good)
    seeder.artifact(failed, "table", json.dumps([{"item": "b", "n": 2}, {"item": HOSTILE, "n": 10}]), key="prices")
    seeder.artifact(failed, "progress", 42.5, task_run_id=bad)

    running = seeder.run(flow, "busy-bee", {"type": "RUNNING"})
    seeder.task(running, "fetch-1", *DONE)
    seeder.task(running, "train-1", {"type": "RUNNING"})
    seeder.logs(running, (20, "still at work", None))

    hostile = seeder.run(flow, f"evil {HOSTILE}", {"type": "RUNNING"}, tags=[HOSTILE], parameters={"p": HOSTILE})
    task = seeder.task(hostile, f"task {HOSTILE}", {"type": "RUNNING"}, {"type": "FAILED", "message": HOSTILE})
    seeder.logs(
        hostile,
        (40, f"{HOSTILE} javascript:window.pwned=1 \x1b[31;1m{HOSTILE}\x1b[0m", task),
        (20, 'see https://example.com/"onmouseover="window.pwned=1', None),
        (
            40,
            f'Traceback (most recent call last):\n  File "{HOSTILE}", line 1, in {HOSTILE}\n    {HOSTILE}\n'
            f"ValueError: {HOSTILE}",
            task,
        ),
    )
    seeder.state(hostile, {"type": "FAILED", "message": HOSTILE})
    cron = {"schedule": {"cron": "30 3 * * *", "timezone": "Europe/Berlin"}, "active": True}
    deployment = seeder.post(
        "/deployments/",
        {
            "name": "approval",
            "flow_id": workshop,
            "entrypoint": "shop.py:approve",
            "tags": ["prod"],
            "schedules": [cron],
            "parameters": {"mode": "fast"},
            "parameter_openapi_schema": SCHEMA,
            "enforce_parameter_schema": True,
        },
    )["id"]
    seeder.post("/work_pools/", {"name": "press room", "type": "process", "concurrency_limit": 3})
    seeder.post("/work_pools/press room/queues", {"name": "urgent", "priority": 1})
    seeder.post("/work_pools/press room/workers/heartbeat", {"name": "ProcessWorker laptop"})
    return World(flow, workshop, completed, failed, bad, good, running, hostile, deployment)
