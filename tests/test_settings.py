from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import pytest

from flowctl.settings import VARIABLES, OrchestrationSettings, Settings, database_path, load


def test_without_variables_everything_is_at_its_default() -> None:
    assert load({}) == Settings()


def test_flowctls_own_names_are_stronger_than_prefects() -> None:
    settings = load({"PREFECT_SERVER_API_PORT": "1", "FLOWCTL_PORT": "2", "PREFECT_SERVER_API_HOST": "0.0.0.0"})
    assert (settings.port, settings.host) == (2, "0.0.0.0")
    assert settings.origins == {"port": "FLOWCTL_PORT", "host": "PREFECT_SERVER_API_HOST"}


def test_a_prefect_users_environment_works() -> None:
    settings = load(
        {
            "PREFECT_SERVER_API_AUTH_STRING": "admin:pass",
            "PREFECT_SERVER_CSRF_PROTECTION_ENABLED": "true",
            "PREFECT_SERVER_CORS_ALLOWED_ORIGINS": "https://a.example,https://b.example",
            "PREFECT_UI_SERVE_BASE": "/flow",
            "PREFECT_UI_API_URL": "https://a.example/api",
            "PREFECT_API_SERVICES_LATE_RUNS_ENABLED": "0",
            "PREFECT_API_SERVICES_LATE_RUNS_AFTER_SECONDS": "PT30S",
            "PREFECT_EVENTS_RETENTION_PERIOD": "P14DT12H",
            "PREFECT_API_BLOCKS_REGISTER_ON_START": "no",
            "PREFECT_TASK_RUN_TAG_CONCURRENCY_SLOT_WAIT_SECONDS": "3",
        }
    )
    assert settings.api_auth_string == "admin:pass"
    assert settings.csrf_enabled
    assert settings.cors_allowed_origins == "https://a.example,https://b.example"
    assert (settings.ui_serve_base, settings.ui_api_url) == ("/flow", "https://a.example/api")
    assert not settings.services_late_runs_enabled
    assert settings.services_late_runs_after_seconds == 30
    assert settings.events_retention_period == 14.5 * 86400
    assert not settings.block_auto_registration
    assert settings.orchestration.task_run_tag_concurrency_slot_wait_seconds == 3


@pytest.mark.parametrize(
    ("variable", "text"),
    [
        ("FLOWCTL_PORT", "many"),
        ("FLOWCTL_UI", "perhaps"),
        ("FLOWCTL_WAIT_LOCK", "soon"),
        ("PREFECT_EVENTS_RETENTION_PERIOD", "P"),
        ("PREFECT_EVENTS_RETENTION_PERIOD", "PT5"),
        ("FLOWCTL_SYNCHRONOUS", "SOMETIMES"),
    ],
)
def test_a_value_that_cannot_be_read_is_named(variable: str, text: str) -> None:
    with pytest.raises(ValueError, match=f"{variable}={text} cannot be read: it takes"):
        load({variable: text})


@pytest.mark.parametrize(("text", "seconds"), [("5", 5), ("0.5", 0.5), ("90s", 90), ("2h", 7200), ("1d", 86400)])
def test_durations(text: str, seconds: float) -> None:
    assert load({"FLOWCTL_WAIT_LOCK": text}).busy_timeout == seconds


def test_the_server_reads_the_active_prefect_profile(tmp_path: Path) -> None:
    (tmp_path / "profiles.toml").write_text(
        'active = "mine"\n'
        '[profiles.mine]\nPREFECT_SERVER_API_PORT = 4300\nPREFECT_SERVER_API_HOST = "h"\n'
        "[profiles.other]\n"
    )
    env = {"PREFECT_HOME": str(tmp_path), "PREFECT_SERVER_API_HOST": "stronger"}
    settings = load(env, profile=True)
    assert (settings.port, settings.host) == (4300, "stronger")
    assert load({**env, "PREFECT_PROFILE": "other"}, profile=True).port == 4200
    assert load(env).port == 4200, "offline commands do not ask for it"


def test_a_profile_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "profiles.toml").write_text("active = ")
    with pytest.raises(ValueError, match=r"profiles\.toml cannot be read"):
        load({"PREFECT_HOME": str(tmp_path)}, profile=True)


def test_every_variable_sets_a_field() -> None:
    known = {field.name for field in fields(Settings)}
    known |= {f"orchestration.{field.name}" for field in fields(OrchestrationSettings)}
    assert set(VARIABLES) <= known


def test_the_database_is_where_it_is_said_or_in_the_data_directory(tmp_path: Path) -> None:
    assert database_path(load({"FLOWCTL_DB": str(tmp_path / "a.db")})) == tmp_path / "a.db"
    assert database_path(Settings()).name == "flowctl.db"
