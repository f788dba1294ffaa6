"""`GET /csrf-token`; the protection itself is tested with the middleware."""

from __future__ import annotations

from api_client import TestClient


def test_clients_read_that_the_protection_is_off(api: TestClient) -> None:
    for client in ("x", ""):
        response = api.get("/csrf-token", params={"client": client})
        assert (response.status_code, response.json()) == (422, {"detail": "CSRF protection is disabled."})


def test_a_client_must_say_who_it_is(api: TestClient) -> None:
    response = api.get("/csrf-token")
    assert response.status_code == 422
    assert response.json() == {
        "exception_message": "Invalid request received.",
        "exception_detail": [{"type": "missing", "loc": ["query", "client"], "msg": "Field required", "input": None}],
        "request_body": None,
    }
