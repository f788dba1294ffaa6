from __future__ import annotations

from typing import Any

from api_client import TestClient


def waiting_run(api: TestClient, queue: str) -> str:
    """A run that is due, of a deployment in a queue of the pool for agents."""
    flow = api.post("/flows/", json={"name": "etl"}).json()["id"]
    body: dict[str, Any] = {"name": "nightly", "flow_id": flow, "work_queue_name": queue}
    deployment = api.post("/deployments/", json=body).json()["id"]
    return api.post(f"/deployments/{deployment}/create_flow_run", json={}).json()["id"]


def test_the_life_of_a_queue(api: TestClient) -> None:
    made = api.post("/work_queues/", json={"name": "q", "concurrency_limit": 2})
    queue = made.json()
    assert (made.status_code, queue["work_pool_name"], queue["active_slots"]) == (201, "default-agent-pool", 0)
    assert api.post("/work_queues/", json={"name": "q"}).status_code == 409
    assert api.get(f"/work_queues/{queue['id']}").json() == queue == api.get("/work_queues/name/q").json()
    assert api.patch(f"/work_queues/{queue['id']}", json={"is_paused": True}).status_code == 204
    assert api.post("/work_queues/filter", json={"work_queues": {"name": {"any_": ["q"]}}}).json()[0]["is_paused"]
    assert api.delete(f"/work_queues/{queue['id']}").status_code == 204
    assert api.get(f"/work_queues/{queue['id']}").json() == {"detail": "work queue not found"}


def test_a_dashboard_that_looks_does_not_poll(api: TestClient) -> None:
    run = waiting_run(api, "q")
    queue = api.get("/work_queues/name/q").json()["id"]
    seen = api.post(f"/work_queues/{queue}/get_runs", json={}, headers={"x-prefect-ui": "true"})
    assert ([each["id"] for each in seen.json()], seen.json()[0]["work_pool_name"]) == ([run], None)
    assert api.get(f"/work_queues/{queue}/status").json()["last_polled"] is None
    api.post(f"/work_queues/{queue}/get_runs", json={})
    assert api.get(f"/work_queues/{queue}/status").json()["healthy"]


def test_slots_and_what_is_missing(api: TestClient) -> None:
    waiting_run(api, "q")
    queue = api.get("/work_queues/name/q").json()["id"]
    status = api.post(f"/work_queues/{queue}/concurrency_status", json={}).json()
    assert (status["active_slots"], status["flow_runs"], status["limit"]) == (0, [], 200)
    missing = "00000000-0000-4000-8000-000000000000"
    message = f"Work queue with id {missing} not found"
    assert api.get(f"/work_queues/{missing}/status").json() == {"exception_message": message}
    assert api.post(f"/work_queues/{missing}/get_runs", json={}).json() == {"exception_message": f"{message}."}
