"""The command line on the file of a running server: each sees at once what the other does."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from processes import serving

pytestmark = pytest.mark.e2e


def flowctl(db: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "flowctl", *arguments]
    env = {**os.environ, "FLOWCTL_DB": str(db)}
    return subprocess.run(command, capture_output=True, text=True, env=env, timeout=60, check=False)


def test_both_work_on_one_file(db_path: Path) -> None:
    with serving(db_path) as server, server.client() as client:
        flow = server.post("/flows/", {"name": "etl"})
        run = server.post("/flow_runs/", {"flow_id": flow["id"], "name": "brisk-otter", "state": {"type": "RUNNING"}})
        assert "brisk-otter" in flowctl(db_path, "runs", "ls").stdout

        following = subprocess.Popen(
            [sys.executable, "-m", "flowctl", "runs", "logs", "-f", "brisk-otter", "--db", str(db_path)],
            stdout=subprocess.PIPE,
            text=True,
        )
        line = {"name": "x", "level": 20, "message": "hello", "timestamp": run["created"], "flow_run_id": run["id"]}
        client.post("/logs/", json=[line]).raise_for_status()
        assert following.stdout
        assert following.stdout.readline().rstrip().endswith("hello")

        changed = flowctl(db_path, "runs", "set-state", "brisk-otter", "failed", "-m", "by hand")
        assert (changed.returncode, changed.stderr) == (0, "")
        answer = server.get(f"/flow_runs/{run['id']}")
        assert (answer["state_name"], answer["state"]["message"]) == ("Failed", "by hand")
        assert following.wait(20) == 0
        following.stdout.close()

        assert flowctl(db_path, "runs", "delete", "-y", "brisk-otter").returncode == 0
        assert client.get(f"/flow_runs/{run['id']}").status_code == 404
    assert flowctl(db_path, "runs", "ls", "-q").stdout == ""
