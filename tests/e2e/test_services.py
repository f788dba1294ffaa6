"""Background services, with real clients: what becomes of runs whose process is killed, and of late ones."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from processes import Client, Server, prefect_python, serving, wait_for

pytestmark = pytest.mark.e2e
SLEEPER = Path(__file__).parent / "scripts" / "sleeper.py"
QUICKLY = {
    "FLOWCTL_REAPER_AFTER": "1",
    "PREFECT_SERVER_SERVICES_LATE_RUNS_AFTER_SECONDS": "1",
    "PREFECT_SERVER_SERVICES_LATE_RUNS_LOOP_SECONDS": "1",
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server whose services have little patience."""
    with serving(tmp_path_factory.mktemp("server") / "flowctl.db", env=QUICKLY) as running:
        yield running


def runs(server: Server, **filters: Any) -> list[dict[str, Any]]:
    return server.post("/flow_runs/filter", {"flow_runs": filters})


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="processes are known on Linux only")
def test_a_run_and_its_subflow_crash_when_their_process_is_killed(server: Server, tmp_path: Path) -> None:
    client = Client(prefect_python("3.8.1"), tmp_path / "home", server.api)
    name = f"sleeper-{uuid.uuid4().hex[:8]}"
    process = client.start(str(SLEEPER), name)
    try:
        wait_for(lambda: len(runs(server, state={"type": {"any_": ["RUNNING"]}})) == 2, 60)
    finally:
        process.kill()
        process.communicate()
    crashed = wait_for(lambda: len(found := runs(server, state={"type": {"any_": ["CRASHED"]}})) == 2 and found, 60)
    assert name in {run["name"] for run in crashed}
    for run in crashed:
        assert f"Its process {process.pid} of " in run["state"]["message"]
        assert run["state"]["message"].endswith("UTC, no longer exists.")


def test_a_run_that_nobody_takes_is_late(server: Server) -> None:
    flow = server.post("/flows/", {"name": "forgotten"})["id"]
    state = {"type": "SCHEDULED", "state_details": {"scheduled_time": datetime.now(UTC).isoformat()}}
    id = server.post("/flow_runs/", {"flow_id": flow, "state": state})["id"]
    assert wait_for(lambda: (run := server.get(f"/flow_runs/{id}"))["state_name"] == "Late" and run)


def test_services_tell_of_their_ticks(server: Server) -> None:
    services = server.get("/ready")["services"]
    assert {"Clock", "Scheduler", "MarkLateRuns", "FailExpiredPauses", "CancellationCleanup", "Repossessor", "Foreman",
            "Reaper", "Retention"} <= set(services)  # fmt: skip
    assert [name for name, service in services.items() if service["last_error"]] == []
