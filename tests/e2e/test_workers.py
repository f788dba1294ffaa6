"""The real worker, `prefect deploy` and `flow.deploy()`, against `flowctl serve`."""

from __future__ import annotations

import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from e2e.runs import SCRIPTS, is_alive, pids, start_run, state, wait_for_state
from processes import Client, Server, flowctl, wait_for

pytestmark = pytest.mark.e2e

PROJECT = """
name: project
deployments:
  - name: by-file
    entrypoint: worked.py:hello
    work_pool: {name: POOL, work_queue_name: night}
    parameters: {name: "{{ prefect.variables.greeted }}"}
    schedules: [{cron: "0 3 * * *", timezone: Europe/Rome}]
  - {name: by-file, entrypoint: "worked.py:suspends", work_pool: {name: POOL}}
  - {name: by-file, entrypoint: "worked.py:waits", work_pool: {name: POOL}}
"""


class Project:
    """A folder with flows and a `prefect.yaml`, whose deployments go to a work pool."""

    def __init__(self, client: Client, folder: Path, pool: str) -> None:
        self.client = client
        self.folder = folder
        self.pool = pool
        folder.mkdir()
        shutil.copy(SCRIPTS / "worked.py", folder)
        (folder / "prefect.yaml").write_text(PROJECT.replace("POOL", pool))

    def prefect(self, *arguments: str) -> str:
        """Run Prefect's command line in the folder; returns what it prints."""
        return self.python("-m", "prefect", *arguments)

    def python(self, *arguments: str) -> str:
        result = subprocess.run(
            [str(self.client.python), *arguments],
            cwd=self.folder,
            env=self.client.environment(),
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert result.returncode == 0, result.stdout + result.stderr
        return result.stdout + result.stderr

    @contextmanager
    def worker(self) -> Iterator[None]:
        """A worker of the pool, until the block ends."""
        command = [str(self.client.python), "-m", "prefect", "worker", "start", "--pool", self.pool, "--name", "w"]
        env = {**self.client.environment(), "PREFECT_WORKER_QUERY_SECONDS": "1"}
        with (self.folder / "worker.log").open("w") as log:
            process = subprocess.Popen(command, cwd=self.folder, env=env, stdout=log, stderr=log)
        try:
            yield
        finally:
            process.send_signal(signal.SIGINT)
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(10)


def test_deployments_of_both_kinds_are_executed_by_a_worker(server: Server, client: Client, tmp_path: Path) -> None:
    project = Project(client, tmp_path / "project", "first")
    assert "Created work pool 'first'" in project.prefect("work-pool", "create", "first", "--type", "process")
    assert server.get("/work_pools/first")["status"] == "NOT_READY"
    assert flowctl(server.db, "variables", "set", "greeted", "file").returncode == 0
    project.prefect("--no-prompt", "deploy", "--name", "hello/by-file")
    project.python("worked.py", "first")
    by_file = server.get("/deployments/name/hello/by-file")
    assert (by_file["work_pool_name"], by_file["work_queue_name"]) == ("first", "night")
    assert [each["schedule"]["cron"] for each in by_file["schedules"]] == ["0 3 * * *"]
    assert server.get("/deployments/name/hello/by-code")["pull_steps"]
    for name in ("by-code", "by-file"):  # one by one: a worker that runs once trips over the end of two together
        run = start_run(server, f"hello/{name}")
        project.prefect("worker", "start", "--pool", "first", "--run-once")
        assert state(server, run)["type"] == "COMPLETED"
        log = flowctl(server.db, "runs", "logs", run).stdout
        assert f"hello {name.removeprefix('by-')} from" in log
    assert server.get("/work_pools/first")["status"] == "READY"
    assert server.get("/work_pools/first/queues/night")["status"] == "READY"


def test_a_run_is_watched_suspended_and_cancelled(server: Server, client: Client, tmp_path: Path) -> None:
    project = Project(client, tmp_path / "project", "second")
    project.prefect("work-pool", "create", "second", "--type", "process")
    project.prefect("--no-prompt", "deploy", "--all")
    with project.worker():
        watched = project.prefect("deployment", "run", "hello/by-file", "--watch", "--param", "name=watcher")
        assert "Flow run finished successfully in 'Completed'" in watched

        notes = tmp_path / "notes"
        suspended = start_run(server, "suspends/by-file", notes=str(notes))
        assert wait_for_state(server, suspended, "PAUSED", "FAILED", "CRASHED")["name"] == "Suspended"
        # The worker tidies up after the first process: a second one that began before would find no folder.
        wait_for(lambda: (project.folder / "worker.log").read_text().count("exited cleanly") == 2)
        resumed = flowctl(server.db, "runs", "resume", suspended)
        assert resumed.returncode == 0, resumed.stderr
        assert wait_for_state(server, suspended, "COMPLETED", "FAILED", "CRASHED")["type"] == "COMPLETED"
        first, second = pids(notes)
        assert first != second

        waiting = start_run(server, "waits/by-file", pids=str(tmp_path / "pids"))
        (process,) = pids(tmp_path / "pids")
        project.prefect("flow-run", "cancel", waiting)
        assert wait_for_state(server, waiting, "CANCELLED", "CRASHED")["type"] == "CANCELLED"
        wait_for(lambda: not is_alive(process), 20)
