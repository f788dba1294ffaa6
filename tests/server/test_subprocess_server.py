"""A server in a child process."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
from pathlib import Path

import httpx
import pytest
from processes import wait_for

from flowctl.domain.errors import FlowctlError
from flowctl.server.lock import holder
from flowctl.server.subprocess_server import SubprocessASGIServer


def test_it_serves_until_its_end(tmp_path: Path) -> None:
    with SubprocessASGIServer(db=tmp_path / "a.db") as server:
        assert server.running
        assert server.port
        assert httpx.get(f"{server.api_url}/health").json() is True
        assert httpx.get(f"{server.address}/", headers={"Accept": "text/html"}).status_code == 404
        process = server.process
        server.start()
        assert server.process is process
    assert process is not None
    assert process.poll() == 0
    assert not server.running


def test_one_instance_per_port_also_when_started_at_once(tmp_path: Path) -> None:
    server = SubprocessASGIServer(db=tmp_path / "a.db")
    assert SubprocessASGIServer() is server
    assert SubprocessASGIServer(4590) is not server
    SubprocessASGIServer(4590).stop()
    try:
        threads = [threading.Thread(target=server.start) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert httpx.get(f"{server.api_url}/health").json() is True
    finally:
        server.stop()
    fresh = SubprocessASGIServer()
    assert fresh is not server
    fresh.stop()


def test_a_start_that_fails_shows_why(tmp_path: Path) -> None:
    file = tmp_path / "notes.txt"
    file.write_text("this is no database " * 50)
    server = SubprocessASGIServer(db=file)
    with pytest.raises(FlowctlError, match=r"ended with code 1.\n.*notes.txt is not a SQLite database"):
        server.start()
    assert not server.running
    server.stop()


def test_a_port_that_is_taken_shows_too(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        server = SubprocessASGIServer(taken.getsockname()[1], tmp_path / "a.db")
        with pytest.raises(FlowctlError, match="is taken by"):
            server.start()
        server.stop()


def test_a_start_that_takes_too_long_is_ended(tmp_path: Path) -> None:
    server = SubprocessASGIServer(db=tmp_path / "a.db")
    with pytest.raises(FlowctlError, match=r"did not answer within 0\.01 s"):
        server.start(timeout=0.01)
    server.stop()


_OWNER = """
import sys, time
from pathlib import Path
from flowctl.server.subprocess_server import SubprocessASGIServer
server = SubprocessASGIServer(db=Path(sys.argv[1]), services=True)
server.start()
print(server.process.pid, server.api_url, flush=True)
time.sleep(60)
"""


def test_it_ends_with_its_owner_also_by_sigkill(tmp_path: Path) -> None:
    db = tmp_path / "a.db"
    owner = subprocess.Popen([sys.executable, "-c", _OWNER, str(db)], stdout=subprocess.PIPE, text=True)
    assert owner.stdout
    with owner.stdout:
        pid, url = owner.stdout.readline().split()
    assert httpx.get(f"{url}/health").json() is True
    assert (who := holder(db))
    assert (str(who["pid"]), who["api"]) == (pid, url)
    owner.kill()
    owner.wait()
    wait_for(lambda: holder(db) is None, seconds=15)
