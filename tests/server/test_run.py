"""`flowctl serve` as a process: what it says, who may run beside it, how it ends, and what survives its end."""

from __future__ import annotations

import asyncio
import json
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import httpx
import pytest
from processes import Server, clean_environment, flowctl, serving
from websockets.asyncio.client import ClientConnection, connect

from flowctl.server.lock import serving as who_serves


@contextmanager
def started(db: Path, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "flowctl", "serve", "--db", str(db), *arguments]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=clean_environment()
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def flow_names(db: Path) -> set[str]:
    with closing(sqlite3.connect(f"file:{db}?mode=ro", uri=True)) as conn:
        return {name for (name,) in conn.execute("SELECT name FROM flow")}


def test_it_says_where_it_is_and_ends_on_a_signal(tmp_path: Path) -> None:
    with started(tmp_path / "a.db", "--port", "0") as process:
        assert process.stdout
        line = process.stdout.readline()
        assert line.startswith("export PREFECT_API_URL=http://127.0.0.1:")
        assert httpx.get(f"{line.strip().partition('=')[2]}/health").json() is True
        process.send_signal(signal.SIGTERM)
        _, messages = process.communicate(timeout=10)
        assert process.returncode == 0
    assert messages.startswith("flowctl 0.1.0  http://127.0.0.1:")
    assert "api /api   db " in messages
    assert "0 runs)   ready in " in messages
    assert messages.splitlines()[1].startswith("Runs are deleted 90 days after their end.")
    assert len(messages.splitlines()) == 2


def test_what_becomes_of_runs_is_said_once(tmp_path: Path) -> None:
    for path, said in (("a.db", 1), ("a.db", 0), ("b.db", 1)):
        with started(tmp_path / path, "--port", "0") as process:
            assert process.stdout
            process.stdout.readline()
            process.send_signal(signal.SIGTERM)
            _, messages = process.communicate(timeout=10)
        assert messages.count("Runs are deleted") == said


def test_an_interrupt_is_told_by_the_exit_code(tmp_path: Path) -> None:
    with started(tmp_path / "a.db", "--port", "0", "--ready-json") as process:
        assert process.stdout
        ready = json.loads(process.stdout.readline())
        assert set(ready) == {"url", "api", "pid", "db", "version"}
        assert ready["pid"] == process.pid
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=10)
        assert process.returncode == 130


def test_a_base_path_is_announced_and_served(tmp_path: Path) -> None:
    with serving(tmp_path / "a.db", "--base-path", "/flows", "--no-ui", "--no-services") as server:
        assert server.api == f"{server.url}/flows/api"
        assert server.get("/health") is True
        assert server.get("/ready") == {"message": "OK"}


def test_a_taken_port_names_who_has_it(tmp_path: Path) -> None:
    with serving(tmp_path / "a.db") as server:
        port = server.url.rpartition(":")[2]
        second = flowctl(tmp_path / "b.db", "serve", "--port", port)
        assert second.returncode == 1
        assert f"Port {port} is taken" in second.stderr
        if sys.platform == "linux":
            assert f"(process {server.process.pid})" in second.stderr
    assert not (tmp_path / "b.db").exists()


def test_a_second_server_on_the_same_file_is_turned_away(tmp_path: Path) -> None:
    db = tmp_path / "a.db"
    with serving(db) as server:
        assert who_serves(db) == {"pid": server.process.pid, "url": server.url, "api": server.api}
        second = flowctl(db, "serve", "--port", "0")
        assert second.returncode == 5
        assert f"{server.url} (process {server.process.pid})" in second.stderr
        with serving(db, "--read-only") as reader:
            assert reader.get("/ready") == {"message": "OK"}
            assert httpx.post(f"{reader.api}/flows/", json={"name": "a"}).status_code == 403
        server.kill()
        assert who_serves(db) is None
        with serving(db) as third:
            assert third.get("/health") is True


def test_a_file_that_is_no_database_is_told_by_the_exit_code(tmp_path: Path) -> None:
    file = tmp_path / "notes.txt"
    file.write_text("this is no database " * 50)
    result = flowctl(file, "serve", "--port", "0")
    assert result.returncode == 6
    assert "is not a SQLite database" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [(["--log-format", "xml"], "xml"), (["--host", "no such host"], "no address"), (["--request-limit", "0"], "0")],
)
def test_wrong_flags_are_a_usage_error(tmp_path: Path, arguments: list[str], message: str) -> None:
    result = flowctl(tmp_path / "a.db", "serve", "--port", "0", *arguments)
    assert result.returncode == 2
    assert message in result.stderr


def test_messages_can_be_json(tmp_path: Path) -> None:
    env = {"FLOWCTL_LOG_LEVEL": "INFO"}
    with serving(tmp_path / "a.db", "--log-format", "json", env=env) as server:
        assert server.get("/health") is True
    lines = [json.loads(line) for line in server.log.read_text().splitlines()]
    assert {"time", "level", "logger", "message"} <= set(lines[0])
    assert any(line["message"] == "Shutting down" for line in lines)


def test_what_was_answered_survives_a_kill(tmp_path: Path) -> None:
    db = tmp_path / "a.db"
    answered: list[str] = []

    def write(server: Server, writer: int) -> None:
        with server.client() as client:
            for number in range(10_000):
                name = f"flow-{writer}-{number}"
                try:
                    status = client.post("/flows/", json={"name": name}).status_code
                except httpx.HTTPError:
                    return
                assert status == 201
                answered.append(name)

    with serving(db) as server:
        writers = [threading.Thread(target=write, args=(server, number)) for number in range(8)]
        for writer in writers:
            writer.start()
        while len(answered) < 300:
            time.sleep(0.01)
        server.kill()
        for writer in writers:
            writer.join()
    assert len(answered) >= 300
    assert set(answered) <= flow_names(db)
    with closing(sqlite3.connect(db)) as conn:
        assert conn.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    with serving(db) as server:
        assert server.post("/flows/", {"name": answered[-1]})["name"] == answered[-1]


def test_writes_that_run_are_finished_before_the_end(tmp_path: Path) -> None:
    db = tmp_path / "a.db"
    outcomes: dict[str, int] = {}

    def write(server: Server, writer: int) -> None:
        with server.client() as client:
            for number in range(10_000):
                name = f"flow-{writer}-{number}"
                try:
                    outcomes[name] = client.post("/flows/", json={"name": name}).status_code
                except httpx.HTTPError:
                    return

    with serving(db) as server:
        writers = [threading.Thread(target=write, args=(server, number)) for number in range(4)]
        for writer in writers:
            writer.start()
        while len(outcomes) < 100:
            time.sleep(0.01)
        server.process.terminate()
        assert server.process.wait(10) == 0
        for writer in writers:
            writer.join()
    assert set(outcomes.values()) == {201}
    assert set(outcomes) <= flow_names(db)
    # At most the request that each writer had on its way is stored without an answer.
    assert len(flow_names(db) - set(outcomes)) <= len(writers)


async def open_sockets(server: Server, count: int) -> list[ClientConnection]:
    url = server.api.replace("http", "ws", 1) + "/events/in"
    sockets: list[ClientConnection] = []
    for _ in range(count // 50):
        sockets += await asyncio.gather(*(connect(url, open_timeout=30) for _ in range(50)))
    return sockets


def test_with_500_sockets_open_it_still_answers(tmp_path: Path) -> None:
    async def test(server: Server) -> None:
        sockets = await open_sockets(server, 500)
        async with httpx.AsyncClient(base_url=server.api, timeout=10) as client:
            writes = [client.post("/flows/", json={"name": f"flow {number}"}) for number in range(20)]
            reads = [client.get("/ready") for _ in range(20)]
            answers = await asyncio.gather(*writes, *reads)
        assert [answer.status_code for answer in answers] == [201] * 20 + [200] * 20
        begin = time.monotonic()
        server.process.terminate()
        await asyncio.gather(*(socket.wait_closed() for socket in sockets))
        assert time.monotonic() - begin < 2
        assert {socket.close_code for socket in sockets} <= {1001, 1012}
        await asyncio.to_thread(server.process.wait, 10)

    with serving(tmp_path / "a.db") as server:
        asyncio.run(test(server))
        assert server.process.returncode == 0
