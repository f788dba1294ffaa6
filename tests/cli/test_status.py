"""`flowctl status`."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from service_world import make_run

from flowctl.domain.states import StateType, late, running, scheduled
from flowctl.server.lock import ServerLock

READY = b"""{"message": "OK", "services": {
    "Scheduler": {"last_tick": "2020-01-01T00:00:00Z", "done": 1204, "failures": 0, "last_error": null},
    "Foreman": {"last_tick": null, "done": 0, "failures": 2, "last_error": "Busy: locked"}
}}"""


class Ready(BaseHTTPRequestHandler):
    """Answers `/ready` as a server does."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(READY)

    def log_message(self, *_: object) -> None:  # pyright: ignore[reportIncompatibleMethodOverride] - says nothing
        pass


@pytest.fixture
def server(db_path: Path) -> Iterator[str]:
    """A server that holds the database's lock; its API's address."""
    lock = ServerLock(db_path)
    with HTTPServer(("127.0.0.1", 0), Ready) as http:
        thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        url = f"http://127.0.0.1:{http.server_port}"
        lock.announce(url=url, api=f"{url}/api")
        yield url
        http.shutdown()
        thread.join()
    lock.release()


@pytest.fixture
def some_runs(world) -> datetime:
    due = datetime.now(UTC) + timedelta(hours=3)
    with world.database.write() as tx:
        make_run(tx, running())
        make_run(tx, late(datetime.now(UTC) - timedelta(hours=1)))
        make_run(tx, scheduled(due), name="brisk-otter")
    world.run("over", (StateType.COMPLETED, 5))
    return due


def test_without_a_server(cli, some_runs: datetime) -> None:
    result = cli("status")
    assert result.code == 0
    lines = {line.split()[0]: line for line in result.lines}
    assert list(lines) == ["database", "disk", "server", "runs", "next"]
    assert str(cli.db_path) in lines["database"]
    assert lines["server"].endswith("none runs on this database")
    assert lines["runs"].endswith("1 running, 1 late, 1 scheduled")
    assert lines["next"].endswith("etl  brisk-otter")


def test_with_a_server_its_services_are_shown(cli, server: str) -> None:
    out = cli("status").out
    assert f"{server}  process " in out
    assert "d ago, 1,204 done" in out
    assert "Foreman    not yet, failed 2 times: Busy: locked" in out
    assert "none that is not over" in out


def test_a_server_that_does_not_answer(cli, db_path: Path) -> None:
    lock = ServerLock(db_path)
    lock.announce(url="http://127.0.0.1:1", api="http://127.0.0.1:1/api")
    assert "process" in cli("status").out
    assert "does not answer" in cli("status").out
    lock.release()


def test_as_data(cli, some_runs: datetime, server: str) -> None:
    found = cli("status", "--json").json
    assert found["database"]["size_bytes"] > 10_000
    assert found["runs"] == {"running": 1, "pending": 0, "late": 1, "scheduled": 1, "paused": 0, "cancelling": 0}
    assert [run["name"] for run in found["next_runs"]] == ["brisk-otter"]
    assert datetime.fromisoformat(found["next_runs"][0]["at"]) == some_runs
    assert found["server"]["url"] == server
    assert found["server"]["services"]["Scheduler"]["done"] == 1204
