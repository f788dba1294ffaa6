"""The database file through the API: its room, its rules of retention, its backups."""

from __future__ import annotations

from pathlib import Path

from api_client import TestClient

from flowctl.db import copies


def test_room_is_told_by_table(api: TestClient) -> None:
    flow = api.post("/flows/", json={"name": "etl"}).json()
    api.post("/flow_runs/", json={"flow_id": flow["id"]})
    found = api.get("/flowctl/storage").json()
    tables = {table["name"]: table for table in found["tables"]}
    assert tables["flow"]["rows"] == tables["flow_run"]["rows"] == 1
    assert 0 < tables["flow_run"]["size"] < found["size"]
    assert found["disk_free"] > 0
    assert found["backups"] == []
    assert found["retention"] == {"rules": None, "is_ours": True}


def test_retention_is_chosen_and_left_off(api: TestClient) -> None:
    chosen = api.put("/flowctl/retention", json={"older_than_seconds": 86400, "states": ["COMPLETED"]})
    rules = {"older_than_seconds": 86400.0, "keep_last": None, "states": ["COMPLETED"], "max_size_bytes": None}
    assert chosen.json() == {"rules": rules, "is_ours": False}
    assert api.get("/flowctl/storage").json()["retention"] == chosen.json()
    assert api.put("/flowctl/retention", json={}).json() == {"rules": None, "is_ours": False}
    for wrong in ({"older_than_seconds": -1}, {"max_size_bytes": 0}, {"colour": "red"}):
        assert api.put("/flowctl/retention", json=wrong).status_code == 422


def test_a_backup_is_made_beside_the_database_and_listed(api: TestClient, db_path: Path) -> None:
    api.post("/flows/", json={"name": "etl"})
    made = api.post("/flowctl/backups")
    assert made.status_code == 201
    path = Path(made.json()["path"])
    assert path.parent == db_path.parent / "backups"
    assert copies.size(path) == made.json()["size"]
    assert api.get("/flowctl/storage").json()["backups"] == [made.json()]
