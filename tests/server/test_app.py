"""The server as a library: applications, their caches, overrides, and what starts and stops with them."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from api_client import TestClient
from starlette.applications import Starlette
from starlette.routing import Mount, Route

from flowctl.db.database import Tx
from flowctl.domain.errors import Busy, Conflict, Unusable
from flowctl.server import app as app_module
from flowctl.server import lifespan
from flowctl.server.app import (
    API_APP_CACHE,
    APP_CACHE,
    create_api_app,
    create_app,
    create_ui_app,
    is_client_retryable_exception,
    method_paths_from_routes,
)
from flowctl.server.background import Service
from flowctl.server.endpoint import Routes
from flowctl.server.routes import all_tables
from flowctl.settings import Settings


@pytest.fixture(autouse=True)
def empty_caches() -> Iterator[None]:
    yield
    APP_CACHE.clear()
    API_APP_CACHE.clear()


def routes_of(prefix: str) -> list[Any]:
    return [route for routes in all_tables() if routes.prefix == prefix for route in routes.routes]


def copy_of(prefix: str) -> Routes:
    override = Routes(prefix)
    override.routes = routes_of(prefix)
    return override


def test_an_application_is_made_once_for_the_same_settings(settings: Settings) -> None:
    app = create_app(settings)
    assert create_app(replace(settings)) is app
    assert create_app(settings, ignore_cache=True) is not app
    assert create_app(settings, ephemeral=True) is not app
    assert create_app(settings, webserver_only=True) is not create_app(settings, ephemeral=True)
    assert create_app(replace(settings, csrf_enabled=True)) is not create_app(settings)


def test_the_last_application_is_not_kept(settings: Settings) -> None:
    create_app(settings, final=True)
    assert APP_CACHE == {}


def test_an_api_application_is_made_once_for_the_same_settings_and_paths(settings: Settings) -> None:
    api = create_api_app(settings=settings)
    assert create_api_app(settings=settings) is api
    assert create_api_app(settings=settings, ignore_cache=True) is not api
    assert create_api_app(settings=settings, health_check_path="/healthy") is not api
    assert create_api_app([lambda call: None], settings=settings) is not create_api_app(settings=settings)


def test_health_and_version_are_where_the_embedder_wants_them(settings: Settings) -> None:
    api = create_api_app(health_check_path="/alive", version_check_path="/which", settings=settings)
    with TestClient(api) as client:
        assert client.get("/alive").json() is True
        assert client.get("/which").json() == "0.8.4"
        assert client.get("/health").status_code == 404


def test_a_router_can_be_dropped(settings: Settings) -> None:
    api = create_api_app(router_overrides={"/flows": None}, settings=settings)
    assert not any(route.path.startswith("/flows/") for route in api.routes)
    assert method_paths_from_routes(routes_of("/flow_runs")) <= method_paths_from_routes(api.routes)
    with TestClient(api) as client:
        assert client.post("/flows/filter").status_code == 404
        assert client.get("/block_types/slug/none").status_code == 501  # nobody left that out: it is not built


def test_a_router_can_be_replaced_and_extended(settings: Settings) -> None:
    override = copy_of("/flows")

    @override.plain("GET", "/extra")
    def extra() -> str:
        return "extra"

    with TestClient(create_api_app(router_overrides={"/flows": override}, settings=settings)) as client:
        assert client.get("/flows/extra").json() == "extra"
        assert client.post("/flows/", json={"name": "a"}).status_code == 201


def test_an_override_of_an_unknown_prefix_is_a_key_error(settings: Settings) -> None:
    with pytest.raises(KeyError, match="prefix that does not exist: '/nope'"):
        create_api_app(router_overrides={"/nope": None}, settings=settings)


def test_an_override_with_another_prefix_is_refused(settings: Settings) -> None:
    with pytest.raises(ValueError, match="defines a different prefix '/logs'"):
        create_api_app(router_overrides={"/flows": copy_of("/logs")}, settings=settings)


def test_an_override_that_misses_paths_is_refused(settings: Settings) -> None:
    override = copy_of("/flows")
    override.routes = [route for route in override.routes if route.method != "DELETE"]
    with pytest.raises(ValueError, match=r"missing paths defined by the original router: {'DELETE /flows/{id}'}"):
        create_api_app(router_overrides={"/flows": override}, settings=settings)


def test_method_paths_tells_routes_of_either_kind() -> None:
    def nothing(request: Any) -> None: ...

    starlette = [Route("/logs/", nothing, methods=["POST"]), Mount("/static", Starlette())]
    assert method_paths_from_routes(starlette) == {"POST /logs/"}
    assert "POST /logs/" in method_paths_from_routes(routes_of("/logs"))


def test_what_clients_may_try_again() -> None:
    assert is_client_retryable_exception(Busy("x"))
    assert not is_client_retryable_exception(Conflict("x"))
    assert not is_client_retryable_exception(RuntimeError("database is locked"))
    assert is_client_retryable_exception(sqlite3.OperationalError("database is locked"))
    assert not is_client_retryable_exception(sqlite3.OperationalError("no such table: flow"))
    for name, may_be_tried_again in (("SQLITE_BUSY_SNAPSHOT", True), ("SQLITE_LOCKED", True), ("SQLITE_FULL", False)):
        error = sqlite3.OperationalError("it failed")
        error.sqlite_errorname = name
        assert is_client_retryable_exception(error) is may_be_tried_again


def tick(tx: Tx) -> int:
    return 0


@pytest.fixture
def one_service(monkeypatch: pytest.MonkeyPatch) -> None:
    services = (Service("ticker", 60, tick, "services_late_runs_enabled"),)
    monkeypatch.setattr("flowctl.server.background.SERVICES", services)
    monkeypatch.setattr("flowctl.server.lifespan.SERVICES_AFTER_SECONDS", 0)


@pytest.mark.usefixtures("one_service")
def test_services_run_and_show_in_ready(settings: Settings) -> None:
    def has_ticked(answer: Any) -> bool:
        return "services" in answer and answer["services"]["ticker"]["last_tick"] is not None

    with TestClient(create_app(settings)) as client:
        answer = client.get("/api/ready").json()
        for _ in range(100):
            if has_ticked(answer):
                break
            answer = client.get("/api/ready").json()
        assert answer["message"] == "OK"
        assert has_ticked(answer)
        assert answer["services"]["ticker"]["failures"] == 0


@pytest.mark.usefixtures("one_service")
@pytest.mark.parametrize("kind", ["ephemeral", "webserver_only", "disabled", "this one disabled"])
def test_without_services_ready_is_prefects(settings: Settings, kind: str) -> None:
    if kind == "disabled":
        settings = replace(settings, services_enabled=False)
    elif kind == "this one disabled":
        settings = replace(settings, services_late_runs_enabled=False)
    app = create_app(settings, ephemeral=kind == "ephemeral", webserver_only=kind == "webserver_only")
    with TestClient(app) as client:
        assert client.get("/api/ready").json() == {"message": "OK"}


def test_ready_says_when_the_database_is_gone(settings: Settings) -> None:
    app = create_app(settings)
    with TestClient(app) as client:
        asyncio.run(app.context.gateway.stop())
        response = client.get("/api/ready")
        assert (response.status_code, response.json()) == (503, {"message": "Database is not available"})
        assert client.get("/api/health").json() is True


def test_the_dashboard_is_there_unless_ephemeral(settings: Settings) -> None:
    html = {"Accept": "text/html"}
    with TestClient(create_app(settings, webserver_only=True)) as client:
        assert client.get("/", headers=html).headers["content-type"].startswith("text/html")
        assert client.get("/runs", headers=html).status_code == 200
    with TestClient(create_app(settings, ephemeral=True)) as client:
        assert client.get("/", headers=html).status_code == 404
        assert client.get("/api/health").json() is True
    assert TestClient(create_ui_app(False, settings)).get("/", headers=html).status_code == 200


@pytest.mark.parametrize(
    ("settings_change", "paths"),
    [
        ({}, ["/api/health"]),
        ({"api_base_path": "/prefect/api"}, ["/prefect/api/health", "/api/health"]),
        ({"ui_serve_base": "/flows"}, ["/flows/api/health", "/api/health"]),
    ],
)
def test_the_api_is_found_below_each_base(settings: Settings, settings_change: Any, paths: list[str]) -> None:
    with TestClient(create_app(replace(settings, **settings_change), webserver_only=True)) as client:
        for path in paths:
            assert client.get(path).json() is True
        assert client.get("/apix/health").status_code == 404


def test_it_works_inside_another_application(settings: Settings) -> None:
    app = create_app(settings, webserver_only=True)
    outer = Starlette(routes=[Mount("/inner", app)], lifespan=None)

    async def run() -> None:
        await app.lifespan.start()
        try:
            transport = httpx.ASGITransport(outer)
            async with httpx.AsyncClient(transport=transport, base_url="http://outer") as client:
                assert (await client.get("/inner/api/health")).json() is True
                redirect = await client.post("/inner/api/flows")
                assert redirect.headers["location"] == "http://outer/inner/api/flows/"
        finally:
            await app.lifespan.stop()

    asyncio.run(run())


@pytest.mark.parametrize("csrf", [False, True])
def test_without_its_lifespan_it_begins_at_the_first_calls(settings: Settings, csrf: bool) -> None:
    app = create_app(replace(settings, csrf_enabled=csrf), ignore_cache=True)

    async def run() -> None:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test/api") as client:
            answers = await asyncio.gather(*(client.post("/flows/", json={"name": name}) for name in "abc"))
            assert [answer.status_code for answer in answers] == [403 if csrf else 201] * 3
            assert (await client.get("/ready")).json() == {"message": "OK"}  # no services
            await app.api_app.lifespan.stop()
            assert (await client.get("/ready")).status_code == 503

    asyncio.run(run())


def test_what_cannot_begin_says_so_each_time(tmp_path: Path) -> None:
    app = create_app(Settings(db=tmp_path / "flowctl.db", database_migrate_on_start=False), ignore_cache=True)

    async def run() -> None:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test/api") as client:
            for _ in range(2):
                with pytest.raises(Unusable):
                    await client.get("/ready")

    asyncio.run(run())


def test_entering_twice_starts_once_and_stops_last(settings: Settings) -> None:
    app = create_app(settings)
    with TestClient(app):
        with TestClient(app) as second:
            assert second.get("/api/ready").status_code == 200
        assert app.context.gateway.is_running
    assert not app.context.gateway.is_running
    with TestClient(app) as again:
        assert again.get("/api/ready").status_code == 200


def test_a_start_creates_the_database_and_does_the_work_of_a_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def register(tx: Tx) -> None:
        tx.execute("INSERT INTO configuration (id, key) VALUES ('1', 'registered')")

    def must_not(tx: Tx) -> None:
        pytest.fail("switched off")

    ops = (("block_auto_registration", register), ("csrf_enabled", must_not))
    monkeypatch.setattr(lifespan, "START_OPS", ops)
    app = create_app(Settings(db=tmp_path / "new" / "flowctl.db"), webserver_only=True)
    with TestClient(app):
        found = asyncio.run(app.context.gateway.read(lambda tx: tx.scalar("SELECT key FROM configuration")))
    assert found == "registered"


def test_a_start_that_fails_stops_what_it_started(settings: Settings) -> None:
    app = create_app(settings)
    stopped: list[str] = []

    class Broken:
        async def start(self) -> None:
            raise Unusable("broken")

        async def stop(self) -> None:
            stopped.append("broken")

    app.context.parts.append(Broken())
    with pytest.raises(Unusable, match="broken"), TestClient(app):
        pass
    assert stopped == ["broken"]
    assert not app.context.gateway.is_running


def test_migrations_can_be_left_to_somebody_else(tmp_path: Path) -> None:
    settings = Settings(db=tmp_path / "flowctl.db", database_migrate_on_start=False)
    with pytest.raises(Unusable), TestClient(create_app(settings)):
        pass
    with TestClient(create_app(replace(settings, database_migrate_on_start=True))):
        pass
    with TestClient(create_app(settings)) as client:
        assert client.get("/api/ready").status_code == 200


def test_a_read_only_server_reads_and_refuses(settings: Settings) -> None:
    with TestClient(create_app(settings, read_only=True)) as client:
        assert client.get("/api/admin/storage").status_code == 200
        response = client.delete("/api/admin/storage")
        assert (response.status_code, response.json()) == (403, {"detail": "This server is read-only."})


def test_unknown_websockets_are_refused(api: TestClient) -> None:
    from starlette.websockets import WebSocketDisconnect

    with pytest.raises(WebSocketDisconnect), api.websocket_connect("/api/nope"):
        pass
    with pytest.raises(WebSocketDisconnect), api.websocket_connect("/api"):
        pass


def test_the_names_of_prefects_module_are_there() -> None:
    for name in app_module.__all__:
        assert hasattr(app_module, name)
