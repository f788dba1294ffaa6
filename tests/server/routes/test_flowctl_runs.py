"""States proposed on a condition, and only to see what would become of them."""

from __future__ import annotations

from typing import Any

import pytest
from api_client import TestClient


@pytest.fixture
def run(api: TestClient) -> str:
    """The id of a PENDING flow run."""
    flow = api.post("/flows/", json={"name": "etl"}).json()["id"]
    return api.post("/flow_runs/", json={"flow_id": flow, "state": {"type": "PENDING"}}).json()["id"]


@pytest.fixture
def task(api: TestClient, run: str) -> str:
    """The id of a PENDING task run."""
    body = {"flow_run_id": run, "task_key": "load", "dynamic_key": "0", "state": {"type": "PENDING"}}
    return api.post("/task_runs/", json=body).json()["id"]


def left(api: TestClient, kind: str, id: str) -> dict[str, Any]:
    """Everything that a transition changes."""
    states = api.get(f"/{kind}_run_states/?{kind}_run_id={id}").json()
    events = api.post("/events/filter", json={"filter": {"event": {"prefix": [f"prefect.{kind}-run."]}}}).json()
    return {"run": api.get(f"/{kind}_runs/{id}").json(), "states": states, "events": events["total"]}


@pytest.mark.parametrize("kind", ["flow", "task"])
def test_a_dry_run_answers_like_a_real_one_and_leaves_nothing(api: TestClient, run: str, task: str, kind: str) -> None:
    path, id = ("/flowctl/runs", run) if kind == "flow" else ("/flowctl/task_runs", task)
    if kind == "task":
        api.post(f"/flow_runs/{run}/set_state", json={"state": {"type": "RUNNING"}})
    before = left(api, kind, id)
    told = api.post(f"{path}/{id}/set_state", json={"state": {"type": "RUNNING", "message": "go"}, "dry_run": True})
    assert told.status_code == 200
    assert (told.json()["status"], told.json()["state"]["name"]) == ("ACCEPT", "Running")
    now = left(api, kind, id)
    now["run"].update({name: before["run"][name] for name in ("estimated_run_time", "estimated_start_time_delta")})
    assert now == before
    done = api.post(f"/{kind}_runs/{id}/set_state", json={"state": {"type": "RUNNING", "message": "go"}}).json()
    changing = ("id", "timestamp")
    assert all(done["state"][name] == each for name, each in told.json()["state"].items() if name not in changing)
    assert len(left(api, kind, id)["states"]) == len(before["states"]) + 1


def test_a_dry_run_tells_what_the_rules_say(api: TestClient, run: str) -> None:
    api.post(f"/flow_runs/{run}/set_state", json={"state": {"type": "RUNNING"}})
    body: dict[str, Any] = {"state": {"type": "PENDING"}, "dry_run": True}
    assert api.post(f"/flowctl/runs/{run}/set_state", json=body).json()["status"] == "ABORT"
    assert api.post(f"/flowctl/runs/{run}/set_state", json={**body, "force": True}).json()["status"] == "ACCEPT"
    resumed = api.post(f"/flowctl/runs/{run}/resume", json={"dry_run": True}).json()
    assert (resumed["status"], resumed["details"]["type"]) == ("ABORT", "abort_details")


def test_a_paused_run_is_resumed_once_it_is_meant(api: TestClient, run: str) -> None:
    for type in ("RUNNING", "PAUSED"):
        api.post(f"/flow_runs/{run}/set_state", json={"state": {"type": type}})
    for body, name in (({"dry_run": True}, "Paused"), ({}, "Running")):
        assert api.post(f"/flowctl/runs/{run}/resume", json=body).json()["status"] == "ACCEPT"
        assert api.get(f"/flow_runs/{run}").json()["state_name"] == name


@pytest.mark.parametrize(
    ("expected", "fits"),
    [
        ({"type": "PENDING"}, True),
        ({"name": "pending"}, True),
        ({"type": "PENDING", "name": "Submitting"}, False),
        ({"type": "RUNNING"}, False),
        ({}, True),
        (None, True),
    ],
)
@pytest.mark.parametrize("kind", ["flow", "task"])
def test_only_a_run_in_the_expected_state_is_changed(
    api: TestClient, run: str, task: str, kind: str, expected: object, fits: bool
) -> None:
    path, id = ("/flowctl/runs", run) if kind == "flow" else ("/flowctl/task_runs", task)
    answer = api.post(f"{path}/{id}/set_state", json={"state": {"type": "FAILED"}, "expected": expected})
    assert answer.status_code == (200 if fits else 400)
    assert api.get(f"/{kind}_runs/{id}").json()["state_name"] == ("Failed" if fits else "Pending")
    if not fits:
        assert answer.json()["detail"].startswith(f"{id} is Pending, not ")


@pytest.mark.parametrize("path", ["runs/{}/set_state", "runs/{}/resume", "task_runs/{}/set_state"])
def test_what_is_gone_or_misspelt(api: TestClient, path: str) -> None:
    target = "/flowctl/" + path.format("00000000-0000-0000-0000-000000000007")
    body = {} if path.endswith("resume") else {"state": {"type": "RUNNING"}}
    assert api.post(target, json=body).status_code == 404
    assert api.post(target, json={**body, "dryrun": True}).status_code == 422
