"""Routes of events: status, shapes, and pages."""

from __future__ import annotations

import base64
from typing import Any
from uuid import uuid4

import pytest
from api_client import TestClient

WINDOW = {"since": "2024-02-29T00:00:00Z", "until": "2024-03-02T00:00:00Z"}


def event(number: int, **changes: Any) -> dict[str, Any]:
    return {
        "id": str(uuid4()),
        "occurred": f"2024-03-01T00:{number:02d}:00Z",
        "event": f"demo.{number % 2}",
        "resource": {"prefect.resource.id": f"demo.{number % 3}"},
        "payload": {"number": number},
        **changes,
    }


def numbers(page: dict[str, Any]) -> list[int]:
    return [each["payload"]["number"] for each in page["events"]]


def test_events_are_recorded_and_found(api: TestClient) -> None:
    sent = event(1, follows=str(uuid4()), related=[{"prefect.resource.id": "r", "prefect.resource.role": "owner"}])
    assert api.post("/events", json=[sent, event(2)]).status_code == 204
    page = api.post("/events/filter", json={"filter": {"occurred": WINDOW, "order": "ASC"}}).json()
    assert (page["total"], page["next_page"]) == (2, None)
    received = page["events"][0].pop("received")
    assert received.endswith("Z")
    assert page["events"][0] == sent


def test_without_a_body_the_last_180_days_are_listed(api: TestClient) -> None:
    api.post("/events", json=[event(1)])
    assert api.post("/events/filter").json() == {"events": [], "total": 0, "next_page": None}
    assert api.post("/events/filter", json={"filter": None, "limit": None}).json()["total"] == 0


def test_a_range_may_span_all_time(api: TestClient) -> None:
    api.post("/events", json=[{**event(1), "occurred": "1999-12-31T23:59:59Z"}])
    since, until = "0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999999Z"
    for occurred, total in (({"since": since, "until": until}, 1), ({"since": since}, 1), ({"until": until}, 0)):
        assert api.post("/events/filter", json={"filter": {"occurred": occurred}}).json()["total"] == total


def test_pages_are_linked(api: TestClient) -> None:
    api.post("/events", json=[event(number) for number in range(5)])
    page = api.post("/events/filter", json={"filter": {"occurred": WINDOW}, "limit": 2}).json()
    seen = numbers(page)
    while page["next_page"]:
        assert page["next_page"].startswith("http://testserver/api/events/filter/next?page-token=")
        page = api.get(page["next_page"]).json()
        assert page["total"] == 5
        seen += numbers(page)
    assert seen == [4, 3, 2, 1, 0]


@pytest.mark.parametrize("token", ["bogus", "", "e30", "%C3%A4"])
def test_a_token_that_was_not_made_here_is_forbidden(api: TestClient, token: str) -> None:
    response = api.get(f"/events/filter/next?page-token={token}")
    assert (response.status_code, response.json()) == (403, {"detail": "Forbidden"})


@pytest.mark.parametrize("limit", [-1, 51, 10**6])
def test_a_token_asks_for_no_more_than_a_page(api: TestClient, limit: int) -> None:
    api.post("/events", json=[event(number) for number in range(5)])
    page = api.post("/events/filter", json={"filter": {"occurred": WINDOW}, "limit": 2}).json()
    token = page["next_page"].partition("page-token=")[2]
    query = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)).decode().replace('"limit":2', f'"limit":{limit}')
    forged = base64.urlsafe_b64encode(query.encode()).decode()
    assert forged != token
    assert api.get("/events/filter/next", params={"page-token": forged}).status_code == 403


def test_a_missing_token_is_named(api: TestClient) -> None:
    response = api.get("/events/filter/next")
    assert response.status_code == 422
    assert response.json()["exception_detail"][0]["loc"] == ["query", "page-token"]


@pytest.mark.parametrize(
    "body",
    [{"limit": 51}, {"limit": -1}, {"filter": {"bogus": 1}}, {"filter": {"text": {"query": "x" * 201}}}],
)
def test_bad_queries_are_refused(api: TestClient, body: dict[str, Any]) -> None:
    assert api.post("/events/filter", json=body).status_code == 422


def test_counts(api: TestClient) -> None:
    api.post("/events", json=[event(number) for number in range(3)])
    body = {"filter": {"occurred": WINDOW}}
    by_name = api.post("/events/count-by/event", json=body).json()
    assert by_name[0] == {
        "value": "demo.0",
        "label": "demo.0",
        "count": 2,
        "start_time": "2024-03-01T00:00:00Z",
        "end_time": "2024-03-01T00:02:00Z",
    }
    by_day = api.post("/events/count-by/day", json=body).json()
    assert [each["count"] for each in by_day] == [0, 3]
    by_week = api.post("/events/count-by/time", json={**body, "time_unit": "week"}).json()
    assert [each["label"] for each in by_week] == ["2024-02-26T00:00:00+00:00"]
    assert len(api.post("/events/count-by/resource", json=body).json()) == 3


@pytest.mark.parametrize(
    ("countable", "body"),
    [
        ("event", {}),
        ("nope", {"filter": {}}),
        ("event", {"filter": {}, "time_unit": "x"}),
        ("event", {"filter": {}, "time_interval": 0}),
        ("time", {"filter": {"occurred": WINDOW}, "time_unit": "second"}),
    ],
)
def test_bad_counts_are_refused(api: TestClient, countable: str, body: dict[str, Any]) -> None:
    assert api.post(f"/events/count-by/{countable}", json=body).status_code == 422


def test_task_runs_are_recorded_from_events(api: TestClient) -> None:
    run = str(uuid4())
    sent = event(
        1,
        event="prefect.task-run.Running",
        resource={"prefect.resource.id": f"prefect.task-run.{run}", "prefect.orchestration": "client"},
        payload={
            "validated_state": {"type": "RUNNING"},
            "task_run": {"name": "t", "task_key": "k", "dynamic_key": "0"},
        },
    )
    assert api.post("/events", json=[sent]).status_code == 204
    found = api.get(f"/task_runs/{run}").json()
    assert (found["state_name"], found["state_id"]) == ("Running", sent["id"])


def test_events_that_are_too_large_are_left_out(api: TestClient) -> None:
    assert api.post("/events", json=[event(1, payload={"text": "x" * 1_500_000}), event(2)]).status_code == 204
    assert numbers(api.post("/events/filter", json={"filter": {"occurred": WINDOW}}).json()) == [2]
