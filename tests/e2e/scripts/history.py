"""Leave a bit of everything on the server at PREFECT_API_URL; argument: the name of the run."""

from __future__ import annotations

import json
import sys
import time
from datetime import datetime, timedelta, timezone
from typing import Any

import httpx
from prefect import flow, get_run_logger, tags, task
from prefect.artifacts import create_markdown_artifact, create_table_artifact
from prefect.blocks.system import Secret
from prefect.settings import PREFECT_API_URL
from prefect.variables import Variable

attempts = 0

_ATTEMPTS = 7


@task(tags=["db"])
def add(a: int, b: int) -> int:
    return a + b


@task(retries=1, retry_delay_seconds=0, persist_result=False)
def fails_once() -> str:
    global attempts
    attempts += 1
    if attempts == 1:
        raise ValueError("not yet")
    return "at last"


@task
def always_fails() -> None:
    raise RuntimeError("as ever")


@flow
def child(n: int) -> int:
    return add(n, n)


@flow(log_prints=True)
def history(name: str = "world", options: Any = None) -> str:
    get_run_logger().info("Grüße an %s ☃", name)
    with tags("batch"):
        futures = [add.submit(n, n) for n in range(3)]
    assert [future.result() for future in futures] == [0, 2, 4]
    fails_once()
    always_fails(return_state=True)
    child(21)
    create_markdown_artifact("# first", key="report", description="the first")
    create_markdown_artifact("# second", key="report")
    create_table_artifact([{"a": 1}], key="table")
    print("done")
    return name


@flow
def fails() -> None:
    raise ValueError("on purpose")


def request(method: str, path: str, body: object = None) -> Any:
    """The answer; Prefect's own server says 503 while another of its writers has the file, and is asked again."""
    for _ in range(_ATTEMPTS):
        response = httpx.request(method, PREFECT_API_URL.value() + path, json=body, timeout=30)
        if response.status_code != httpx.codes.SERVICE_UNAVAILABLE:
            break
        time.sleep(1)
    response.raise_for_status()
    return response.json() if response.content else None


def leave_objects() -> None:
    """Leave what no flow makes: runs in the middle of things, deployments, pools, limits, inputs …"""
    soon = (datetime.now(timezone.utc) + timedelta(days=1)).isoformat()  # noqa: UP017 - the oldest release has 3.9
    flow_id = request("POST", "/flows/", {"name": "history"})["id"]
    request("POST", "/work_pools/", {"name": "shelf", "type": "process", "concurrency_limit": 3})
    request("POST", "/work_pools/shelf/queues", {"name": "urgent", "priority": 1})
    deployment = {
        "name": "nightly",
        "flow_id": flow_id,
        "tags": ["night"],
        "parameters": {"name": "night"},
        "parameter_openapi_schema": {"type": "object", "properties": {"name": {"type": "string"}}},
        "work_pool_name": "shelf",
        "work_queue_name": "urgent",
        "entrypoint": "flows.py:history",
        "path": "/flows",
        "description": "each night",
        "job_variables": {"env": {"A": "1"}},
        "schedules": [
            {"active": True, "schedule": {"cron": "0 3 * * *", "timezone": "Europe/Berlin"}},
            {"active": False, "schedule": {"interval": 3600.0, "anchor_date": "2024-01-01T00:00:00Z"}},
        ],
    }
    deployment_id = request("POST", "/deployments/", deployment)["id"]
    request("POST", "/deployments/", {**deployment, "name": "limited", "concurrency_limit": 2, "schedules": []})
    later = {"state": {"type": "SCHEDULED", "state_details": {"scheduled_time": soon}}, "tags": ["later"]}
    request("POST", f"/deployments/{deployment_id}/create_flow_run", {**later, "idempotency_key": "once"})
    for kind in ("RUNNING", "CANCELLED"):
        run = {"flow_id": flow_id, "name": kind.lower(), "state": {"type": "PENDING"}, "parameters": {"n": [1, None]}}
        run_id = request("POST", "/flow_runs/", run)["id"]
        request("POST", f"/flow_runs/{run_id}/set_state", {"state": {"type": kind, "message": "by hand"}})
        request("POST", f"/flow_runs/{run_id}/input", {"key": "answer", "value": json.dumps({"x": 1})})
    request("POST", "/concurrency_limits/", {"tag": "db", "concurrency_limit": 5})
    request("POST", "/v2/concurrency_limits/", {"name": "licence", "limit": 4, "slot_decay_per_second": 0.5})
    request("PUT", "/saved_searches/", {"name": "mine", "filters": []})
    Variable.set("city", "Köln")
    Secret(value="hush").save("hidden", overwrite=True)


if __name__ == "__main__":
    history.with_options(flow_run_name=sys.argv[1])(options={"deep": {"a": [1, 2.5, None, "ü"]}})
    fails(return_state=True)
    leave_objects()
