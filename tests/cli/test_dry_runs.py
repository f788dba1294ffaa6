"""What changes something tells with --dry-run what it would do, as data where data is asked for, and does nothing."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from deployed import deploy_some

from flowctl.domain.states import StateType

COMMANDS = (
    "runs set-state odd-crane completed",
    "runs cancel odd-crane",
    "runs reschedule later +1h",
    "runs set-state odd-crane completed --expect running",
    "runs delete calm-lynx",
    "runs tag add calm-lynx a",
    "runs create report",
    "tasks set-state load failed",
    "tasks delete load",
    "flows delete report",
    "deployments run etl/manual",
    "deployments pause etl/nightly",
    "deployments resume etl/nightly",
    "deployments update etl/nightly --description x",
    "deployments delete etl/nightly",
    "deployments missed-runs etl/nightly latest",
    "deployments schedule pause etl/nightly",
    "deployments schedule resume etl/nightly",
    "deployments schedule update etl/nightly --interval 5m",
    "deployments schedule delete etl/nightly",
    "db backup",
    "db prune --older-than 1s",
    "db upgrade",
    "db vacuum",
    "config set port 1",
)


@pytest.mark.parametrize("command", COMMANDS)
def test_a_dry_run_is_data_and_no_change(cli, world, three, db_path: Path, command: str, monkeypatch) -> None:
    monkeypatch.setenv("FLOWCTL_CONFIG", str(db_path.with_name("config.toml")))
    world.run("later", (StateType.SCHEDULED, -60))
    deploy_some(db_path)
    with closing(sqlite3.connect(db_path)) as conn:
        version = "PRAGMA data_version"  # another one after a commit of any other connection
        before = conn.execute(version).fetchone()
        result = cli(*command.split(), "--dry-run", "--json")
        assert result.code == 0
        assert result.json
        assert conn.execute(version).fetchone() == before
    told = cli(*command.split(), "--dry-run")
    assert (told.code, "Traceback" in told.err) == (0, False)
    assert told.out or told.err
