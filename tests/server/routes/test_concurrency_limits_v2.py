"""Global limits, their slots and leases."""

from __future__ import annotations

from uuid import UUID

import pytest
from api_client import TestClient

BASE = "/v2/concurrency_limits"
NOBODY = str(UUID(int=9))


@pytest.fixture
def limit(api: TestClient) -> str:
    """The id of a limit `db` with two slots."""
    return api.post(f"{BASE}/", json={"name": "db", "limit": 2}).json()["id"]


def active_slots(api: TestClient) -> int:
    return api.get(f"{BASE}/db").json()["active_slots"]


def test_a_new_limit_is_answered_whole_and_read_without_its_statistics(api: TestClient) -> None:
    created = api.post(f"{BASE}/", json={"name": "db", "limit": 2})
    assert created.status_code == 201
    body = created.json()
    assert (body["active"], body["active_slots"], body["avg_slot_occupancy_seconds"]) == (True, 0, 2.0)
    shown = api.get(f"{BASE}/{body['id']}").json()
    assert shown == api.get(f"{BASE}/db").json()
    assert set(body) - set(shown) == {"avg_slot_occupancy_seconds", "denied_slots"}
    assert api.post(f"{BASE}/filter", json={}).json() == [shown]


def test_a_name_is_taken_once(api: TestClient, limit: str) -> None:
    taken = api.post(f"{BASE}/", json={"name": "db", "limit": 2})
    assert taken.status_code == 409
    assert taken.json()["detail"].startswith("Data integrity conflict.")


def test_a_limit_is_changed_and_deleted_by_name_and_id(api: TestClient, limit: str) -> None:
    assert api.patch(f"{BASE}/db", json={"limit": 5}).status_code == 204
    assert api.patch(f"{BASE}/{limit}", json={"name": "pool"}).status_code == 204
    assert api.get(f"{BASE}/pool").json()["limit"] == 5
    assert api.delete(f"{BASE}/pool").status_code == 204
    for response in (
        api.get(f"{BASE}/{limit}"),
        api.patch(f"{BASE}/{limit}", json={"limit": 1}),
        api.delete(f"{BASE}/{limit}"),
    ):
        assert (response.status_code, response.json()) == (404, {"detail": "Concurrency Limit not found"})


def test_slots_are_taken_until_there_are_none(api: TestClient, limit: str) -> None:
    body = {"names": ["db"], "slots": 2}
    taken = api.post(f"{BASE}/increment", json=body)
    assert (taken.status_code, taken.json()) == (200, [{"id": limit, "name": "db", "limit": 2}])
    locked = api.post(f"{BASE}/increment", json={**body, "slots": 1})
    assert (locked.status_code, locked.json()) == (423, {"detail": "Locked"})
    assert float(locked.headers["retry-after"]) > 0
    assert api.post(f"{BASE}/decrement", json=body).json() == taken.json()
    assert active_slots(api) == 0


def test_a_lease_holds_slots_and_lasts_as_long_as_it_is_renewed(api: TestClient, limit: str) -> None:
    holder = {"type": "flow_run", "id": NOBODY}
    taken = api.post(f"{BASE}/increment-with-lease", json={"names": ["db"], "slots": 2, "holder": holder})
    assert taken.status_code == 200
    lease = taken.json()["lease_id"]
    assert taken.json() == {"lease_id": lease, "limits": [{"id": limit, "name": "db", "limit": 2}]}
    assert api.post(f"{BASE}/increment-with-lease", json={"names": ["db"], "slots": 1}).status_code == 423
    assert api.post(f"{BASE}/leases/{lease}/renew", json={"lease_duration": 60}).status_code == 204
    assert api.post(f"{BASE}/decrement-with-lease", json={"lease_id": lease}).status_code == 204
    assert active_slots(api) == 0
    assert api.post(f"{BASE}/decrement-with-lease", json={"lease_id": lease}).status_code == 204
    gone = api.post(f"{BASE}/leases/{lease}/renew", json={})
    assert gone.status_code == 410
    assert gone.json() == {"detail": "Lease not found - it may have expired or been revoked"}


def test_a_lease_of_nothing_is_one_too(api: TestClient) -> None:
    taken = api.post(f"{BASE}/increment-with-lease", json={"names": ["unknown"], "slots": 1}).json()
    assert taken["limits"] == []
    assert api.post(f"{BASE}/leases/{taken['lease_id']}/renew", json={}).status_code == 204


def test_impossible_wishes_have_a_sentence(api: TestClient, limit: str) -> None:
    too_many = api.post(f"{BASE}/increment", json={"names": ["db"], "slots": 3})
    assert (too_many.status_code, too_many.json()) == (422, {"detail": "Slots requested is greater than the limit"})


@pytest.mark.parametrize(
    ("path", "body", "loc"),
    [
        ("/", {"name": "a/b", "limit": 1}, ["body", "name"]),
        ("/", {"name": "x", "limit": -1}, ["body", "limit"]),
        ("/increment", {"names": ["db"], "slots": 0}, ["body", "slots"]),
        ("/increment", {"names": ["db"], "slots": 1, "mode": "x"}, ["body", "mode"]),
        ("/increment-with-lease", {"names": ["db"], "slots": 1, "lease_duration": 59}, ["body", "lease_duration"]),
        ("/increment-with-lease", {"names": [], "slots": 1, "holder": {"type": "x"}}, ["body", "holder", "type"]),
        (
            "/increment-with-lease",
            {"names": [], "slots": 1, "holder": {"type": "task_run", "id": NOBODY, "name": "odd-crane"}},
            ["body", "holder", "name"],
        ),
        ("/increment-with-lease", {"names": [], "slots": 1, "holder": {"type": "flow_run"}}, ["body", "holder", "id"]),
        ("/decrement", {"names": ["db"], "slots": 1, "occupancy_seconds": -1}, ["body", "occupancy_seconds"]),
        ("/decrement-with-lease", {}, ["body", "lease_id"]),
        ("/leases/nope/renew", {}, ["path", "lease_id"]),
        (f"/leases/{NOBODY}/renew", {"lease_duration": 86401}, ["body", "lease_duration"]),
    ],
)
def test_bodies_are_checked(api: TestClient, path: str, body: dict[str, object], loc: list[str]) -> None:
    response = api.post(f"{BASE}{path}", json=body)
    assert response.status_code == 422
    assert response.json()["exception_detail"][0]["loc"] == loc
