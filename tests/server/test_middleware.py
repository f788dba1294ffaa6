"""Versions, credentials, CSRF tokens, CORS and gzip: recordings 27 to 30 of the contract."""

from __future__ import annotations

import base64
import gzip
from dataclasses import replace

import pytest
from api_client import TestClient

from flowctl.server.app import create_app
from flowctl.settings import Settings


def client_of(settings: Settings) -> TestClient:
    return TestClient(create_app(settings, webserver_only=True, ignore_cache=True))


@pytest.mark.parametrize("version", ["0.8.4", "0.8.0", "0.9.0", "9.9.9", "3.8.1", ""])
def test_newer_versions_of_the_api_are_welcome(api: TestClient, version: str) -> None:
    assert api.get("/hello", headers={"X-PREFECT-API-VERSION": version}).json() == "👋"


@pytest.mark.parametrize("version", ["0.7.9", "0.1.0", "-1.0.0"])
def test_older_versions_are_refused(api: TestClient, version: str) -> None:
    response = api.get("/admin/version", headers={"X-PREFECT-API-VERSION": version})
    assert response.status_code == 400
    assert response.json() == {
        "detail": f"The request specified API version {version} but this server requires version 0.8.0 or higher."
    }


@pytest.mark.parametrize("version", ["abc", "0.8", "0.8.x", "0.8.4.1"])
def test_what_is_no_version_is_refused(api: TestClient, version: str) -> None:
    response = api.get("/hello", headers={"X-PREFECT-API-VERSION": version})
    assert response.status_code == 400
    assert response.json()["detail"].startswith("Invalid X-PREFECT-API-VERSION header format.")


@pytest.mark.parametrize("path", ["/health", "/version", "/docs", "/openapi.json"])
def test_health_and_version_do_not_check(api: TestClient, path: str) -> None:
    assert api.get(path, headers={"X-PREFECT-API-VERSION": "0.0.1"}).status_code == 200


def basic(credentials: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(credentials.encode()).decode()}


def test_the_auth_string_guards_everything_but_health(settings: Settings) -> None:
    with client_of(replace(settings, api_auth_string="admin:päss")) as client:
        for headers in ({}, basic("admin:wrong"), {"Authorization": "Bearer x"}, {"Authorization": "Basic %%%"}):
            response = client.get("/api/admin/version", headers=headers)
            assert (response.status_code, response.json()) == (401, {"exception_message": "Unauthorized"})
        assert client.get("/api/admin/version", headers=basic("admin:päss")).json() == "3.8.1"
        assert client.get("/api/health").json() is True
        assert client.get("/api/ready").json() == {"message": "OK"}
        assert client.post("/api/health").status_code == 401
        assert client.get("/api/variables/name/health").status_code == 401
        assert client.get("/api/openapi.json").status_code == 401
        assert client.get("/openapi.json").status_code == 401


def test_csrf_protection_asks_writes_for_a_token(settings: Settings) -> None:
    with client_of(replace(settings, csrf_enabled=True)) as client:
        assert client.get("/api/health").status_code == 200
        response = client.delete("/api/admin/storage")
        assert (response.status_code, response.json()) == (403, {"detail": "Missing CSRF token."})
        headers = {"Prefect-Csrf-Token": "guess"}
        response = client.delete("/api/admin/storage", headers=headers)
        assert (response.status_code, response.json()) == (403, {"detail": "Missing client identifier."})
        headers["Prefect-Csrf-Client"] = "me"
        response = client.delete("/api/admin/storage", headers=headers)
        assert response.json() == {"detail": "Invalid CSRF token or client identifier."}
        assert response.headers["access-control-allow-origin"] == "*"

        token = client.get("/api/csrf-token", params={"client": "me"}).json()
        assert set(token) == {"id", "created", "updated", "token", "client", "expiration"}
        headers["Prefect-Csrf-Token"] = token["token"]
        assert client.delete("/api/admin/storage", headers=headers).status_code == 204
        headers["Prefect-Csrf-Client"] = "somebody else"
        assert client.delete("/api/admin/storage", headers=headers).status_code == 403


def test_other_origins_are_welcome_as_configured(settings: Settings, api: TestClient) -> None:
    origin = {"Origin": "http://example.test"}
    assert api.get("/health", headers=origin).headers["access-control-allow-origin"] == "*"
    assert api.get("/nope", headers=origin).headers["access-control-allow-origin"] == "*"
    preflight = {**origin, "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "x-prefect-ui"}
    response = api.options("/flows/filter", headers=preflight)
    assert (response.status_code, response.text) == (200, "OK")
    assert response.headers["access-control-allow-methods"] == "DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT"
    with client_of(replace(settings, cors_allowed_origins="http://one.test,http://two.test")) as client:
        assert "access-control-allow-origin" not in client.get("/api/health", headers=origin).headers
        two = client.get("/api/health", headers={"Origin": "http://two.test"})
        assert two.headers["access-control-allow-origin"] == "http://two.test"


def test_long_answers_are_compressed_for_those_who_want_it(api: TestClient) -> None:
    with api.stream("GET", "/admin/settings", headers={"Accept-Encoding": "gzip"}) as response:
        raw = b"".join(response.iter_raw())
    assert response.headers["content-encoding"] == "gzip"
    assert response.headers["vary"] == "Accept-Encoding"
    assert int(response.headers["content-length"]) == len(raw)
    assert gzip.decompress(raw).startswith(b'{"home"')
    for unwilling in ("identity", "gzip;q=0", "gzip; q=0.0, deflate"):
        response = api.get("/admin/settings", headers={"Accept-Encoding": unwilling})
        assert "content-encoding" not in response.headers
        assert response.headers["vary"] == "Accept-Encoding"
    assert "vary" not in api.get("/health", headers={"Accept-Encoding": "gzip"}).headers
