"""The files in which runners say what they do."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from flowctl.runner import status
from flowctl.runner.status import RunnerStatus


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))


def runner(pid: int) -> RunnerStatus:
    now = datetime.now(UTC)
    return RunnerStatus(
        pid=pid, name="etl", api="http://x/api", started=now, last_polled=now, limit=5, runs=["odd-crane"]
    )


def test_a_runner_is_listed_until_it_ends() -> None:
    assert status.running() == []
    status.write(runner(os.getpid()))
    assert [(each.pid, each.runs) for each in status.running()] == [(os.getpid(), ["odd-crane"])]
    status.remove(os.getpid())
    status.remove(os.getpid())
    assert status.running() == []


def test_one_that_was_killed_is_forgotten() -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        process.wait()
    status.write(runner(process.pid))
    (status.folder() / "4711.json").write_text("no JSON")
    assert status.running() == []
    assert not (status.folder() / f"{process.pid}.json").exists()
