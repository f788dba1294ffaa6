from __future__ import annotations

import pytest
from api_client import TestClient


def test_a_queue_is_made_in_its_pool(api: TestClient) -> None:
    pool = api.post("/work_pools/", json={"name": "local", "type": "process"}).json()
    made = api.post("/work_pools/local/queues", json={"name": "fast", "priority": 1, "concurrency_limit": 3})
    assert made.status_code == 201
    queue = made.json()
    assert (queue["name"], queue["priority"], queue["concurrency_limit"], queue["active_slots"]) == ("fast", 1, 3, 0)
    assert (queue["work_pool_id"], queue["work_pool_name"]) == (pool["id"], "local")
    assert queue["status"] == "NOT_READY"
    paused = api.post("/work_pools/local/queues", json={"name": "slow", "is_paused": True}).json()
    assert (paused["status"], paused["priority"], paused["active_slots"]) == ("NOT_READY", 3, None)


def test_a_queue_needs_a_pool_and_a_name_of_its_own(api: TestClient) -> None:
    missing = api.post("/work_pools/nowhere/queues", json={"name": "q"})
    assert (missing.status_code, missing.json()) == (404, {"detail": 'Work pool "nowhere" not found.'})
    api.post("/work_pools/", json={"name": "local", "type": "process"})
    again = api.post("/work_pools/local/queues", json={"name": "default"})
    assert again.status_code == 409
    assert api.post("/work_pools/local/queues", json={"name": "a/b"}).status_code == 422


@pytest.mark.parametrize("name", ["", " ", "''", "' \" '"])
def test_a_pool_needs_a_name_that_can_be_seen(api: TestClient, name: str) -> None:
    answer = api.post("/work_pools/", json={"name": name, "type": "process"})
    assert answer.status_code == 422
    assert answer.json()["exception_detail"][0]["msg"] == "Value error, name cannot be an empty string"


def test_all_that_is_wrong_with_a_body_is_told_at_once(api: TestClient) -> None:
    api.post("/work_pools/", json={"name": "local", "type": "process"})
    template = {"job_configuration": {"run": ["{{ what }}"]}, "variables": {"properties": {"that": {}}}}
    answer = api.patch("/work_pools/local", json={"name": "local", "base_job_template": template})
    assert answer.status_code == 422
    first, second = answer.json()["exception_detail"]
    assert (first["loc"], first["msg"][-20:]) == (["body", "base_job_template"], "d variable(s): what.")
    assert (second["loc"], second["type"]) == (["body", "name"], "extra_forbidden")


def test_the_life_of_a_pool(api: TestClient) -> None:
    pool = api.post("/work_pools/", json={"name": "local", "type": "process", "concurrency_limit": 2}).json()
    assert api.get("/work_pools/local").json() == pool
    assert api.patch("/work_pools/local", json={"description": "d", "concurrency_limit": None}).status_code == 204
    (found,) = api.post("/work_pools/filter", json={"work_pools": {"type": {"any_": ["process"]}}}).json()
    assert (found["description"], found["concurrency_limit"], found["active_slots"]) == ("d", None, None)
    assert api.post("/work_pools/count", json={}).json() == 1
    assert api.delete("/work_pools/local").status_code == 204
    assert api.get("/work_pools/local").json() == {"detail": 'Work pool "local" not found.'}


def test_old_clients_get_no_field_that_they_refuse(api: TestClient) -> None:
    api.post("/work_pools/", json={"name": "local", "type": "process"})
    field = "default_result_storage_block_id"
    for version, is_there in (("3.3.7", False), ("3.4.0", True), ("3.0.11", False), ("3.10.0", True)):
        pool = api.get("/work_pools/local", headers={"User-Agent": f"prefect/{version} (API 0.8.4)"}).json()
        assert (field in pool["storage_configuration"]) is is_there, version
        assert pool["name"] == "local"


def test_a_worker_gets_the_runs_of_its_pool(api: TestClient) -> None:
    pool = api.post("/work_pools/", json={"name": "local", "type": "process"}).json()
    flow = api.post("/flows/", json={"name": "etl"}).json()["id"]
    body = {"name": "nightly", "flow_id": flow, "work_pool_name": "local"}
    deployment = api.post("/deployments/", json=body).json()["id"]
    run = api.post(f"/deployments/{deployment}/create_flow_run", json={}).json()
    path = "/work_pools/local/get_scheduled_flow_runs"
    (found,) = api.post(path, json={"work_queue_names": [], "limit": 10}).json()
    assert (found["work_pool_id"], found["work_queue_id"]) == (pool["id"], pool["default_queue_id"])
    assert (found["flow_run"]["id"], found["flow_run"]["state"]) == (run["id"], None)
    assert "work_pool_name" not in found["flow_run"]
    assert api.post(path, json={"limit": 201}).status_code == 422
    status = api.post("/work_pools/local/concurrency_status", json={}).json()
    assert (status["active_slots"], [queue["queue_name"] for queue in status["queues"]]) == (0, ["default"])
