from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from api_client import TestClient


@pytest.fixture
def runs(api: TestClient) -> list[dict[str, Any]]:
    """Two runs that failed, and one that completed."""
    flow = api.post("/flows/", json={"name": "etl"}).json()
    made = []
    for name, state in (("one", "FAILED"), ("two", "FAILED"), ("three", "COMPLETED")):
        run = api.post("/flow_runs/", json={"flow_id": flow["id"], "name": name, "state": {"type": state}}).json()
        task = {"flow_run_id": run["id"], "task_key": "t", "dynamic_key": "0", "name": f"task of {name}"}
        api.post("/task_runs/", json=task)
        made.append(api.get(f"/flow_runs/{run['id']}").json())
    return made


def names(api: TestClient) -> set[str]:
    return {run["name"] for run in api.post("/flow_runs/filter", json={}).json()}


def test_runs_are_deleted_by_their_ids_and_brought_back(api: TestClient, runs: list[dict[str, Any]]) -> None:
    ids = [runs[0]["id"], str(uuid4())]
    answer = api.post("/flowctl/runs/delete", json={"ids": ids}).json()
    assert (answer["deleted"], answer["more"]) == (ids[:1], False)
    assert api.get(f"/flow_runs/{ids[0]}").status_code == 404
    back = api.post("/flowctl/trash/restore", json={"batch": answer["batch"]}).json()
    assert back == {"batch": answer["batch"], "restored": ids[:1], "lost": [], "more": False}
    assert api.get(f"/flow_runs/{ids[0]}").json() == runs[0]
    gone = api.post("/flowctl/trash/restore", json={"batch": answer["batch"]})
    assert (gone.status_code, "is in the trash" in gone.json()["detail"]) == (404, True)
    lost = api.post("/flowctl/trash/restore", json={"ids": ids}).json()
    assert [each["what"] for each in lost["lost"]] == ["run", "run"]


def test_runs_are_deleted_by_a_filter(api: TestClient, runs: list[dict[str, Any]]) -> None:
    body = {"flow_runs": {"state": {"type": {"any_": ["FAILED"]}}}}
    first = api.post("/flowctl/runs/delete", json={**body, "limit": 1}).json()
    assert (len(first["deleted"]), first["more"]) == (1, True)
    rest = api.post("/flowctl/runs/delete", json={**body, "batch": first["batch"]}).json()
    assert (len(rest["deleted"]), rest["more"], rest["batch"]) == (1, False, first["batch"])
    assert names(api) == {"three"}
    assert len(api.post("/flowctl/trash/restore", json={}).json()["restored"]) == 2
    assert names(api) == {"one", "two", "three"}


def test_the_trash_is_listed_and_emptied(api: TestClient, runs: list[dict[str, Any]]) -> None:
    batch = api.post("/flowctl/runs/delete", json={"ids": [run["id"] for run in runs]}).json()["batch"]
    found = api.post("/flowctl/trash/filter", json={"limit": 2}).json()
    assert ([run["name"] for run in found["runs"]], found["count"]) == (["three", "two"], 3)
    assert {"id", "name", "flow_name", "state_type", "deleted", "expires", "batch", "task_runs"} <= set(
        found["runs"][0]
    )
    assert [(each["id"], each["runs"]) for each in found["batches"]] == [(batch, 3)]
    (one,) = api.post("/flowctl/trash/filter", json={"reference": "one"}).json()["runs"]
    assert one["id"] == runs[0]["id"]
    assert api.post("/flowctl/trash/empty", json={"ids": [one["id"]]}).json() == {"runs": 1}
    assert api.post("/flowctl/trash/empty", json={}).json() == {"runs": 2}
    assert api.post("/flowctl/trash/filter", json={}).json() == {"runs": [], "batches": [], "count": 0}


def test_purged_runs_leave_nothing(api: TestClient, runs: list[dict[str, Any]]) -> None:
    answer = api.post("/flowctl/runs/delete", json={"ids": [runs[0]["id"]], "purge": True}).json()
    assert (answer["batch"], answer["deleted"]) == (None, [runs[0]["id"]])
    assert api.post("/flowctl/trash/restore", json={}).status_code == 404


def test_the_extent_is_told(api: TestClient, runs: list[dict[str, Any]]) -> None:
    told = api.post("/flowctl/runs/extent", json={"ids": [run["id"] for run in runs]}).json()
    assert told == {"runs": 3, "task_runs": 3, "log_lines": 0, "flow_ids": [runs[0]["flow_id"]], "subflow_runs": []}


@pytest.mark.parametrize("body", [{}, {"ids": [], "flow_runs": {}}, {"ids": ["x"]}, {"ids": [], "limit": 0}])
def test_what_is_wrong_is_refused(api: TestClient, body: dict[str, Any]) -> None:
    assert api.post("/flowctl/runs/delete", json=body).status_code == 422
