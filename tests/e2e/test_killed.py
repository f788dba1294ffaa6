"""SIGKILL for the real `flow.serve()` and the process of its run."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from e2e.runs import SCRIPTS, is_alive, pids, start_run, state, wait_for_state
from processes import Client, Server, prefect_python, serving, wait_for

pytestmark = pytest.mark.e2e


@contextmanager
def script(client: Client, log: Path, *command: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run a script until the block ends; then it, and all that it has started, is killed."""
    env = {**client.environment(), "PREFECT_RUNNER_POLL_FREQUENCY": "1"}
    with log.open("w") as output:
        process = subprocess.Popen(
            [str(client.python), *command], cwd=SCRIPTS, env=env, stdout=output, stderr=output, start_new_session=True
        )
    try:
        yield process
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait(10)


def runs(server: Server, flow: str, state: str, **more: Any) -> list[dict[str, Any]]:
    criteria = {"flows": {"name": {"any_": [flow]}}, "flow_runs": {"state": {"type": {"any_": [state]}}, **more}}
    return server.post("/flow_runs/filter", criteria)


def test_a_run_that_was_killed_with_its_runner_crashes_and_the_schedule_goes_on(tmp_path: Path) -> None:
    client = Client(prefect_python("3.8.1"), tmp_path / "home", "")
    with serving(tmp_path / "flowctl.db", env={"FLOWCTL_REAPER_AFTER": "3"}) as server:
        client.api = server.api
        with (
            script(client, tmp_path / "living.log", "sleeper.py", "living"),
            script(client, tmp_path / "first.log", "scheduled.py") as served,
        ):
            killed = start_run(server, "naps/scheduled", pids=str(tmp_path / "pids"))
            (process,) = pids(tmp_path / "pids")
            wait_for_state(server, killed, "RUNNING")
            living = wait_for(lambda: runs(server, "sleeper", "RUNNING") + runs(server, "nap", "RUNNING"))
            wait_for(lambda: runs(server, "beats", "COMPLETED"), 60)
            os.kill(served.pid, signal.SIGKILL)
            os.kill(process, signal.SIGKILL)
            end = datetime.now(UTC).isoformat()
            wait_for(lambda: not is_alive(process), 10)

            crashed = wait_for_state(server, killed, "CRASHED", seconds=60)
            assert "The run was last heard of at" in crashed["message"]
            assert f"Its process {process} of " in crashed["message"]
            assert crashed["message"].endswith(("no longer exists.", "has ended."))  # so or so, before it is reaped
            assert [state(server, run["id"])["type"] for run in living] == ["RUNNING"] * len(living)

            with script(client, tmp_path / "second.log", "scheduled.py"):
                wait_for(lambda: runs(server, "beats", "COMPLETED", start_time={"after_": end}), 60)
            assert [state(server, run["id"])["type"] for run in living] == ["RUNNING"] * len(living)
