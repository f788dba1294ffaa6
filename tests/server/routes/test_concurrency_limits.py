"""Limits on tags of task runs."""

from __future__ import annotations

from uuid import UUID

from api_client import TestClient

RUN, OTHER = str(UUID(int=1)), str(UUID(int=2))


def test_a_limit_on_a_tag_is_created_once_and_then_changed(api: TestClient) -> None:
    first = api.post("/concurrency_limits/", json={"tag": "db", "concurrency_limit": 1})
    assert first.status_code == 201
    assert set(first.json()) == {"id", "created", "updated", "tag", "concurrency_limit", "active_slots"}
    again = api.post("/concurrency_limits/", json={"tag": "db", "concurrency_limit": 2})
    assert (again.status_code, again.json()["id"], again.json()["concurrency_limit"]) == (200, first.json()["id"], 2)
    for path in (f"/concurrency_limits/{first.json()['id']}", "/concurrency_limits/tag/db"):
        assert api.get(path).json() == again.json()
    assert api.post("/concurrency_limits/filter", json={}).json() == [again.json()]


def test_slots_are_taken_and_given_back(api: TestClient) -> None:
    api.post("/concurrency_limits/", json={"tag": "db", "concurrency_limit": 1})
    body = {"names": ["db"], "task_run_id": RUN}
    taken = api.post("/concurrency_limits/increment", json=body)
    assert (taken.status_code, [each["name"] for each in taken.json()]) == (200, ["db"])
    locked = api.post("/concurrency_limits/increment", json={**body, "task_run_id": OTHER})
    assert (locked.status_code, locked.headers["retry-after"]) == (423, "10.0")
    assert locked.json() == {"detail": "Concurrency limit for the db tag has been reached"}
    assert api.get("/concurrency_limits/tag/db").json()["active_slots"] == [RUN]
    given = api.post("/concurrency_limits/decrement", json=body)
    assert [each["name"] for each in given.json()] == ["tag:db"]
    assert api.get("/concurrency_limits/tag/db").json()["active_slots"] == []


def test_a_limit_of_zero_locks_without_a_time_to_come_back(api: TestClient) -> None:
    api.post("/concurrency_limits/", json={"tag": "zero", "concurrency_limit": 0})
    locked = api.post("/concurrency_limits/increment", json={"names": ["zero"], "task_run_id": RUN})
    assert locked.status_code == 423
    assert "retry-after" not in locked.headers
    assert "will deadlock" in locked.json()["detail"]


def test_a_reset_names_the_holders(api: TestClient) -> None:
    api.post("/concurrency_limits/", json={"tag": "db", "concurrency_limit": 3})
    reset = api.post("/concurrency_limits/tag/db/reset", json={"slot_override": [RUN, OTHER]})
    assert (reset.status_code, reset.json()) == (200, None)
    assert set(api.get("/concurrency_limits/tag/db").json()["active_slots"]) == {RUN, OTHER}


def test_what_is_gone_is_not_found(api: TestClient) -> None:
    id = api.post("/concurrency_limits/", json={"tag": "db", "concurrency_limit": 1}).json()["id"]
    deleted = api.delete("/concurrency_limits/tag/db")
    assert (deleted.status_code, deleted.json()) == (200, None)
    for response in (
        api.get(f"/concurrency_limits/{id}"),
        api.get("/concurrency_limits/tag/db"),
        api.delete(f"/concurrency_limits/{id}"),
        api.delete("/concurrency_limits/tag/db"),
        api.post("/concurrency_limits/tag/db/reset", json={}),
    ):
        assert (response.status_code, response.json()) == (404, {"detail": "Concurrency limit not found"})


def test_bodies_are_checked(api: TestClient) -> None:
    for path, body in (
        ("/", {"tag": "x"}),
        ("/", {"tag": "x", "concurrency_limit": 1, "more": 1}),
        ("/increment", {"names": ["x"]}),
        ("/decrement", {"names": "x", "task_run_id": RUN}),
        ("/filter", {"limit": 201}),
        ("/filter", {"offset": -1}),
    ):
        assert api.post(f"/concurrency_limits{path}", json=body).status_code == 422, (path, body)
