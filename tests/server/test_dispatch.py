"""Method and path -> endpoint, as Prefect's server does it."""

from __future__ import annotations

from uuid import UUID

import pytest
from api_client import TestClient

ID = UUID(int=1)


@pytest.mark.parametrize("path", ["/nope", "/flows/nope/nope", "/v1/flows", "/admin", "/ui", ""])
def test_what_is_not_there_is_not_found(api: TestClient, path: str) -> None:
    response = api.get(path)
    assert (response.status_code, response.json()) == (404, {"detail": "Not Found"})


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        ("GET", "/flows/", "POST"),
        ("HEAD", "/health", "GET"),
        ("POST", f"/flows/{ID}", "PATCH"),
        ("PUT", f"/flow_runs/{ID}", "PATCH"),
        ("GET", f"/flow_runs/{ID}/set_state", "POST"),
        ("POST", "/csrf-token", "GET"),
        ("GET", "/flows/filter", "POST"),
    ],
)
def test_405_names_the_first_route_of_the_path(api: TestClient, method: str, path: str, allow: str) -> None:
    response = api.request(method, path)
    assert (response.status_code, response.headers["allow"]) == (405, allow)


@pytest.mark.parametrize(
    ("method", "path", "location"),
    [
        ("POST", "/flows", "/api/flows/"),
        ("GET", "/health/", "/api/health"),
        ("POST", "/flows/filter/", "/api/flows/filter"),
        ("POST", "/flows/filter//", "/api/flows/filter"),
        ("GET", "/flow_run_states?flow_run_id=1", "/api/flow_run_states/?flow_run_id=1"),
        ("GET", f"/flows/{ID}/", f"/api/flows/{ID}"),
    ],
)
def test_a_trailing_slash_too_many_or_too_few_is_redirected(
    api: TestClient, method: str, path: str, location: str
) -> None:
    response = api.request(method, path, follow_redirects=False)
    assert (response.status_code, response.content) == (307, b"")
    assert response.headers["location"] == f"http://testserver{location}"


def test_a_redirect_stays_on_the_host_that_was_asked(api: TestClient) -> None:
    response = api.post("/flows", headers={"Host": "flow.example:8080"}, follow_redirects=False)
    assert response.headers["location"] == "http://flow.example:8080/api/flows/"
