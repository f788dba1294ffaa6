"""Both doors answer alike: the one that serves in this process, and the one to a server."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from live_server import served

from flowctl.cli.api.door import Door
from flowctl.cli.api.file import FileDoor
from flowctl.cli.api.server import ServerDoor, Unreachable, is_reading
from flowctl.db.database import Database
from flowctl.domain.errors import Conflict, Forbidden, Invalid, NotFound, Unauthorized
from flowctl.server.api import create_api_app
from flowctl.settings import Settings


@pytest.fixture(params=["file", "server"])
def door(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Door]:
    settings = Settings(db=tmp_path / "door.db")
    if request.param == "file":
        database = Database(tmp_path / "door.db", settings)
        with closing(FileDoor(database, settings)) as door:
            yield door
        database.close()
    else:
        with served(settings) as url, closing(ServerDoor(url, settings)) as door:
            yield door


def test_requests_read_write_and_fail(door: Door) -> None:
    flow = door.post("/flows/", {"name": "etl"})
    assert door.get(f"/flows/{flow['id']}")["name"] == "etl"
    run = door.post("/flow_runs/", {"flow_id": flow["id"], "name": "née"})
    assert [found["name"] for found in door.all("/flow_runs/filter", {"sort": "ID_DESC"})] == ["née"]
    assert door.call("DELETE", f"/flow_runs/{run['id']}") is None
    with pytest.raises(NotFound):
        door.get(f"/flow_runs/{run['id']}")
    with pytest.raises(Invalid, match="flow_id"):
        door.post("/flow_runs/", {"name": "no flow"})
    assert door.get("/flowctl/about")["flowctl"]
    assert not door.is_prefect


def test_pages_go_on_to_the_limit(door: Door) -> None:
    for number in range(205):
        door.post("/flows/", {"name": f"flow-{number:03}"})
    pages = list(door.pages("/flows/filter", {"sort": "NAME_ASC"}))
    assert [len(page) for page in pages] == [200, 5]
    assert len(door.all("/flows/filter", {"sort": "NAME_ASC"}, limit=202)) == 202


def test_conflicts_and_unknown_paths(door: Door) -> None:
    body = {"name": "db", "limit": 2}
    door.post("/v2/concurrency_limits/", body)
    with pytest.raises(Conflict):
        door.post("/v2/concurrency_limits/", body)
    with pytest.raises(NotFound):
        door.get("/no/such/path")


def test_steps_run_to_their_end(door: Door) -> None:
    flow = door.post("/flows/", {"name": "etl"})
    runs: list[Any] = [door.post("/flow_runs/", {"flow_id": flow["id"]}) for _ in range(3)]
    gone = door.post("/flow_runs/bulk_delete", {"flow_runs": {"id": {"any_": [run["id"] for run in runs]}}})
    assert len(gone["deleted"]) == 3


def test_a_server_that_is_not_there_is_named(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = f"http://127.0.0.1:{listener.getsockname()[1]}/api"
    with pytest.raises(Unreachable, match=address):
        ServerDoor(address, Settings(db=tmp_path / "x.db")).get("/version")
    with pytest.raises(Invalid, match="not the address"):
        ServerDoor("localhost:4200", Settings(db=tmp_path / "x.db"))


def test_an_address_without_api_is_told_apart(tmp_path: Path) -> None:
    with served(Settings(db=tmp_path / "door.db")) as url:
        door = ServerDoor(url.removesuffix("/api"), Settings())
        with closing(door), pytest.raises(Unreachable, match="The API is not at") as told:
            door.post("/flows/filter", {})
        assert told.value.remedy == f"--api {url}"


def test_credentials_and_tokens_against_forgery(tmp_path: Path) -> None:
    settings = Settings(db=tmp_path / "door.db", api_auth_string="ada:secret", csrf_enabled=True)
    with served(settings) as url:
        with closing(ServerDoor(url, Settings())) as door, pytest.raises(Unauthorized):
            door.post("/flows/count")
        with closing(ServerDoor(url, Settings(client_auth_string="ada:secret"))) as door:
            assert door.post("/flows/", {"name": "etl"})["name"] == "etl"


def test_a_door_for_reading_knows_what_changes_something() -> None:
    routes = create_api_app(settings=Settings(), ignore_cache=True).routes
    told = {route.path: (route.kind, is_reading("POST", route.path)) for route in routes if route.method == "POST"}
    assert [name for name, (kind, reads) in told.items() if kind == "write" and reads] == []
    assert [name for name, (kind, reads) in told.items() if kind == "read" and not reads] == []


def test_a_door_for_reading_changes_nothing(tmp_path: Path) -> None:
    settings = Settings(db=tmp_path / "door.db")
    with served(settings) as url, closing(ServerDoor(url, settings, read_only=True)) as door:
        assert door.post("/flows/count") == 0
        with pytest.raises(Forbidden):
            door.post("/flows/", {"name": "etl"})
        assert door.post("/flows/count") == 0


def test_a_handler_that_leaves_the_event_loop_works_through_both(door: Door) -> None:
    made = door.post("/flowctl/backups")
    assert [each["path"] for each in door.get("/flowctl/storage")["backups"]] == [made["path"]]
