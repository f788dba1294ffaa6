from __future__ import annotations

from uuid import uuid4

from api_client import TestClient


def test_an_artifact_over_its_life(api: TestClient) -> None:
    made = api.post("/artifacts/", json={"key": "k", "type": "markdown", "data": "# one"})
    assert made.status_code == 201
    artifact = made.json()
    assert api.get(f"/artifacts/{artifact['id']}").json() == artifact
    assert api.patch(f"/artifacts/{artifact['id']}", json={"data": {"a": [1, None]}}).status_code == 204
    shown = api.get("/artifacts/k/latest").json()
    assert shown["data"] == {"a": [1, None]}
    assert set(shown) == set(artifact)
    (collection,) = api.post("/artifacts/latest/filter").json()
    assert collection["latest_id"] == artifact["id"]
    assert [each["id"] for each in api.post("/artifacts/filter", json={"limit": 1}).json()] == [artifact["id"]]
    assert api.post("/artifacts/count", json={"artifacts": {"type": {"any_": ["table"]}}}).json() == 0
    assert api.post("/artifacts/latest/count").json() == 1
    assert api.delete(f"/artifacts/{artifact['id']}").status_code == 204
    assert api.get("/artifacts/k/latest").json() == {"detail": "Artifact not found."}


def test_what_is_wrong_is_told_as_prefect_tells_it(api: TestClient) -> None:
    answer = api.post("/artifacts/", json={"key": "Bad Key"})
    assert answer.status_code == 422
    assert answer.json()["exception_detail"][0]["loc"] == ["body", "key"]
    assert api.post("/artifacts/", json={"bogus": 1}).json()["exception_detail"][0]["type"] == "extra_forbidden"
    assert api.get("/artifacts/nope").json() == {"detail": "Not Found"}
    for method in ("GET", "DELETE", "PATCH"):
        gone = api.request(method, f"/artifacts/{uuid4()}", json={})
        assert (gone.status_code, gone.json()) == (404, {"detail": "Artifact not found."})
