"""Processes of runs, their groups, and the watchdog."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import time
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from uuid import UUID, uuid4

import pytest
from processes import wait_for

from flowctl.runner.process import RunProcess, exit_message
from flowctl.runner.watchdog import Watchdog

pytestmark = pytest.mark.skipif(os.name != "posix", reason="groups of processes")

STUBBORN = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(60)"
WITH_CHILD = f"""
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", {STUBBORN!r}])
print(child.pid, flush=True)
time.sleep(60)
"""


def is_alive(pid: int) -> bool:
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False


class Watched:
    """A process that runs Python code, and its lines."""

    def __init__(self, code: str, watchdog: Watchdog) -> None:
        self.lines: list[tuple[str, str]] = []
        self.process = RunProcess.start(
            uuid4(),
            [sys.executable, "-c", code],
            env=dict(os.environ),
            cwd=None,
            watchdog=watchdog,
            on_line=lambda stream, line: self.lines.append((stream, line)),
        )

    async def until_lines(self, count: int) -> None:
        while len(self.lines) < count:
            await asyncio.sleep(0.01)


@pytest.fixture
def watchdog() -> Watchdog:
    return Watchdog("http://127.0.0.1:9", grace_seconds=1)


def test_its_lines_and_its_exit_code(watchdog: Watchdog) -> None:
    async def scenario() -> None:
        code = "import os, sys; print('one'); print('zwei ☃', file=sys.stderr); sys.stdout.flush(); os._exit(3)"
        watched = Watched(code, watchdog)
        assert await watched.process.wait() == 3
        assert sorted(watched.lines) == [("stderr", "zwei ☃"), ("stdout", "one")]

    asyncio.run(scenario())
    watchdog.close()


def test_a_group_is_ended_with_what_does_not_listen(watchdog: Watchdog) -> None:
    async def scenario() -> None:
        watched = Watched(WITH_CHILD, watchdog)
        await watched.until_lines(2)
        child = int(next(line for _, line in watched.lines if line != "up"))
        await watched.process.stop(5)
        assert await watched.process.wait() == -15
        while is_alive(child):
            await asyncio.sleep(0.05)

    asyncio.run(asyncio.wait_for(scenario(), 20))
    watchdog.close()


def test_a_process_that_does_not_listen_is_killed_after_the_grace(watchdog: Watchdog) -> None:
    async def scenario() -> None:
        watched = Watched(STUBBORN, watchdog)
        await watched.until_lines(1)
        started = time.monotonic()
        await watched.process.stop(0.2)
        assert await watched.process.wait() == -9
        assert time.monotonic() - started < 5

    asyncio.run(scenario())
    watchdog.close()


@pytest.mark.parametrize(
    ("code", "part"),
    [(3, "status code: 3."), (-9, "SIGKILL"), (-11, "SIGSEGV"), (-1, "SIGHUP"), (127, "not found"), (-999, "status")],
)
def test_what_the_end_of_a_process_means(code: int, part: str) -> None:
    assert exit_message(code).startswith(f"Process exited with status code: {code}. It")
    assert part in exit_message(code)


RUNNER = """
import asyncio, sys, uuid
from flowctl.runner.process import RunProcess
from flowctl.runner.watchdog import Watchdog

async def main():
    watchdog = Watchdog(sys.argv[1], {"Authorization": "Bearer x"}, grace_seconds=1)
    run = uuid.UUID(sys.argv[2])
    process = RunProcess.start(run, [sys.executable, "-c", sys.argv[3]], env={}, cwd=None, watchdog=watchdog,
                               on_line=lambda _, line: print(process.pid, line, flush=True))
    await process.wait()

asyncio.run(main())
"""


def test_no_process_outlives_a_runner_that_is_killed_and_its_run_is_reported() -> None:
    reports: list[tuple[str, str | None, dict[str, dict[str, str]]]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            reports.append((self.path, self.headers["Authorization"], body))
            self.send_response(201)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    run_id = uuid4()
    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        arguments = [f"http://127.0.0.1:{server.server_port}/api", str(run_id), WITH_CHILD]
        with subprocess.Popen([sys.executable, "-c", RUNNER, *arguments], stdout=subprocess.PIPE, text=True) as runner:
            assert runner.stdout
            lines = [runner.stdout.readline().split() for _ in range(2)]
            runner.kill()
        pids = {int(word) for line in lines for word in line if word.isdigit()}
        assert len(pids) == 2
        wait_for(lambda: not any(map(is_alive, pids)), 10)
        wait_for(lambda: reports, 10)
        server.shutdown()
    [(path, authorization, body)] = reports
    assert UUID(path.split("/")[-2]) == run_id
    assert (authorization, body["state"]["type"]) == ("Bearer x", "CRASHED")


def test_a_watchdog_that_was_killed_is_replaced(watchdog: Watchdog) -> None:
    sleeper = [sys.executable, "-c", "import time; time.sleep(60)"]
    with (
        subprocess.Popen(sleeper, start_new_session=True) as first,
        subprocess.Popen(sleeper, start_new_session=True) as second,
    ):
        watchdog.add(first.pid, uuid4())
        process = watchdog._process
        assert process is not None
        process.kill()
        process.wait()
        watchdog.add(second.pid, uuid4())
        watchdog.discard(second.pid)
        successor = watchdog._process
        assert successor is not None
        assert successor is not process
        watchdog.close()
        assert first.wait(10) == -15
        assert second.poll() is None
        second.kill()
