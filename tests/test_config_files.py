"""Configuration files: where they are found, how strong they are, and what is said about mistakes in them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from flowctl import config_files
from flowctl.settings import load, problems


def written(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def test_the_projects_file_is_the_nearest_one(tmp_path: Path) -> None:
    deep = tmp_path / "a" / "b"
    deep.mkdir(parents=True)
    outer = written(tmp_path / "flowctl.toml", "port = 1")
    assert config_files.project_path(deep) == outer
    inner = written(tmp_path / "a" / "pyproject.toml", "[tool.flowctl]\nport = 2")
    assert config_files.project_path(deep) == inner
    beside = written(tmp_path / "a" / "flowctl.toml", "port = 3")
    assert config_files.project_path(deep) == beside


def test_another_projects_pyproject_says_nothing(tmp_path: Path) -> None:
    written(tmp_path / "pyproject.toml", '[project]\nname = "flowctl-fan"  # no [tool.flowctl] here\n')
    path = config_files.project_path(tmp_path)
    assert path is None or path.parent != tmp_path


def test_variables_are_stronger_than_the_project_and_that_is_stronger_than_the_user(tmp_path: Path) -> None:
    project = written(tmp_path / "flowctl.toml", 'host = "project"\nrequest-limit = 7')
    user = written(tmp_path / "config.toml", 'host = "user"\nport = 7000\nrequest_limit = 8\nlog_level = "INFO"')
    settings = load({"PREFECT_SERVER_API_PORT": "1"}, files=[project, user])
    assert (settings.port, settings.host, settings.request_limit, settings.log_level) == (1, "project", 7, "INFO")
    assert settings.origins == {
        "port": "PREFECT_SERVER_API_PORT",
        "host": str(project),
        "request_limit": str(project),
        "log_level": str(user),
    }


def test_prefects_profile_is_stronger_than_files(tmp_path: Path) -> None:
    written(tmp_path / "profiles.toml", 'active = "mine"\n[profiles.mine]\nPREFECT_SERVER_API_PORT = 4300')
    user = written(tmp_path / "config.toml", "port = 7000")
    settings = load({"PREFECT_HOME": str(tmp_path)}, profile=True, files=[user])
    assert settings.port == 4300
    assert settings.origins["port"] == "PREFECT_SERVER_API_PORT of Prefect's profile 'mine'"


def test_values_of_all_kinds(tmp_path: Path) -> None:
    path = written(
        tmp_path / "pyproject.toml",
        "[tool.flowctl]\n"
        'db = "data/runs.db"\nui_enabled = false\nevents_retention_period = "14d"\nbusy_timeout = 2.5\n'
        'cors_allowed_origins = ["https://a.example", "https://b.example"]\nmissed_runs = "SKIP"\n'
        "[tool.flowctl.orchestration]\nmax_cache_key_length = 500\n",
    )
    settings = load({}, files=[path])
    assert settings.db == tmp_path / "data" / "runs.db", "a relative path starts at the file"
    assert (settings.ui_enabled, settings.events_retention_period, settings.busy_timeout) == (False, 14 * 86400, 2.5)
    assert settings.cors_allowed_origins == "https://a.example,https://b.example"
    assert (settings.missed_runs, settings.orchestration.max_cache_key_length) == ("skip", 500)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("prot = 1", r"config\.toml: There is no setting 'prot'\. Did you mean 'port'\?"),
        ("[server]\nport = 1", r"config\.toml: There is no setting 'server\.port'\."),
        ('port = "many"', r"config\.toml: port = many cannot be read: it takes a whole number\."),
        ("ui_enabled = 3", r"config\.toml: ui_enabled = 3 cannot be read: it takes true or false\."),
        ('missed_runs = "some"', r"config\.toml: missed_runs = some cannot be read: it takes skip or latest or all\."),
        ("port = 2026-01-01", r"config\.toml: port takes text, a number, true or false\."),
        ("port = ", r"config\.toml cannot be read"),
        ('a = "\\', r"config\.toml cannot be read"),
    ],
)
def test_a_mistake_is_named_with_file_and_key(tmp_path: Path, text: str, message: str) -> None:
    path = written(tmp_path / "config.toml", text)
    with pytest.raises(ValueError, match=message):
        load({}, files=[path])
    [problem] = problems(path)
    assert re.search(message, problem)


def test_all_mistakes_are_found_at_once(tmp_path: Path) -> None:
    path = written(tmp_path / "config.toml", 'prot = 1\nport = "many"\nhost = "h"\nlog_level = 12:00:00\n')
    assert [problem.removeprefix(f"{path}: ").split()[0] for problem in problems(path)] == [
        "There",
        "log_level",
        "port",
    ]


def test_the_strongest_source_says_where_commands_work(tmp_path: Path) -> None:
    project = written(tmp_path / "flowctl.toml", 'db = "runs.db"')
    user = written(tmp_path / "config.toml", 'context = "prod"\napi = "http://a/api"')
    assert load({}).target is None
    assert load({}, files=[user]).target == "api"
    settings = load({}, files=[project, user])
    assert (settings.target, settings.context) == ("db", "prod")
    assert load({"FLOWCTL_CONTEXT": "x", "FLOWCTL_DB": "y"}, files=[project]).target == "context"
