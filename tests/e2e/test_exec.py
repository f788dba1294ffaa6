"""`flowctl exec --ephemeral` around the real `prefect` client, as a CI job would have it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from processes import ROOT, clean_environment, prefect_python

pytestmark = pytest.mark.e2e

FLOW = """
import sys
from prefect import flow, task
from prefect.client.orchestration import get_client

@task
def double(n):
    return 2 * n

@flow(log_prints=True)
def demo():
    print("working")
    return sum(double.map([1, 2, 3]).result())

assert demo() == 12
with get_client(sync_client=True) as client:
    runs = client.read_flow_runs()
    print([run.state.name for run in runs], client.api_url)
sys.exit(3)
"""


def test_a_flow_runs_against_a_server_of_its_own(tmp_path: Path) -> None:
    script = tmp_path / "demo.py"
    script.write_text(FLOW)
    environment = {**clean_environment(), "PREFECT_HOME": str(tmp_path / "home"), "FLOWCTL_DB": str(tmp_path / "a.db")}
    command = [sys.executable, "-m", "flowctl", "exec", "--ephemeral", "--", str(prefect_python("3.8.1")), str(script)]
    result = subprocess.run(
        command,
        env={**environment, "PYTHONPATH": os.pathsep.join([str(ROOT)])},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert result.returncode == 3, result.stderr
    assert result.stdout.startswith("['Completed'] http://127.0.0.1:")
    assert "starting temporary server" not in result.stderr.lower()
    assert not (tmp_path / "a.db").exists()
    assert not (tmp_path / "home" / "prefect.db").exists()
