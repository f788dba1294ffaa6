from __future__ import annotations

import csv
from datetime import timedelta
from pathlib import Path

import pytest
from api_client import TestClient

from flowctl.server.app import create_app
from flowctl.settings import Settings


@pytest.fixture
def deployed(db_path: Path) -> str:
    """A deployment `etl/nightly` with a schedule and a run that waits for its time; its id."""
    with TestClient(create_app(Settings(db=db_path), webserver_only=True, ignore_cache=True)) as api:
        flow = api.post("/api/flows/", json={"name": "etl"}).json()
        body = {
            "name": "nightly",
            "flow_id": flow["id"],
            "tags": ["prod"],
            "schedules": [{"schedule": {"interval": timedelta(days=1).total_seconds()}, "active": True}],
        }
        deployment = api.post("/api/deployments/", json=body).json()
        state = {"type": "SCHEDULED", "state_details": {"scheduled_time": "2099-01-01T03:00:00Z"}}
        api.post(f"/api/deployments/{deployment['id']}/create_flow_run", json={"state": state})
        return deployment["id"]


def test_ls_shows_schedules_and_the_next_run(cli, deployed: str) -> None:
    (row,) = csv.DictReader(cli("deployments", "ls", "-o", "csv").lines)
    assert (row["id"], row["name"], row["schedules"]) == (deployed, "etl/nightly", "1")
    (shown,) = cli("deployments", "ls", "--json").json
    assert shown["next_run"].startswith("2099-01-01T03:00:00")
    assert (shown["paused"], shown["tags"]) == (False, ["prod"])
    assert cli("deployments", "ls").lines[1].split()[1:4] == ["etl/nightly", "not", "ready"]


def test_without_deployments_there_is_an_empty_table(cli) -> None:
    result = cli("deployments", "ls")
    assert (result.code, len(result.lines)) == (0, 1)
    assert cli("deployments", "ls", "--json").json == []


def test_pause_and_resume(cli, deployed: str) -> None:
    assert cli("deployments", "pause", "etl/nightly").code == 0
    assert cli("deployments", "ls", "--json").json[0]["paused"] is True
    assert cli("deployments", "resume", deployed[:8]).code == 0
    assert cli("deployments", "ls", "--json").json[0]["paused"] is False


def test_what_is_not_there_is_named(cli, deployed: str) -> None:
    for verb in ("pause", "resume"):
        result = cli("deployments", verb, "etl/weekly")
        assert result.code == 3
        assert "etl/weekly" in result.err
