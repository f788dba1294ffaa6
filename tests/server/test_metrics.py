"""`/metrics`: what it counts, and who may ask."""

from __future__ import annotations

import asyncio
import base64
from dataclasses import replace
from typing import Any

import httpx
import pytest
from api_client import TestClient
from live_server import serving
from prometheus_client.parser import text_string_to_metric_families

from flowctl.db.database import Tx
from flowctl.server.app import create_app
from flowctl.server.background import Service, Services
from flowctl.settings import Settings


def samples(text: str) -> dict[tuple[str, ...], float]:
    """`{(name, label value, …): value}`."""
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def metrics_of(api: TestClient, path: str = "/metrics") -> dict[tuple[str, ...], float]:
    response = api.get(path)
    assert response.status_code == 200
    assert response.headers["content-type"].startswith("text/plain; version=")
    return samples(response.text)


def make_run(api: TestClient, type: str) -> None:
    flow = api.post("/flows/", json={"name": "etl"}).json()["id"]
    assert api.post("/flow_runs/", json={"flow_id": flow, "state": {"type": type}}).status_code == 201


def test_runs_requests_and_commits_are_counted(api: TestClient) -> None:
    for type in ("RUNNING", "RUNNING", "COMPLETED"):
        make_run(api, type)
    api.get("/flows/11111111-1111-4111-8111-111111111111")
    found = metrics_of(api)
    assert found["flowctl_flow_runs", "RUNNING"] == 2
    assert found["flowctl_flow_runs", "COMPLETED"] == 1
    assert found["flowctl_flow_runs", "FAILED"] == 0
    assert found["flowctl_late_flow_runs",] == 0
    assert found["flowctl_requests_total", "POST", "/flow_runs/", "201"] == 3
    assert found["flowctl_requests_total", "GET", "/flows/{id}", "404"] == 1
    assert found["flowctl_writer_queue",] == 0
    assert found["flowctl_writes_total",] >= 6
    assert found["flowctl_commit_failures_total",] == 0
    assert found["flowctl_commit_seconds_count",] == found["flowctl_commit_seconds_bucket", "+Inf"] >= 6
    assert found["flowctl_commit_seconds_sum",] > 0
    assert found["flowctl_database_bytes", "database"] > 10_000
    assert found["process_start_time_seconds",] > 0


def test_a_second_look_sees_what_changed(api: TestClient) -> None:
    metrics_of(api)
    make_run(api, "RUNNING")
    assert metrics_of(api)["flowctl_flow_runs", "RUNNING"] == 1


def test_services_are_counted(settings: Settings) -> None:
    def work(tx: Tx) -> int:
        raise RuntimeError("no luck")

    async def test() -> None:
        async with serving(settings) as live:
            context = live.app.context
            good = Service("Good", 3600, lambda tx: 0, "services_enabled")
            bad = Service("Bad", 3600, work, "services_enabled")
            context.services = Services(context.gateway, [good, bad])
            context.services.start(settings)
            while not context.services.status["Bad"].failures or not context.services.status["Good"].last_tick:
                await asyncio.sleep(0.001)
            async with live.greeted("/events/in"), httpx.AsyncClient() as client:
                url = live.url.replace("ws:", "http:")
                found = samples((await client.get(f"{url}/metrics")).text)
            assert found["flowctl_service_ticks_total", "Good"] == found["flowctl_service_ticks_total", "Bad"] == 1
            assert found["flowctl_service_failures_total", "Good"] == 0
            assert found["flowctl_service_failures_total", "Bad"] == 1
            assert found["flowctl_service_last_tick_seconds", "Good"] > 1_700_000_000
            assert found["flowctl_websockets", "/events/in"] == 1
            await context.services.stop()
            context.services = None

    asyncio.run(test())


@pytest.fixture
def client(settings: Settings, request: pytest.FixtureRequest) -> Any:
    app = create_app(replace(settings, **request.param), webserver_only=True, ignore_cache=True)
    with TestClient(app) as client:
        yield client


@pytest.mark.parametrize("client", [{}], indirect=True)
def test_it_is_at_the_root_too(client: TestClient) -> None:
    for path in ("/metrics", "/api/metrics"):
        assert metrics_of(client, path)["flowctl_writer_queue",] == 0


@pytest.mark.parametrize("client", [{"metrics_enabled": False}], indirect=True)
def test_a_setting_switches_it_off(client: TestClient) -> None:
    assert client.get("/metrics").status_code == 404
    assert client.get("/api/metrics").status_code == 404


@pytest.mark.parametrize("client", [{"api_auth_string": "admin:secret"}], indirect=True)
def test_it_needs_the_credentials_of_the_api(client: TestClient) -> None:
    for path in ("/metrics", "/api/metrics"):
        assert client.get(path).status_code == 401
        token = base64.b64encode(b"admin:secret").decode()
        assert client.get(path, headers={"Authorization": f"Basic {token}"}).status_code == 200
