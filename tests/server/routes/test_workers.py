from __future__ import annotations

from api_client import TestClient


def test_a_worker_reports_and_is_listed(api: TestClient) -> None:
    api.post("/work_pools/", json={"name": "local", "type": "process"})
    path = "/work_pools/local/workers"
    body = {"name": "w1", "heartbeat_interval_seconds": 20}
    assert api.post(f"{path}/heartbeat", json=body).status_code == 204
    (worker,) = api.post(f"{path}/filter", json={"workers": {"status": {"any_": ["ONLINE"]}}}).json()
    assert (worker["name"], worker["status"], worker["heartbeat_interval_seconds"]) == ("w1", "ONLINE", 20)
    assert api.get("/work_pools/local").json()["status"] == "READY"
    assert api.delete(f"{path}/w1").status_code == 204
    gone = api.delete(f"{path}/w1")
    assert (gone.status_code, gone.json()) == (404, {"detail": "Worker not found."})


def test_a_heartbeat_needs_a_name_and_a_pool(api: TestClient) -> None:
    assert api.post("/work_pools/nope/workers/heartbeat", json={"name": "w"}).status_code == 404
    assert api.post("/work_pools/nope/workers/heartbeat", json={}).status_code == 422
    assert api.post("/work_pools/nope/workers/filter", json={"workers": {"x": 1}}).status_code == 422
