"""Numbers that no clock, calendar or database has: refused by name or bounded, and never in anybody else's way."""

from __future__ import annotations

from typing import Any

import pytest
from api_client import TestClient

NOBODY = "00000000-0000-0000-0000-000000000007"
LIMITS = "/v2/concurrency_limits"


@pytest.fixture
def run(api: TestClient) -> str:
    """The id of a Running flow run, which waits a hundred billion years before its next attempt."""
    flow = api.post("/flows/", json={"name": "etl"}).json()["id"]
    policy = {"retries": 1, "retry_delay": 10**18}
    return api.post(
        "/flow_runs/", json={"flow_id": flow, "empirical_policy": policy, "state": {"type": "RUNNING"}}
    ).json()["id"]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/flow_runs/paginate", {"page": 2**62}),
        ("/flow_runs/filter", {"offset": 2**70}),
        ("/task_runs/paginate", {"page": 2**62}),
        ("/deployments/paginate", {"page": 2**62}),
        ("/events/count-by/day", {"time_unit": "week", "time_interval": 1e300}),
        (f"/deployments/{NOBODY}/schedule", {"min_time": -1e60}),
    ],
)
def test_a_question_is_refused(api: TestClient, path: str, body: dict[str, Any]) -> None:
    answer = api.post(path, json=body)
    assert answer.status_code == 422
    assert "detail" in answer.json() or "exception_detail" in answer.json()


@pytest.mark.parametrize("decay", [1e308, 5e-324])
def test_a_limit_of_any_rate_can_be_used_read_and_deleted(api: TestClient, decay: float) -> None:
    api.post(f"{LIMITS}/", json={"name": "odd", "limit": 1, "slot_decay_per_second": decay})
    api.post(f"{LIMITS}/", json={"name": "plain", "limit": 1})
    for name in ("odd", "odd", "plain", "plain"):
        taken = api.post(f"{LIMITS}/increment", json={"names": [name], "slots": 1})
        assert taken.status_code in (200, 423)
        if taken.status_code == 423:
            assert 0 < float(taken.headers["retry-after"]) < 2 * 365 * 86400
    found = {limit["name"]: limit["active_slots"] for limit in api.post(f"{LIMITS}/filter", json={}).json()}
    assert found == {"odd": 0 if decay > 1 else 1, "plain": 1}
    assert api.delete(f"{LIMITS}/odd").status_code == 204


def test_a_retry_beyond_the_calendar_is_at_its_end(api: TestClient, run: str) -> None:
    answer = api.post(f"/flow_runs/{run}/set_state", json={"state": {"type": "FAILED"}}).json()
    assert (answer["status"], answer["state"]["name"]) == ("REJECT", "AwaitingRetry")
    assert answer["state"]["state_details"]["scheduled_time"] == "9999-12-31T23:59:59.999999Z"
    assert api.get(f"/flow_runs/{run}").json()["state_name"] == "AwaitingRetry"
    assert api.post("/flow_runs/filter", json={}).status_code == 200
    assert api.get(f"/flowctl/runs/{run}/why").status_code == 200
