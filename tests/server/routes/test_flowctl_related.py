"""What goes with a page of runs, in one answer."""

from __future__ import annotations

import uuid

from api_client import TestClient

NOTHING = {"flows": [], "deployments": [], "reasons": {}, "task_counts": {}, "steps": {}}


def test_one_answer_holds_what_the_single_requests_give(api: TestClient) -> None:
    flow = api.post("/flows/", json={"name": "etl"}).json()["id"]
    deployment = api.post("/deployments/", json={"name": "nightly", "flow_id": flow}).json()["id"]
    body = {"flow_id": flow, "state": {"type": "PAUSED"}}
    run = api.post("/flow_runs/", json=body).json()["id"]
    task_body = {"flow_run_id": run, "task_key": "load", "dynamic_key": "0", "state": {"type": "PENDING"}}
    task = api.post("/task_runs/", json=task_body).json()["id"]
    for state in ("RUNNING", "SCHEDULED", "RUNNING", "COMPLETED"):
        api.post(f"/task_runs/{task}/set_state", json={"state": {"type": state}, "force": True})
    unknown = str(uuid.uuid4())
    asked = {
        "flows": [flow, unknown],
        "deployments": [deployment, unknown],
        "reasons": [run, unknown],
        "task_counts": [run],
        "steps": [task, unknown],
    }
    told = api.post("/flowctl/related/", json=asked).json()
    assert told["flows"] == [api.get(f"/flows/{flow}").json()]
    assert told["deployments"] == [api.get(f"/deployments/{deployment}").json()]
    assert told["reasons"] == api.post("/flowctl/runs/reasons", json={"ids": [run]}).json() != {}
    assert told["task_counts"] == {run: 1}
    states = api.get("/task_run_states/", params={"task_run_id": task}).json()
    assert told["steps"] == {task: [{name: each[name] for name in ("type", "name", "timestamp")} for each in states]}
    assert [step["type"] for step in told["steps"][task]] == ["PENDING", "RUNNING", "SCHEDULED", "RUNNING", "COMPLETED"]


def test_what_is_not_asked_for_is_empty(api: TestClient) -> None:
    assert api.post("/flowctl/related/", json={}).json() == NOTHING
    assert api.post("/flowctl/related/", json={"steps": [str(uuid.uuid4())]}).json() == NOTHING


def test_a_page_of_each_kind_is_the_most(api: TestClient) -> None:
    assert api.post("/flowctl/related/", json={"flows": [str(uuid.uuid4())] * 200}).status_code == 200
    assert api.post("/flowctl/related/", json={"steps": [str(uuid.uuid4())] * 201}).status_code == 422
    assert api.post("/flowctl/related/", json={"flow_runs": []}).status_code == 422
