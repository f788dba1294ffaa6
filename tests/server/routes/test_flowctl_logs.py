"""Searching logs through the API."""

from __future__ import annotations

from typing import Any

import pytest
from api_client import TestClient

START = "2026-03-01T12:00:00Z"


def log(api: TestClient, *messages: str, run: str | None = None) -> None:
    lines = [
        {"name": "prefect.flow_runs", "level": 20, "message": text, "timestamp": START, "flow_run_id": run}
        for text in messages
    ]
    assert api.post("/logs/", json=lines).status_code == 201


def test_matches_come_with_places_runs_and_context(api: TestClient) -> None:
    flow = api.post("/flows/", json={"name": "etl"}).json()
    run = api.post("/flow_runs/", json={"flow_id": flow["id"], "name": "calm-lynx"}).json()
    log(api, "before", "KeyError: 'x'", "after", run=run["id"])
    found = api.post("/flowctl/logs/search", json={"pattern": "KeyError: 'x'", "context": 2}).json()
    [match] = found["matches"]
    assert match["log"]["message"] == "KeyError: 'x'"
    assert match["log"]["timestamp"] == START
    assert match["spans"] == [[0, 9], [10, 13]]
    assert [line["message"] for line in match["earlier"] + match["later"]] == ["before", "after"]
    assert found["runs"] == [
        {"id": run["id"], "name": "calm-lynx", "flow_id": flow["id"], "flow_name": "etl"},
    ]
    assert found["before"] is None


def test_pages(api: TestClient) -> None:
    log(api, *(f"line {n}" for n in range(5)))
    first = api.post("/flowctl/logs/search", json={"pattern": "line", "limit": 3}).json()
    assert [match["log"]["message"] for match in first["matches"]] == ["line 4", "line 3", "line 2"]
    rest = api.post("/flowctl/logs/search", json={"pattern": "line", "before": first["before"]}).json()
    assert [match["log"]["message"] for match in rest["matches"]] == ["line 1", "line 0"]
    assert rest["before"] is None


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({}, "required"),
        ({"pattern": ""}, "at least 1 character"),
        ({"pattern": " "}, "The pattern is empty."),
        ({"pattern": "(", "regex": True}, "not a regular expression"),
        ({"pattern": "(a+)+", "regex": True}, "repeats"),
        ({"pattern": "a", "limit": 201}, "200"),
        ({"pattern": "a", "context": 51}, "50"),
    ],
)
def test_what_cannot_be_searched_for_is_refused(api: TestClient, body: dict[str, Any], message: str) -> None:
    answer = api.post("/flowctl/logs/search", json=body)
    assert answer.status_code == 422
    assert message in answer.text
