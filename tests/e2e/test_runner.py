"""Flowctl's runner, and the real `flow.serve()`, as processes against `flowctl serve`."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from e2e.runs import SCRIPTS, deployment_id, is_alive, pids, start_run, state, wait_for_state
from processes import Client, Server, clean_environment, flowctl, prefect_python, serving, wait_for

pytestmark = pytest.mark.e2e


class Runner:
    """A running `flowctl runner …`."""

    def __init__(self, process: subprocess.Popen[str], log: Path, folder: Path) -> None:
        self.process = process
        self.log = log
        self.folder = folder

    def stop(self, number: int = signal.SIGINT, seconds: float = 30) -> int:
        self.process.send_signal(number)
        return self.process.wait(seconds)


@contextmanager
def running(folder: Path, api: str, *arguments: str) -> Iterator[Runner]:
    """Run `flowctl runner ARGUMENTS`, which polls twice a second, until the block ends."""
    log = folder / "runner.log"
    env = {
        **clean_environment(),
        "PREFECT_HOME": str(folder / "home"),
        "XDG_STATE_HOME": str(folder / "state"),
        "NOTES": str(folder / "notes"),
        "FLOWCTL_API_URL": api,
        "FLOWCTL_RUNNER_POLL_FREQUENCY": "0.5",
        "DO_NOT_TRACK": "1",
    }
    command = [sys.executable, "-m", "flowctl", "runner", *arguments, "--python", str(prefect_python("3.8.1"))]
    with log.open("w") as output:
        process = subprocess.Popen(command, cwd=SCRIPTS, env=env, stdout=output, stderr=output, text=True)
    try:
        yield Runner(process, log, folder)
    finally:
        process.kill()
        process.wait(10)


def finished_log(server: Server, run: str) -> str | None:
    """The log of a run once its last line is there, which may come after its state."""
    text = flowctl(server.db, "runs", "logs", run).stdout
    return text if "Finished in state" in text and "from a child" in text else None


def test_a_served_flow_runs_by_itself_and_its_output_is_logged_once(server: Server, tmp_path: Path) -> None:
    arguments = ["serve", "served.py:ticks", "--name", "by-itself", "--interval", "3", "--param", "name=Ada", "-t", "x"]
    with running(tmp_path, server.api, *arguments) as runner:
        id = deployment_id(server, "by-itself")
        criteria = {"deployments": {"id": {"any_": [id]}}, "flow_runs": {"state": {"type": {"any_": ["COMPLETED"]}}}}
        runs = wait_for(lambda: len(found := server.post("/flow_runs/filter", criteria)) > 1 and found, 40)
        log = wait_for(lambda: finished_log(server, runs[-1]["id"]), 20)
        shown = subprocess.run(
            [sys.executable, "-m", "flowctl", "runner", "status", "-q"],
            env={**clean_environment(), "XDG_STATE_HOME": str(tmp_path / "state")},
            capture_output=True,
            text=True,
            check=True,
        )
        assert shown.stdout.split() == [str(runner.process.pid)]
        assert runner.stop() == 130
    deployment = server.get(f"/deployments/{id}")
    assert (deployment["description"], deployment["tags"], deployment["paused"]) == ("Says something.", ["x"], True)
    assert deployment["parameter_openapi_schema"]["properties"]["name"]["default"] == "world"
    for line in ("logged for Ada", "in two lines", "printed for Ada", "from a child", "Finished in state"):
        assert log.count(line) == 1, (line, log)
    assert "printed for Ada" in runner.log.read_text()


def test_a_run_is_cancelled_with_all_its_processes(server: Server, tmp_path: Path) -> None:
    with running(tmp_path, server.api, "serve", "served.py:sleeps", "--name", "to-cancel"):
        run = start_run(server, "to-cancel", pids=str(tmp_path / "pids"))
        processes = pids(tmp_path / "pids")
        assert server.get(f"/flow_runs/{run}")["infrastructure_pid"] == f"{socket.gethostname()}:{processes[0]}"
        cancelled = flowctl(server.db, "runs", "cancel", run)
        assert cancelled.returncode == 0, cancelled.stderr
        assert wait_for_state(server, run, "CANCELLED", "CRASHED")["type"] == "CANCELLED"
        wait_for(lambda: not any(map(is_alive, processes)), 10)


def test_a_crash_tells_the_exit_code_and_calls_its_hooks(server: Server, tmp_path: Path) -> None:
    with running(tmp_path, server.api, "serve", "served.py:dies", "--name", "to-crash"):
        run = start_run(server, "to-crash")
        crashed = wait_for_state(server, run, "CRASHED", "FAILED", "COMPLETED")
        assert (crashed["type"], crashed["name"]) == ("CRASHED", "Crashed")
        assert crashed["message"].startswith("Process exited with status code: 3.")
        wait_for(lambda: (tmp_path / "notes").exists(), 20)
        assert (tmp_path / "notes").read_text() == "dies Crashed"
        wait_for(lambda: "last words" in flowctl(server.db, "runs", "logs", run).stdout, 10)


def test_no_more_runs_than_the_limit_and_those_left_are_handed_back(server: Server, tmp_path: Path) -> None:
    arguments = ["serve", "served.py:sleeps", "--name", "limited", "--limit", "1", "--on-stop", "handback"]
    with running(tmp_path, server.api, *arguments) as runner:
        first = start_run(server, "limited", pids=str(tmp_path / "first"))
        wait_for_state(server, first, "RUNNING")
        second = start_run(server, "limited", pids=str(tmp_path / "second"), seconds=0.1)
        processes = pids(tmp_path / "first")
        wait_for(lambda: len(runner.log.read_text().splitlines()) > 3)
        assert state(server, second)["type"] == "SCHEDULED"
        assert runner.stop(signal.SIGTERM) == 0
        assert (state(server, first)["name"], state(server, second)["type"]) == ("AwaitingRetry", "SCHEDULED")
        assert server.get(f"/flow_runs/{first}")["infrastructure_pid"] is None
        wait_for(lambda: not any(map(is_alive, processes)), 10)
    flowctl(server.db, "runs", "cancel", first)
    with running(tmp_path, server.api, "start", "--name", "sleeps/limited") as runner:
        wait_for_state(server, second, "COMPLETED")
        assert runner.stop() == 130


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as sock:
        return sock.getsockname()[1]


def test_runs_go_on_while_the_server_restarts_and_none_outlives_a_killed_runner(tmp_path: Path) -> None:
    db, port = tmp_path / "flowctl.db", free_port()
    served = Client(prefect_python("3.8.1"), tmp_path / "home", f"http://127.0.0.1:{port}/api")
    env = {**served.environment(), "PREFECT_RUNNER_POLL_FREQUENCY": "1"}
    with (
        serving(db, port=port) as server,
        running(tmp_path, server.api, "serve", "served.py:sleeps", "--name", "ours") as runner,
        (tmp_path / "served.log").open("w") as log,
        subprocess.Popen([str(served.python), "served.py"], cwd=SCRIPTS, env=env, stdout=log, stderr=log) as prefects,
    ):
        try:
            names = {"ours": "ours", "served": "served"}
            short = {name: start_run(server, name, pids=str(tmp_path / f"{name}-1"), seconds=8) for name in names}
            for run in short.values():
                wait_for_state(server, run, "RUNNING")
            server.kill()
            with serving(db, port=port) as server:
                for run in short.values():
                    assert wait_for_state(server, run, "COMPLETED", "FAILED", "CRASHED")["type"] == "COMPLETED"
                long = {name: start_run(server, name, pids=str(tmp_path / f"{name}-2")) for name in names}
                for run in long.values():
                    wait_for_state(server, run, "RUNNING", seconds=60)
                processes = pids(tmp_path / "ours-2")
                os.kill(runner.process.pid, signal.SIGKILL)
                wait_for(lambda: not any(map(is_alive, processes)), 15)
                ended = wait_for_state(server, long["ours"], "CRASHED")
                assert ended["type"] == "CRASHED"
                cancelled = flowctl(db, "runs", "cancel", long["served"])
                assert cancelled.returncode == 0, cancelled.stderr
                assert wait_for_state(server, long["served"], "CANCELLED", "CRASHED", seconds=60)["type"] == "CANCELLED"
        finally:
            prefects.kill()
