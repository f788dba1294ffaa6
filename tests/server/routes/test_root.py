"""`/hello`, `/ready`, `/health` and `/version`."""

from __future__ import annotations

from api_client import TestClient


def test_they_answer_as_prefects(api: TestClient) -> None:
    assert api.get("/hello").json() == "👋"
    assert api.get("/ready").json() == {"message": "OK"}
    assert api.get("/health").json() is True
    assert api.get("/version").json() == "0.8.4"
    assert api.get("/hello").headers["content-type"] == "application/json"
