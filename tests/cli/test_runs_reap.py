"""`flowctl runs reap`."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from flowctl.db.tables import flow_run_processes
from flowctl.domain.processes import Process
from flowctl.domain.states import StateType


@pytest.fixture
def dead(world, monkeypatch: pytest.MonkeyPatch):
    """A run that has been Running for ten minutes in a process that is gone, beside one that lives."""
    gone, alive = (
        world.run(name, (StateType.PENDING, 11), (StateType.RUNNING, 10)) for name in ("brisk-otter", "odd-crane")
    )
    with world.database.write() as tx:
        for number, run in enumerate((gone, alive)):
            process = Process(machine="here", pid=number, stamp="boot 1", started=datetime.now(UTC))
            flow_run_processes.put(tx, run.id, process)
    monkeypatch.setattr(
        "flowctl.ops.reap.processes.evidence_of_death",
        lambda process: None if process.pid else "process 0 of here no longer exists.",
    )
    return gone


def test_a_dry_run_shows_what_is_dead_and_changes_nothing(cli, dead) -> None:
    (run,) = cli("runs", "reap", "--dry-run", "--json").json
    assert (run["id"], run["name"]) == (str(dead.id), "brisk-otter")
    assert run["evidence"].endswith("Its process 0 of here no longer exists.")
    assert cli("runs", "show", "brisk-otter", "--json").json["state_type"] == "RUNNING"


def test_the_dead_are_marked(cli, dead) -> None:
    result = cli("runs", "reap")
    assert result.code == 0
    assert "brisk-otter" in result.out
    assert "odd-crane" not in result.out
    assert cli("runs", "show", "brisk-otter", "--json").json["state"]["message"].endswith("no longer exists.")
    assert cli("runs", "reap", "-q").out == ""
    assert cli("runs", "show", "odd-crane", "--json").json["state_type"] == "RUNNING"
