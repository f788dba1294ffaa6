"""Statuses and bodies of proposed states."""

from __future__ import annotations

from uuid import UUID

import pytest
from api_client import TestClient


@pytest.fixture
def run(api: TestClient) -> str:
    """The id of a PENDING flow run."""
    flow = api.post("/flows/", json={"name": "etl"}).json()["id"]
    return api.post("/flow_runs/", json={"flow_id": flow}).json()["id"]


def propose(api: TestClient, run: str, type: str, headers: dict[str, str] | None = None, **state: object):
    return api.post(f"/flow_runs/{run}/set_state", json={"state": {"type": type, **state}}, headers=headers)


def test_a_written_state_is_201_and_anything_else_200(api: TestClient, run: str) -> None:
    accepted = propose(api, run, "RUNNING", message="go")
    assert accepted.status_code == 201
    body = accepted.json()
    assert (body["status"], body["details"]) == ("ACCEPT", {"type": "accept_details"})
    assert (body["state"]["name"], body["state"]["message"]) == ("Running", "go")
    assert set(body) == {"state", "status", "details"}
    aborted = propose(api, run, "PENDING")
    assert (aborted.status_code, aborted.json()["status"]) == (200, "ABORT")
    assert aborted.json()["state"] == body["state"]
    assert aborted.json()["details"]["type"] == "abort_details"


def test_a_wait_names_whole_seconds(api: TestClient, run: str) -> None:
    propose(api, run, "SCHEDULED", state_details={"scheduled_time": "2199-01-01T00:00:00Z"})
    details = propose(api, run, "RUNNING").json()["details"]
    assert isinstance(details.pop("delay_seconds"), int)
    assert details == {"type": "wait_details", "reason": "Scheduled time is in the future"}


def test_unknown_details_are_ignored_and_unknown_fields_refused(api: TestClient, run: str) -> None:
    assert propose(api, run, "RUNNING", state_details={"bogus": 1}).status_code == 201
    assert propose(api, run, "RUNNING", bogus=1).status_code == 422


def test_a_run_that_is_gone_is_not_found_in_the_models_words(api: TestClient) -> None:
    gone = UUID(int=7)
    for kind, name in (("flow_runs", "Flow run"), ("task_runs", "Task run")):
        response = api.post(f"/{kind}/{gone}/set_state", json={"state": {"type": "RUNNING"}})
        assert response.status_code == 404
        assert response.json() == {"exception_message": f"{name} with id {gone} not found"}


def test_the_api_version_of_the_client_counts(api: TestClient, run: str) -> None:
    propose(api, run, "RUNNING")
    propose(api, run, "PAUSED", state_details={"pause_key": "1"})
    propose(api, run, "FAILED")
    propose(api, run, "RUNNING", headers={"X-PREFECT-API-VERSION": "0.8.3"})
    policy = api.get(f"/flow_runs/{run}").json()["empirical_policy"]
    assert policy["pause_keys"] == ["1"]  # an older client's runs keep them


def test_resume_answers_what_became_of_the_run(api: TestClient, run: str) -> None:
    refused = api.post(f"/flow_runs/{run}/resume", json={})
    assert refused.status_code == 200
    assert refused.json()["state"] is None
    propose(api, run, "RUNNING")
    propose(api, run, "PAUSED")
    resumed = api.post(f"/flow_runs/{run}/resume", json={})
    assert (resumed.status_code, resumed.json()["state"]["type"]) == (201, "RUNNING")
