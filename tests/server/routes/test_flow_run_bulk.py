"""Operations on all flow runs that a filter matches."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from api_client import TestClient

NOBODY = {"id": {"any_": [str(uuid4())]}}


@pytest.fixture
def flow(api: TestClient) -> str:
    """The id of a flow."""
    return api.post("/flows/", json={"name": "etl"}).json()["id"]


def run(api: TestClient, flow: str, type: str = "PENDING", **fields: object) -> str:
    """The id of a new run in some state."""
    return api.post("/flow_runs/", json={"flow_id": flow, "state": {"type": type}, **fields}).json()["id"]


def chosen(*ids: str) -> dict[str, Any]:
    """A filter on ids."""
    return {"id": {"any_": list(ids)}}


def state(api: TestClient, id: str) -> str:
    """The type of the state that a run is in."""
    return api.get(f"/flow_runs/{id}").json()["state_type"]


def delete(api: TestClient, **body: object) -> list[str]:
    """The ids that were deleted."""
    response = api.post("/flow_runs/bulk_delete", json=body)
    assert response.status_code == 200
    assert set(response.json()) == {"deleted"}
    return response.json()["deleted"]


def propose(api: TestClient, type: str, **body: object) -> dict[str, str]:
    """What became of the runs to which a state was proposed: its type, or why there is none."""
    response = api.post("/flow_runs/bulk_set_state", json={"state": {"type": type}, **body})
    assert response.status_code == 200
    assert all(set(each) == {"flow_run_id", "status", "state", "details"} for each in response.json()["results"])
    return {
        each["flow_run_id"]: each["state"]["type"] if each["status"] == "ACCEPT" else each["status"]
        for each in response.json()["results"]
    }


def test_matching_runs_are_deleted_and_those_that_are_not_there_left_out(api: TestClient, flow: str) -> None:
    first, second, other = run(api, flow), run(api, flow), run(api, flow)
    assert set(delete(api, flow_runs=chosen(first, second, str(uuid4())))) == {first, second}
    assert api.get(f"/flow_runs/{first}").status_code == 404
    assert api.get(f"/flow_runs/{other}").status_code == 200
    assert delete(api, flow_runs=NOBODY) == []


def test_runs_are_deleted_by_the_name_or_the_type_of_their_state(api: TestClient, flow: str) -> None:
    late = run(api, flow, state={"type": "SCHEDULED", "name": "Late"})
    due, under_way = run(api, flow, "SCHEDULED"), run(api, flow, "RUNNING")
    assert delete(api, flow_runs={"state": {"name": {"any_": ["Late"]}}}) == [late]
    assert delete(api, flow_runs={"state": {"type": {"any_": ["RUNNING"]}}}) == [under_way]
    assert delete(api) == [due]


def test_a_limit_bounds_what_is_done(api: TestClient, flow: str) -> None:
    runs = [run(api, flow) for _ in range(5)]
    assert len(propose(api, "CANCELLED", flow_runs=chosen(*runs), force=True, limit=2)) == 2
    assert sorted(state(api, id) for id in runs) == ["CANCELLED"] * 2 + ["PENDING"] * 3
    assert len(delete(api, flow_runs=chosen(*runs), limit=2)) == 2
    assert len(delete(api, limit=2)) == 2
    assert api.post("/flow_runs/count", json={}).json() == 1


@pytest.mark.parametrize("limit", [0, 51, "many"])
def test_a_limit_out_of_bounds_is_refused(api: TestClient, limit: object) -> None:
    for path, more in (("bulk_delete", {}), ("bulk_set_state", {"state": {"type": "CANCELLED"}})):
        response = api.post(f"/flow_runs/{path}", json={"flow_runs": NOBODY, "limit": limit, **more})
        assert response.status_code == 422
        assert [entry["loc"] for entry in response.json()["exception_detail"]] == [["body", "limit"]]


def test_each_run_gets_the_answer_of_its_own_rules(api: TestClient, flow: str) -> None:
    waiting, under_way, done = run(api, flow), run(api, flow, "RUNNING"), run(api, flow, "COMPLETED")
    runs = chosen(waiting, under_way, done)
    assert propose(api, "PENDING", flow_runs=runs) == {waiting: "ABORT", under_way: "ABORT", done: "PENDING"}
    assert propose(api, "CANCELLED", flow_runs=chosen(waiting, under_way)) == {
        waiting: "CANCELLED",
        under_way: "CANCELLED",
    }
    assert propose(api, "RUNNING", flow_runs=chosen(done), force=True) == {done: "RUNNING"}
    assert propose(api, "CANCELLED", flow_runs=NOBODY) == {}


def test_a_state_is_proposed_to_runs_in_a_state(api: TestClient, flow: str) -> None:
    waiting, under_way = run(api, flow), run(api, flow, "RUNNING")
    assert propose(api, "CANCELLED", flow_runs={"state": {"type": {"any_": ["PENDING"]}}}) == {waiting: "CANCELLED"}
    assert state(api, under_way) == "RUNNING"


def test_a_state_must_be_sent(api: TestClient) -> None:
    response = api.post("/flow_runs/bulk_set_state", json={"flow_runs": NOBODY})
    assert response.status_code == 422
    assert [entry["loc"] for entry in response.json()["exception_detail"]] == [["body", "state"]]


@pytest.mark.parametrize(
    ("type", "left"), [("PENDING", 0), ("RUNNING", 0), ("CANCELLING", 0), ("SCHEDULED", 1), ("PAUSED", 1)]
)
def test_deleted_runs_give_back_the_slot_of_their_deployment(api: TestClient, flow: str, type: str, left: int) -> None:
    body = {"name": "nightly", "flow_id": flow, "concurrency_limit": 3}
    limit = api.post("/deployments/", json=body).json()["global_concurrency_limit"]
    ids = [run(api, flow, type, deployment_id=each["id"]) for each in api.post("/deployments/filter", json={}).json()]
    taken = {"names": [limit["name"]], "slots": 1, "mode": "concurrency"}
    assert api.post("/v2/concurrency_limits/increment", json=taken).status_code == 200
    assert delete(api, flow_runs=chosen(*ids)) == ids
    assert api.get(f"/v2/concurrency_limits/{limit['id']}").json()["active_slots"] == left
