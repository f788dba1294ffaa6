"""Lists, counts and histories over HTTP: what is accepted, and the shape of what is answered."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from api_client import TestClient

from flowctl.ops import log_lists

LISTS = ("/flows", "/flow_runs", "/task_runs")


@pytest.fixture
def flow(api: TestClient) -> str:
    return api.post("/flows/", json={"name": "etl"}).json()["id"]


@pytest.fixture
def run(api: TestClient, flow: str) -> str:
    return new_run(api, flow, "nightly")


def new_run(api: TestClient, flow: str, name: str, state: str = "RUNNING") -> str:
    body = {"flow_id": flow, "name": name, "state": {"type": state}, "tags": [name]}
    return api.post("/flow_runs/", json=body).json()["id"]


def new_task(api: TestClient, run: str, name: str) -> str:
    body = {"flow_run_id": run, "name": name, "task_key": name, "dynamic_key": "0", "state": {"type": "RUNNING"}}
    return api.post("/task_runs/", json=body).json()["id"]


def test_a_body_may_be_empty_or_null_or_full_of_nulls(api: TestClient, run: str) -> None:
    for content in (b"", b"null", b"{}", b'{"limit": null, "sort": null, "offset": null, "flow_runs": null, "new": 1}'):
        response = api.post("/flow_runs/filter", content=content)
        assert [found["id"] for found in response.json()] == [run]


@pytest.mark.parametrize("path", [*(f"{path}/filter" for path in LISTS), "/logs/filter", "/saved_searches/filter"])
@pytest.mark.parametrize(
    ("limit", "message"),
    [
        (201, "Invalid limit: must be less than or equal to 200."),
        (-1, "Invalid limit: must be greater than or equal to 0."),
    ],
)
def test_a_page_has_a_greatest_length(api: TestClient, path: str, limit: int, message: str) -> None:
    response = api.post(path, json={"limit": limit})
    assert (response.status_code, response.json()) == (422, {"detail": message})
    assert api.post(path, json={"limit": 200}).status_code == 200
    assert api.post(path, json={"limit": 0}).json() == []


@pytest.mark.parametrize(
    ("body", "place"),
    [
        ({"offset": -1}, ["offset"]),
        ({"sort": "UPWARDS"}, ["sort"]),
        ({"flow_runs": {"bogus": {}}}, ["flow_runs", "bogus"]),
        ({"flow_runs": {"state": {"type": {"any_": ["NOPE"]}}}}, ["flow_runs", "state", "type", "any_", 0]),
        ({"flow_runs": {"id": {"any_": "x"}}}, ["flow_runs", "id", "any_"]),
        ({"flow_runs": {"operator": "nor_"}}, ["flow_runs", "operator"]),
        ({"work_pools": 5}, ["work_pools"]),
    ],
)
def test_criteria_are_checked(api: TestClient, body: dict[str, Any], place: list[object]) -> None:
    response = api.post("/flow_runs/filter", json=body)
    assert response.status_code == 422
    assert response.json()["exception_detail"][0]["loc"] == ["body", *place]


def test_criteria_combine_across_resources(api: TestClient, flow: str, run: str) -> None:
    other = new_run(api, flow, "other", "COMPLETED")
    task = new_task(api, run, "extract")
    state = {"state": {"type": {"any_": ["RUNNING"]}}}
    assert api.post("/flow_runs/count", json={"task_runs": {"name": {"like_": "EXTR"}}}).json() == 1
    assert api.post("/flow_runs/count", json={"flows": {"name": {"any_": ["etl"]}}, "flow_runs": state}).json() == 1
    assert api.post("/task_runs/count", json={"flow_runs": {"id": {"any_": [other]}}}).json() == 0
    assert [found["id"] for found in api.post("/task_runs/filter", json={"flow_runs": state}).json()] == [task]
    assert api.post("/flows/count", json={"task_runs": {"id": {"any_": [task]}}}).json() == 1
    assert api.post("/flows/filter", json={"deployments": {}}).json() == []


def test_pages(api: TestClient, flow: str) -> None:
    for name in ("c", "a", "b"):
        new_run(api, flow, name)
    page = api.post("/flow_runs/paginate", json={"sort": "NAME_ASC", "limit": 2, "page": 2}).json()
    assert [found["name"] for found in page.pop("results")] == ["c"]
    assert page == {"count": 3, "limit": 2, "pages": 2, "page": 2}
    assert api.post("/flow_runs/paginate", json={"page": 0}).status_code == 422
    assert api.post("/flows/paginate", json={"limit": 0}).json()["pages"] == 0


def test_task_runs_on_a_page_are_short(api: TestClient, run: str) -> None:
    new_task(api, run, "extract")
    (short,) = api.post("/task_runs/paginate", json={}).json()["results"]
    (full,) = api.post("/task_runs/filter", json={}).json()
    assert set(full) - set(short) == {
        "dynamic_key",
        "cache_key",
        "cache_expiration",
        "labels",
        "state_type",
        "state_name",
        "run_count",
        "flow_run_run_count",
        "expected_start_time",
        "next_scheduled_start_time",
    }
    assert short["state"]["type"] == "RUNNING"


def test_histories_and_lateness(api: TestClient, run: str) -> None:
    now = datetime.now(UTC).replace(microsecond=0)
    body = {
        "history_start": (now - timedelta(hours=1)).isoformat(),
        "history_end": (now + timedelta(hours=3)).isoformat(),
        "history_interval_seconds": 7200,
    }
    history = api.post("/flow_runs/history", json=body).json()
    assert [len(each["states"]) for each in history] == [1, 0]
    assert history[0]["interval_end"] == history[1]["interval_start"]
    (state,) = history[0]["states"]
    assert state["count_runs"] == 1
    assert isinstance(state["sum_estimated_run_time"], float)
    assert isinstance(state["sum_estimated_lateness"], float)
    assert api.post("/task_runs/history", json=body).json()[0]["states"] == []
    short = api.post("/flow_runs/history", json={**body, "history_interval_seconds": 0.5})
    assert (short.status_code, short.json()) == (422, {"detail": "History interval must not be less than 1 second."})
    missing = api.post("/task_runs/history", json={}).json()["exception_detail"]
    assert [entry["loc"][1] for entry in missing] == ["history_start", "history_end", "history_interval_seconds"]
    assert api.post("/flow_runs/lateness", json={}).json() >= 0
    assert api.post("/flow_runs/lateness", json={"flow_runs": {"id": {"any_": []}}}).json() is None


def test_graphs(api: TestClient, run: str) -> None:
    task = new_task(api, run, "extract")
    graph = api.get(f"/flow_runs/{run}/graph-v2").json()
    assert (graph["root_node_ids"], graph["nodes"][0][0], graph["nodes"][0][1]["label"]) == ([task], task, "extract")
    assert api.get(f"/flow_runs/{run}/graph-v2", params={"since": "2100-01-01T00:00:00Z"}).json()["nodes"]
    assert api.get(f"/flow_runs/{run}/graph-v2", params={"since": "x"}).status_code == 422
    assert [each["id"] for each in api.get(f"/flow_runs/{run}/graph").json()] == [task]
    missing = uuid4()
    assert api.get(f"/flow_runs/{missing}/graph-v2").json() == {"exception_message": f"Flow run {missing} not found"}
    assert api.get(f"/flow_runs/{missing}/graph").json() == {
        "exception_message": f"Flow run with id {missing} not found"
    }


def test_states_by_run_and_by_id(api: TestClient, run: str) -> None:
    api.post(f"/flow_runs/{run}/set_state", json={"state": {"type": "COMPLETED"}})
    states = api.get("/flow_run_states/", params={"flow_run_id": run}).json()
    assert [state["type"] for state in states] == ["RUNNING", "COMPLETED"]
    assert api.get(f"/flow_run_states/{states[0]['id']}").json() == states[0]
    assert api.get(f"/flow_run_states/{uuid4()}").json() == {"detail": "Flow run state not found"}
    assert api.get("/flow_run_states/").status_code == 422
    task = new_task(api, run, "extract")
    (state,) = api.get("/task_run_states/", params={"task_run_id": task}).json()
    assert api.get(f"/task_run_states/{state['id']}").json() == state
    assert api.get(f"/task_run_states/{uuid4()}").status_code == 404
    assert api.get("/task_run_states/", params={"task_run_id": str(uuid4())}).json() == []


def test_log_lines_are_listed_and_searched(api: TestClient, run: str) -> None:
    line = {"name": "l", "level": 20, "flow_run_id": run}
    moments = ("2026-03-01T12:00:02Z", "2026-03-01T12:00:01Z")
    api.post("/logs/", json=[{**line, "message": f"line {moment[-2]}", "timestamp": moment} for moment in moments])
    messages = [log["message"] for log in api.post("/logs/filter", json={}).json()]
    assert messages == ["line 1", "line 2"]
    found = api.post("/logs/filter", json={"logs": {"text": {"query": "line -1"}}, "sort": "TIMESTAMP_DESC"}).json()
    assert [log["message"] for log in found] == ["line 2"]
    assert api.post("/logs/filter", json={"logs": {"text": {"query": "x" * 201}}}).status_code == 422


def test_a_log_is_downloaded_in_pieces(api: TestClient, run: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_lists, "LINES_A_CHUNK", 4)
    line = {"name": "l", "level": 20, "flow_run_id": run, "timestamp": "2026-03-01T12:00:00Z"}
    api.post("/logs/", json=[{**line, "message": f"line {number}"} for number in range(10)])
    for encoding in ("gzip", "identity"):
        response = api.get(f"/flow_runs/{run}/logs/download", headers={"Accept-Encoding": encoding})
        assert response.headers["content-type"] == "text/csv; charset=utf-8"
        assert response.headers["content-disposition"] == (
            "attachment; filename=\"flow-run-logs.csv\"; filename*=UTF-8''nightly-logs.csv"
        )
        assert response.headers.get("content-encoding", "identity") == encoding
        header, *lines = response.text.removesuffix("\r\n").split("\r\n")
        assert header == "timestamp,level,flow_run_id,task_run_id,message"
        assert lines == [f"2026-03-01 12:00:00+00:00,20,{run},,line {number}" for number in range(10)]


def test_a_download_of_an_unknown_run_is_not_found(api: TestClient) -> None:
    response = api.get(f"/flow_runs/{uuid4()}/logs/download")
    assert (response.status_code, response.json()) == (404, {"detail": "Flow run not found"})


def test_the_dashboards_questions(api: TestClient, flow: str, run: str) -> None:
    nobody = str(uuid4())
    new_task(api, run, "extract")
    assert api.post("/ui/flows/count-deployments", json={"flow_ids": [flow, nobody]}).json() == {flow: 0, nobody: 0}
    assert api.post("/ui/flows/next-runs", json={"flow_ids": [flow]}).json() == {flow: None}
    assert api.post("/ui/flow_runs/count-task-runs", json={"flow_run_ids": [run]}).json() == {run: 1}
    for path in ("flows/count-deployments", "flows/next-runs", "flow_runs/count-task-runs"):
        assert api.post(f"/ui/{path}", json={}).status_code == 422
    (point,) = api.post("/ui/flow_runs/history", json={"limit": -1}).json()
    assert (point["id"], point["state_type"], set(point)) == (
        run,
        "RUNNING",
        {"id", "state_type", "timestamp", "duration", "lateness"},
    )
    assert api.post("/ui/flow_runs/history", json={"limit": 1001}).status_code == 422
    assert api.post("/ui/task_runs/count", json={}).json()["RUNNING"] == 1
    assert api.post("/ui/task_runs/dashboard/counts", json={}).status_code == 422
    assert api.post("/ui/task_runs/dashboard/counts", json={"task_runs": {}}).json() == {
        "detail": "task_runs.start_time.after_ is required"
    }
    since = {"task_runs": {"start_time": {"after_": "2026-01-01T00:00:00Z"}}}
    assert api.post("/ui/task_runs/dashboard/counts", json=since).json() == [{"completed": 0, "failed": 0}] * 20


def test_a_task_run_with_the_name_of_its_run(api: TestClient, run: str) -> None:
    task = new_task(api, run, "extract")
    assert api.get(f"/ui/task_runs/{task}").json()["flow_run_name"] == "nightly"
    assert api.get(f"/ui/task_runs/{uuid4()}").json() == {"detail": "Task not found"}


def test_values_are_checked_against_their_schema(api: TestClient) -> None:
    schema = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
    answer = api.post("/ui/schemas/validate", json={"schema": schema, "values": {"n": "x"}}).json()
    assert answer == {"errors": [{"property": "n", "errors": ["'x' is not of type 'integer'"]}], "valid": False}
    assert api.post("/ui/schemas/validate", json={"schema": {"type": "no"}, "values": {}}).status_code == 422


def test_saved_searches(api: TestClient) -> None:
    criterion = {"object": "flow_run", "property": "name", "type": "string", "operation": "contains", "value": "x"}
    first = api.put("/saved_searches/", json={"name": "mine", "filters": [{**criterion, "unknown": 1}]})
    again = api.put("/saved_searches/", json={"name": "mine"})
    assert (first.status_code, again.status_code) == (201, 200)
    assert (first.json()["filters"], again.json()["filters"]) == ([criterion], [])
    path = f"/saved_searches/{first.json()['id']}"
    assert api.get(path).json() == api.post("/saved_searches/filter", json={}).json()[0]
    assert [api.delete(path).status_code for _ in range(2)] == [204, 404]
    assert api.put("/saved_searches/", json={"name": "x", "bogus": 1}).status_code == 422
