"""Settings, version, and the default storage of results."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from uuid import UUID

import pytest
from api_client import TestClient

from flowctl.server.app import create_app
from flowctl.settings import Settings

ID = UUID(int=5)


def test_the_version_is_that_of_prefect(api: TestClient) -> None:
    assert api.get("/admin/version").json() == "3.8.1"


def test_settings_are_prefects_tree_with_our_values(settings: Settings) -> None:
    settings = replace(settings, api_auth_string="admin:pass", services_late_runs_enabled=False, port=4567)
    client = TestClient(create_app(settings, ignore_cache=True))
    tree = client.get("/api/admin/settings", auth=("admin", "pass")).json()
    assert tree["server"]["api"]["port"] == 4567
    assert tree["server"]["api"]["csrf_token_expiration"] == "PT3600S"
    assert tree["server"]["services"]["late_runs"] == {
        "enabled": False,
        "loop_seconds": 5.0,
        "after_seconds": "PT15S",
    }
    assert "admin:pass" not in str(tree)


def test_settings_name_prefects_files(settings: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Prefect's own class of settings refuses a tree without them."""
    monkeypatch.setenv("PREFECT_HOME", str(tmp_path))
    monkeypatch.delenv("PREFECT_PROFILES_PATH", raising=False)
    tree = TestClient(create_app(settings, ignore_cache=True)).get("/api/admin/settings").json()
    paths = (
        tree["home"],
        tree["profiles_path"],
        tree["logging"]["config_path"],
        tree["results"]["local_storage_path"],
        tree["server"]["memo_store_path"],
    )
    names = ("", "profiles.toml", "logging.yml", "storage", "memo_store.toml")
    assert paths == tuple(str(tmp_path / name) for name in names)


def test_no_storage_is_the_default(api: TestClient) -> None:
    nothing = {"default_result_storage_block_id": None}
    assert api.get("/admin/storage").json() == nothing
    assert api.delete("/admin/storage").status_code == 204
    assert api.get("/admin/storage").json() == nothing


def test_a_storage_that_does_not_exist_is_not_found(api: TestClient) -> None:
    response = api.put("/admin/storage", json={"default_result_storage_block_id": str(ID)})
    assert (response.status_code, response.json()) == (404, {"detail": f"Block document {ID} not found."})


def test_a_storage_must_be_an_id(api: TestClient) -> None:
    for body in ({}, {"default_result_storage_block_id": None}, {"default_result_storage_block_id": "nope"}):
        response = api.put("/admin/storage", json=body)
        assert response.status_code == 422
        assert response.json()["request_body"] == body
