"""`flowctl config`: what is shown, what is written, and what is said about mistakes."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from flowctl.settings import VARIABLES

COMMENTED = """\
# mine
port = 4300  # as the proxy says

[orchestration]
max_cache_key_length = 500
"""


@pytest.fixture
def user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's file, which is not there yet; the working directory is an empty one."""
    path = tmp_path / "user" / "config.toml"
    monkeypatch.setenv("FLOWCTL_CONFIG", str(path))
    monkeypatch.setenv("PREFECT_HOME", str(tmp_path / "prefect"))
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    return path


class TestShow:
    def test_names_every_setting_with_its_value_and_origin(self, cli, user: Path, monkeypatch) -> None:
        monkeypatch.setenv("PREFECT_SERVER_API_HOST", "10.0.0.1")
        cli("config", "set", "port", "4300")
        lines = [line.split() for line in cli("config", "show", "--origin").lines]
        assert lines[0] == ["SETTING", "VALUE", "ORIGIN"]
        assert [line[0] for line in lines[1:]] == list(VARIABLES)
        assert ["port", "4300", str(user)] in lines
        assert ["host", "10.0.0.1", "PREFECT_SERVER_API_HOST"] in lines
        assert ["db", str(cli.db_path), "FLOWCTL_DB"] in lines
        assert ["scheduler_loop_seconds", "60", "default"] in lines
        assert ["busy_timeout", "2", "--wait-lock"] in [
            line.split() for line in cli("config", "show", "--origin", "--wait-lock", "2s").lines
        ]

    def test_as_data(self, cli, user: Path) -> None:
        cli("config", "set", "ui_enabled", "no")
        found = {each["name"]: each for each in cli("config", "show", "--json").json}
        assert found["ui_enabled"] == {
            "name": "ui_enabled",
            "value": False,
            "origin": str(user),
            "variables": list(VARIABLES["ui_enabled"]),
        }
        changed = cli("config", "show", "--changed", "-q").lines
        assert changed == ["db", "ui_enabled"]

    def test_secrets_are_masked(self, cli, user: Path, monkeypatch) -> None:
        monkeypatch.setenv("PREFECT_API_KEY", "geheim")
        assert "geheim" not in cli("config", "show").out + cli("config", "show", "--json").out
        assert cli("config", "get", "api_key").lines == ["********"]
        assert cli("config", "get", "api_key", "--reveal").lines == ["geheim"]
        found = cli("config", "view", "--show-secrets", "--show-sources", "--json").json
        assert [each["value"] for each in found if each["name"] == "api_key"] == ["geheim"]

    def test_a_broken_file_is_named_and_only_editing_still_works(self, cli, user: Path) -> None:
        user.parent.mkdir()
        user.write_text("prot = 1\n")
        result = cli("runs", "ls")
        assert (result.code, result.out) == (2, "")
        assert f"{user}: There is no setting 'prot'. Did you mean 'port'?" in result.err
        assert cli("config", "show").code == 2
        assert cli("config", "path", "--json").json[0] == {"file": "user", "path": str(user), "exists": True}


class TestGet:
    def test_prints_the_value_alone(self, cli, user: Path) -> None:
        assert cli("config", "get", "port").out == "4200\n"
        assert cli("config", "get", "csrf-enabled").out == "false\n"
        assert cli("config", "get", "PREFECT_API_URL").out == "\n"
        assert cli("config", "get", "port", "--json").json["origin"] == "default"

    def test_an_unknown_name(self, cli, user: Path) -> None:
        result = cli("config", "get", "prot")
        assert (result.code, result.out) == (2, "")
        assert "Did you mean 'port'?" in result.err
        assert "Did you mean 'PREFECT_API_URL'?" in cli("config", "get", "PREFECT_API_URI").err


class TestSet:
    def test_keeps_comments_order_and_the_other_keys(self, cli, user: Path) -> None:
        user.parent.mkdir()
        user.write_text(COMMENTED)
        assert cli("config", "set", "port", "4301").code == 0
        assert cli("config", "set", "orchestration.max_cache_key_length", "600").code == 0
        assert cli("config", "set", "PREFECT_EVENTS_RETENTION_PERIOD=14d").code == 0
        text = user.read_text()
        assert "port = 4301  # as the proxy says" in text
        assert "max_cache_key_length = 600" in text
        assert text.index('events_retention_period = "14d"') < text.index("[orchestration]")
        assert text.startswith("# mine\n")
        assert cli("config", "get", "events_retention_period").out == "1209600\n"

    def test_several_at_once_or_none(self, cli, user: Path) -> None:
        assert cli("config", "set", "port=4301", "request-limit=9", "PREFECT_API_KEY=geheim").code == 0
        assert user.read_text() == 'port = 4301\nrequest_limit = 9\napi_key = "geheim"\n'
        told = cli("config", "set", "port=1", "request_limit=2", "--dry-run", "--json").json
        assert [(each["name"], each["value"]) for each in told] == [("port", 1), ("request_limit", 2)]
        assert cli("config", "set", "port=2", "request_limit=many").code == 2
        assert cli("config", "set", "port", "1", "request_limit").code == 2
        assert cli("config", "get", "port").out == "4301\n"

    def test_writes_the_projects_file_and_paths_relative_to_it(self, cli, user: Path, monkeypatch) -> None:
        monkeypatch.delenv("FLOWCTL_DB")
        assert cli("config", "set", "db", "data/runs.db", "--project").code == 0
        assert Path("flowctl.toml").read_text() == 'db = "data/runs.db"\n'
        Path("deeper").mkdir()
        monkeypatch.chdir("deeper")
        assert cli("db", "path").lines == [str(user.parents[1] / "work" / "data" / "runs.db")]
        cli("config", "set", "db", "other.db")
        assert f'db = "{Path.cwd()}/other.db"' in user.read_text(), "the user's file has whole paths"

    def test_a_pyproject_with_the_table_is_the_projects_file(self, cli, user: Path) -> None:
        Path("pyproject.toml").write_text('[project]\nname = "x"\n\n[tool.flowctl]\nrequest-limit = 7 # enough\n')
        assert cli("config", "set", "request_limit", "8", "--project").code == 0
        assert Path("pyproject.toml").read_text() == (
            '[project]\nname = "x"\n\n[tool.flowctl]\nrequest-limit = 8 # enough\n'
        )
        assert cli("config", "get", "request_limit").out == "8\n"

    def test_tells_what_is_stronger(self, cli, user: Path, monkeypatch) -> None:
        monkeypatch.setenv("FLOWCTL_PORT", "1")
        result = cli("config", "set", "port", "2")
        assert (result.code, result.out) == (0, "")
        assert "FLOWCTL_PORT sets port too, and is stronger." in result.err

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            (("port", "many"), "it takes a whole number"),
            (("missed_runs", "some"), "it takes skip or latest or all"),
            (("prot", "1"), "Did you mean 'port'?"),
            (("port",), "Which value shall port have?"),
        ],
    )
    def test_refuses_what_cannot_be_read(self, cli, user: Path, arguments: tuple[str, ...], message: str) -> None:
        result = cli("config", "set", *arguments)
        assert (result.code, result.out) == (2, "")
        assert message in result.err
        assert not user.exists()

    def test_a_dry_run_writes_nothing(self, cli, user: Path) -> None:
        assert "would set port = 1 in" in cli("config", "set", "port", "1", "--dry-run").err
        assert not user.exists()
        assert cli("config", "set", "api_key", "geheim", "--json").json == {
            "name": "api_key",
            "value": "********",
            "file": str(user),
        }


class TestUnset:
    def test_removes_a_key_and_leaves_the_rest(self, cli, user: Path) -> None:
        user.parent.mkdir()
        user.write_text(COMMENTED)
        assert cli("config", "unset", "orchestration.max_cache_key_length", "--dry-run").code == 0
        assert user.read_text() == COMMENTED
        assert cli("config", "unset", "orchestration.max_cache_key_length").code == 0
        assert cli("config", "unset", "port", "--json").json["value"] is None
        assert user.read_text() == "# mine\n\n[orchestration]\n"

    def test_what_is_not_set(self, cli, user: Path) -> None:
        result = cli("config", "unset", "port")
        assert (result.code, result.out) == (3, "")
        assert f"{user} does not set port" in result.err


class TestValidate:
    def test_nothing_is_wrong(self, cli, user: Path) -> None:
        assert cli("config", "validate").code == 0
        assert cli("config", "validate", "--json").json == []

    def test_tells_everything_at_once(self, cli, user: Path, monkeypatch) -> None:
        user.parent.mkdir()
        user.write_text('prot = 1\nport = "many"\n')
        Path("flowctl.toml").write_text("port = \n")
        (user.parent / "contexts.toml").write_text("[a]\napi = 'http://x'\n")
        (user.parent / "contexts.toml").chmod(0o644)
        monkeypatch.setenv("FLOWCTL_PROT", "1")
        monkeypatch.setenv("FLOWCTL_UI", "perhaps")
        result = cli("config", "validate")
        assert result.code == 2
        assert [line for line in result.lines if "FLOWCTL_UI=perhaps" in line]
        assert [line for line in result.lines if "'FLOWCTL_PROT'. Did you mean 'FLOWCTL_PORT'?" in line]
        assert [line for line in result.lines if "flowctl.toml cannot be read" in line]
        assert [line for line in result.lines if "port = many" in line]
        assert [line for line in result.lines if "chmod 600" in line]
        assert len(result.lines) == 6
        assert cli("config", "validate", str(user), "--json").json[0]["problem"].endswith("Did you mean 'port'?")


class TestEnv:
    def test_names_the_server_that_would_be_started(self, cli, user: Path, monkeypatch) -> None:
        monkeypatch.setenv("SHELL", "/usr/bin/bash")
        cli("config", "set", "port", "4301")
        assert cli("config", "env").out == "export PREFECT_API_URL=http://127.0.0.1:4301/api\n"
        assert cli("config", "env", "--json").json == {"PREFECT_API_URL": "http://127.0.0.1:4301/api"}

    @pytest.mark.parametrize(
        ("shell", "line"),
        [
            ("zsh", """export PREFECT_API_AUTH_STRING='me:it'"'"'s'"""),
            ("fish", r"set -gx PREFECT_API_AUTH_STRING 'me:it\'s'"),
            ("pwsh", "$env:PREFECT_API_AUTH_STRING = 'me:it''s'"),
            ("cmd", 'set "PREFECT_API_AUTH_STRING=me:it\'s"'),
        ],
    )
    def test_in_the_words_of_a_shell(self, cli, user: Path, shell: str, line: str) -> None:
        added = cli("config", "context", "add", "prod", "--api", "http://h:1/api", "--auth", "me:it's")
        assert added.code == 0
        result = cli("config", "env", "--context", "prod", "--shell", shell)
        assert result.lines[1] == line
        assert "http://h:1/api" in result.lines[0]

    def test_a_real_shell_takes_it(self, cli, user: Path) -> None:
        lines = cli("config", "env", "--api", "http://h:1/a'b", "--shell", "sh").out
        script = f'{lines}printf %s "$PREFECT_API_URL"'
        done = subprocess.run(["sh", "-c", script], env=os.environ, capture_output=True, text=True, check=True)
        assert done.stdout == "http://h:1/a'b"

    def test_an_unknown_shell(self, cli, user: Path) -> None:
        result = cli("config", "env", "--shell", "tcsh")
        assert (result.code, result.out) == (2, "")
