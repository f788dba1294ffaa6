from __future__ import annotations

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
