"""Deployments, their schedules and runs over HTTP: status and shape."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from api_client import TestClient

CRON = {"schedule": {"cron": "0 3 * * *", "timezone": "Europe/Berlin"}, "active": False, "slug": "nightly"}


@pytest.fixture
def flow_id(api: TestClient) -> str:
    return api.post("/flows/", json={"name": "etl"}).json()["id"]


def deploy(api: TestClient, flow_id: str, name: str = "d", **fields: Any) -> dict[str, Any]:
    return api.post("/deployments/", json={"name": name, "flow_id": flow_id, **fields}).json()


def test_a_life(api: TestClient, flow_id: str) -> None:
    body = {"name": "d", "flow_id": flow_id, "schedules": [CRON], "concurrency_limit": 2}
    made = api.post("/deployments/", json=body)
    assert made.status_code == 201
    deployment = made.json()
    assert deployment["schedules"][0]["schedule"] == {"cron": "0 3 * * *", "timezone": "Europe/Berlin", "day_or": True}
    assert deployment["global_concurrency_limit"]["name"] == f"deployment:{deployment['id']}"
    assert api.post("/deployments/", json=body).status_code == 200
    path = f"/deployments/{deployment['id']}"
    assert api.get("/deployments/name/etl/d").json()["id"] == deployment["id"]
    assert api.patch(path, json={"tags": ["x"]}).status_code == 204
    assert api.post(f"{path}/pause_deployment").json() is None
    assert api.get(path).json()["paused"] is True
    assert api.post(f"{path}/resume_deployment").status_code == 200
    assert api.get(f"{path}/work_queue_check").json() == []
    assert api.delete(path).status_code == 204
    assert api.get(path).status_code == 404


@pytest.mark.parametrize(
    ("method", "path", "detail"),
    [
        ("GET", "", "Deployment not found"),
        ("PATCH", "", "Deployment not found."),
        ("DELETE", "", "Deployment not found"),
        ("POST", "/pause_deployment", "Deployment not found"),
        ("POST", "/resume_deployment", "Deployment not found"),
        ("GET", "/work_queue_check", "Deployment not found"),
        ("GET", "/schedules", "Deployment not found."),
        ("POST", "/create_flow_run", "Deployment not found"),
    ],
)
def test_what_is_not_there(api: TestClient, method: str, path: str, detail: str) -> None:
    answer = api.request(method, f"/deployments/{uuid4()}{path}", json={})
    assert (answer.status_code, answer.json()) == (404, {"detail": detail})


def test_scheduling_what_is_not_there_is_no_error(api: TestClient) -> None:
    answer = api.post(f"/deployments/{uuid4()}/schedule", json={})
    assert (answer.status_code, answer.json()) == (200, None)


def test_a_refused_body_is_repeated_with_its_parameters(api: TestClient) -> None:
    answer = api.post("/deployments/", json={"name": "d"})
    assert answer.status_code == 422
    assert answer.json()["request_body"] == {"name": "d", "parameters": {}}
    assert answer.json()["exception_detail"] == [
        {
            "type": "missing",
            "loc": ["body", "flow_id"],
            "msg": "Field required",
            "input": {"name": "d", "parameters": {}},
        }
    ]


def test_fields_of_long_ago_are_not_looked_at(api: TestClient, flow_id: str) -> None:
    made = api.post("/deployments/", json={"name": "d", "flow_id": flow_id, "worker_pool_name": "p"})
    assert made.status_code == 201
    assert api.patch(f"/deployments/{made.json()['id']}", json={"work_pool_queue_name": "q"}).status_code == 204
    assert api.patch(f"/deployments/{made.json()['id']}", json={"worker_pool": "p"}).status_code == 422


def test_parameters_that_do_not_fit(api: TestClient, flow_id: str) -> None:
    schema = {"type": "object", "properties": {"p": {"type": "integer"}}}
    body = {"name": "d", "flow_id": flow_id, "parameter_openapi_schema": schema, "enforce_parameter_schema": True}
    answer = api.post("/deployments/", json={**body, "parameters": {"p": "s"}}).json()
    assert answer["exception_message"] == "Invalid request received."
    assert answer["exception_detail"][0]["loc"] == ["body"]
    id = deploy(api, **body)["id"]
    refused = api.post(f"/deployments/{id}/create_flow_run", json={"parameters": {"p": "s"}})
    assert refused.status_code == 409


def test_one_run_with_parameters_that_are_too_long_refuses_them_all(api: TestClient, flow_id: str) -> None:
    id = deploy(api, flow_id)["id"]
    bodies = [{}, {"parameters": {"text": "t" * 600_000}}]
    answer = api.post(f"/deployments/{id}/create_flow_run/bulk", json=bodies)
    assert (answer.status_code, answer.json()["exception_detail"][0]["loc"]) == (422, ["body", 1, "parameters"])
    assert api.post("/flow_runs/count", json={}).json() == 0


def test_schedules(api: TestClient, flow_id: str) -> None:
    path = f"/deployments/{deploy(api, flow_id)['id']}/schedules"
    made = api.post(path, json=[{"schedule": {"interval": "PT1H", "anchor_date": "2099-01-01T00:00:00+02:00"}}, CRON])
    assert made.status_code == 201
    assert made.json()[0]["schedule"] == {
        "interval": 3600.0,
        "anchor_date": "2099-01-01T00:00:00+02:00",
        "timezone": "UTC",
    }
    id = made.json()[0]["id"]
    assert api.patch(f"{path}/{id}", json={"slug": "nightly"}).status_code == 409
    assert api.patch(f"{path}/{id}", json={"max_scheduled_runs": 51}).status_code == 422
    assert api.patch(f"{path}/{id}", json={"active": False}).status_code == 204
    assert api.delete(f"{path}/{id}").status_code == 204
    assert [each["slug"] for each in api.get(path).json()] == ["nightly"]


def test_lists(api: TestClient, flow_id: str) -> None:
    for name in "abc":
        deploy(api, flow_id, name, tags=[name])
    run = api.post(f"/deployments/{deploy(api, flow_id, 'd')['id']}/create_flow_run", json={}).json()

    def names(**body: Any) -> list[str]:
        return [each["name"] for each in api.post("/deployments/filter", json=body).json()]

    assert names() == ["a", "b", "c", "d"]
    assert names(sort="NAME_DESC", limit=2, offset=1) == ["c", "b"]
    assert names(deployments={"tags": {"any_": ["a", "c"]}}) == ["a", "c"]
    assert names(flow_runs={"id": {"any_": [run["id"]]}}) == ["d"]
    assert names(flow_runs={}, task_runs={}) == []
    assert names(flows={"name": {"any_": ["other"]}}) == []
    assert names(work_pools={"name": {"any_": ["p"]}}, work_pool_queues={}) == []
    assert api.post("/deployments/count", json={"deployments": {"name": {"like_": "A"}}}).json() == 1
    page = api.post("/deployments/paginate", json={"limit": 3, "page": 2}).json()
    assert (page["count"], page["pages"], [each["name"] for each in page["results"]]) == (4, 2, ["d"])
    assert api.post("/deployments/filter", json={"limit": 201}).status_code == 422
    deleted = api.post("/deployments/bulk_delete", json={"limit": 2}).json()["deleted"]
    assert len(deleted) == 2
    assert names() == ["c", "d"]
    assert api.post("/deployments/bulk_delete", json={"limit": 51}).status_code == 422


def test_runs(api: TestClient, flow_id: str) -> None:
    path = f"/deployments/{deploy(api, flow_id, schedules=[{'schedule': {'cron': '0 0 * * *'}}])['id']}"
    id = path.rpartition("/")[2]
    made = api.post(f"{path}/create_flow_run", json={"idempotency_key": "k"})
    assert (made.status_code, made.json()["state_name"]) == (201, "Scheduled")
    assert api.post(f"{path}/create_flow_run", json={"idempotency_key": "k"}).status_code == 200
    bulk = api.post(f"{path}/create_flow_run/bulk", json=[{"name": "b"}]).json()["results"]
    assert [(each["status"], each["error"]) for each in bulk] == [("CREATED", None)]
    window = {"start_time": "2099-03-01T00:00:00Z", "end_time": "2099-03-03T00:00:00Z", "min_time": 7200}
    assert api.post(f"{path}/schedule", json=window).status_code == 200
    asked = {"deployment_ids": [id], "scheduled_before": "2099-03-02 00:00:00+00:00"}
    found = api.post("/deployments/get_scheduled_flow_runs", json=asked).json()
    assert [each["auto_scheduled"] for each in found] == [False, False, True, True]
    assert api.get(path).json()["status"] == "READY"
    assert api.post("/deployments/get_scheduled_flow_runs", json={}).status_code == 422


def test_clients_may_ask_for_automations(api: TestClient) -> None:
    resource = f"prefect.deployment.{uuid4()}"
    answer = api.delete(f"/automations/owned-by/{resource}")
    assert (answer.status_code, answer.json()) == (202, None)
    assert api.get(f"/automations/related-to/{resource}").json() == []


def test_a_work_pool(api: TestClient, flow_id: str) -> None:
    made = api.post("/work_pools/", json={"name": "p", "type": "process"})
    assert (made.status_code, made.json()["status"]) == (201, "NOT_READY")
    assert api.post("/work_pools/", json={"name": "Prefect"}).status_code == 403
    assert deploy(api, flow_id, work_pool_name="p")["work_queue_id"] == made.json()["default_queue_id"]
