"""`flowctl config context`: servers and files by name, which one counts, and what is at their other end."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
from live_server import served

from flowctl import __version__
from flowctl.settings import Settings


@pytest.fixture
def user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's file, in an environment that names no database."""
    path = tmp_path / "user" / "config.toml"
    monkeypatch.setenv("FLOWCTL_CONFIG", str(path))
    monkeypatch.delenv("FLOWCTL_DB")
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    return path


@pytest.fixture
def cli(cli, user: Path):
    return cli


@pytest.fixture
def protected(db_path: Path) -> Iterator[str]:
    """The address of a server that asks for credentials."""
    with served(Settings(db=db_path, api_auth_string="me:secret")) as api:
        yield api


def add(cli, name: str, *arguments: str, stdin: str = "") -> None:
    assert cli("config", "context", "add", name, *arguments, stdin=stdin).code == 0


class TestAdd:
    def test_keeps_secrets_from_others_and_from_the_screen(self, cli, user: Path) -> None:
        add(cli, "prod", "--api", "http://h:1/api/", "--auth", "-", stdin="me:secret\n")
        path = user.with_name("contexts.toml")
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert 'auth = "me:secret"' in path.read_text()
        result = cli("config", "context", "ls", "--json")
        assert "secret" not in result.out
        assert result.json[1] == {
            "name": "prod",
            "api": "http://h:1/api",
            "db": None,
            "credentials": "password",
            "current": False,
        }

    def test_a_file_that_others_could_read_is_closed(self, cli, user: Path) -> None:
        add(cli, "a", "--db", "a.db")
        user.with_name("contexts.toml").chmod(0o644)
        add(cli, "b", "--db", "b.db")
        assert stat.S_IMODE(user.with_name("contexts.toml").stat().st_mode) == 0o600

    def test_a_name_already_taken(self, cli) -> None:
        add(cli, "prod", "--api", "http://h:1/api")
        result = cli("config", "context", "add", "prod", "--api", "http://h:2/api")
        assert (result.code, result.out) == (1, "")
        assert "--force" in result.err
        add(cli, "prod", "--api", "http://h:2/api", "--force")
        assert cli("config", "context", "show", "prod", "--json").json["api"] == "http://h:2/api"

    @pytest.mark.parametrize(
        "arguments",
        [
            ("prod",),
            ("prod", "--api", "http://h/api", "--db", "x.db"),
            ("prod", "--api", "h:4200"),
            ("prod", "--api", "http://h/api", "--auth", "a:b", "--key", "c"),
            ("prod", "--db", "x.db", "--auth", "a:b"),
            ("prod", "--api", "http://h/api", "--auth", "-"),
            ("local", "--api", "http://h/api"),
            ("a b", "--api", "http://h/api"),
        ],
    )
    def test_what_makes_no_context(self, cli, user: Path, arguments: tuple[str, ...]) -> None:
        result = cli("config", "context", "add", *arguments)
        assert (result.code, result.out) == (2, "")
        assert not user.with_name("contexts.toml").exists()

    def test_a_dry_run(self, cli, user: Path) -> None:
        result = cli("config", "context", "add", "prod", "--db", "x.db", "--dry-run", "--json")
        assert result.json["db"] == str(Path("x.db").absolute())
        assert not user.with_name("contexts.toml").exists()


class TestUse:
    def test_commands_work_where_the_context_says(self, cli, three, db_path: Path, tmp_path: Path) -> None:
        add(cli, "here", "--db", str(db_path))
        add(cli, "empty", "--db", str(tmp_path / "empty.db"), "--use")
        assert cli("runs", "ls", "-q").lines == []
        assert len(cli("runs", "ls", "-q", "--context", "here").lines) == 3
        assert cli("config", "context", "use", "here").code == 0
        assert len(cli("runs", "ls", "-q").lines) == 3
        assert cli("db", "path").lines == [str(db_path)]
        head, local, *others = [line.split() for line in cli("config", "context", "ls").lines]
        assert head == ["NAME", "KIND", "TARGET", "CREDENTIALS"]
        assert local[:2] == ["local", "file"]
        assert others == [["empty", "file", str(tmp_path / "empty.db"), "none"], ["here", "file", str(db_path), "none"]]
        assert [each["current"] for each in cli("config", "context", "ls", "--json").json] == [False, False, True]
        assert cli("config", "context", "show", "--json").json["name"] == "here"
        assert cli("config", "context", "use", "local").code == 0
        assert cli("config", "context", "show", "--json").json["name"] == "local"

    def test_what_is_nearer_is_stronger(self, cli, monkeypatch, tmp_path: Path) -> None:
        for name in ("flag", "variable", "project", "user"):
            add(cli, name, "--db", str(tmp_path / f"{name}.db"))
        cli("config", "context", "use", "user")

        def path(*flags: str) -> str:
            return Path(cli("db", "path", *flags).lines[0]).stem

        assert path() == "user"
        Path("flowctl.toml").write_text('context = "project"\n')
        assert path() == "project"
        Path("flowctl.toml").write_text('db = "own.db"\n')
        assert path() == "own", "the project's file is stronger than the user's context"
        monkeypatch.setenv("FLOWCTL_CONTEXT", "variable")
        assert path() == "variable"
        assert path("--context", "flag") == "flag"
        assert path("--db", "x.db") == "x"
        assert path("--context", "local") == "own"

    def test_an_unknown_one(self, cli, monkeypatch) -> None:
        add(cli, "prod", "--db", "x.db")
        for arguments in (("config", "context", "use", "prd"), ("runs", "ls", "--context", "prd")):
            result = cli(*arguments)
            assert (result.code, result.out) == (3, "")
            assert "There is no context 'prd'" in result.err
            assert "  prod\n" in result.err
        monkeypatch.setenv("FLOWCTL_CONTEXT", "gone")
        assert cli("runs", "ls").code == 3
        assert cli("config", "context", "use", "local").code == 0

    def test_tells_when_something_stronger_says_otherwise(self, cli, monkeypatch) -> None:
        add(cli, "prod", "--db", "x.db")
        assert "stronger" not in cli("config", "context", "use", "prod").err
        monkeypatch.setenv("FLOWCTL_DB", "y.db")
        assert "FLOWCTL_DB says where to work, by 'db', and is stronger." in cli("config", "context", "use", "prod").err
        monkeypatch.setenv("FLOWCTL_CONTEXT", "local")
        assert "FLOWCTL_CONTEXT sets context too, and is stronger." in cli("config", "context", "use", "prod").err

    def test_a_flag_that_says_otherwise(self, cli) -> None:
        add(cli, "prod", "--db", "x.db")
        assert cli("db", "path", "--context", "prod", "--db", "y.db").code == 2


class TestShow:
    def test_as_text(self, cli) -> None:
        add(cli, "prod", "--api", "http://h:1/api", "--key-env", "PROD_KEY")
        assert [line.split() for line in cli("config", "context", "show", "prod").lines] == [
            ["name", "prod"],
            ["server", "http://h:1/api"],
            ["credentials", "$PROD_KEY"],
            ["current", "no"],
        ]
        assert cli("config", "context", "show", "prd").code == 3


class TestTest:
    def test_a_flowctl_server_with_credentials_of_a_variable(self, cli, protected: str, monkeypatch) -> None:
        add(cli, "prod", "--api", protected, "--auth-env", "PROD_AUTH", "--use")
        assert "PROD_AUTH" in cli("config", "context", "test").err
        monkeypatch.setenv("PROD_AUTH", "me:secret")
        found = cli("config", "context", "test", "--json").json
        assert (found["name"], found["server"]) == ("prod", f"flowctl {__version__}")
        assert found["credentials"] == "$PROD_AUTH, right"
        assert found["latency_ms"] > 0
        assert cli("config", "context", "test", "prod").lines[1].split() == ["target", protected]

    def test_wrong_credentials_end_with_8(self, cli, protected: str) -> None:
        add(cli, "prod", "--api", protected, "--auth", "me:wrong")
        result = cli("config", "context", "test", "prod")
        assert (result.code, result.out) == (8, "")
        assert "does not take the credentials" in result.err

    def test_only_its_own_credentials_are_sent(self, cli, protected: str, monkeypatch) -> None:
        monkeypatch.setenv("PREFECT_API_AUTH_STRING", "me:secret")
        add(cli, "prod", "--api", protected)
        assert cli("config", "context", "test", "prod").code == 8
        assert cli("config", "context", "test", "--api", protected).code == 0

    def test_credentials_that_nobody_asked_for(self, cli, db_path: Path) -> None:
        with served(Settings(db=db_path)) as api:
            add(cli, "open", "--api", api)
            add(cli, "closed", "--api", api, "--key", "k")
            assert cli("config", "context", "test", "open", "--json").json["credentials"] == "none, and none needed"
            assert cli("config", "context", "test", "closed", "--json").json["credentials"] == "API key, not asked for"
            add(cli, "page", "--api", api.removesuffix("/api"))
            assert f"try: --api {api}" in cli("config", "context", "test", "page").err

    def test_no_server_ends_with_9(self, cli) -> None:
        result = cli("config", "context", "test", "--api", "http://127.0.0.1:9/api")
        assert (result.code, result.out) == (9, "")

    def test_a_file(self, cli, db_path: Path) -> None:
        add(cli, "here", "--db", str(db_path))
        found = cli("config", "context", "test", "here", "--json").json
        assert (found["target"], found["writable"], found["served_at"]) == (str(db_path), "yes", None)
        add(cli, "gone", "--db", str(db_path) + ".none")
        assert cli("config", "context", "test", "gone").code == 3


class TestRename:
    def test_the_current_one_stays_so(self, cli, user: Path) -> None:
        add(cli, "stage", "--api", "http://h/api", "--auth-env", "AUTH", "--use")
        assert cli("config", "context", "rename", "stage", "test", "--dry-run").code == 0
        assert cli("profile", "rename", "stage", "test").code == 0
        named = {each["name"]: each for each in cli("config", "context", "ls", "--json").json}
        assert sorted(named) == ["local", "test"]
        assert named["test"] == {
            "name": "test",
            "api": "http://h/api",
            "db": None,
            "credentials": "$AUTH",
            "current": True,
        }
        assert user.read_text() == 'context = "test"\n'

    def test_names_that_cannot_be(self, cli) -> None:
        add(cli, "one", "--db", "x.db")
        add(cli, "two", "--db", "y.db")
        assert cli("config", "context", "rename", "nope", "three").code == 3
        assert cli("config", "context", "rename", "one", "two").code == 1
        assert cli("config", "context", "rename", "one", "local").code == 2


class TestRemove:
    def test_asks_and_lets_local_take_its_place(self, cli, user: Path) -> None:
        add(cli, "prod", "--db", "x.db", "--use")
        add(cli, "other", "--db", "y.db")
        assert cli("config", "context", "remove", "prod").code == 2, "nobody to ask"
        assert cli("config", "context", "remove", "prod", "--dry-run").code == 0
        assert cli("config", "context", "remove", "prod", "-y").code == 0
        assert [each["name"] for each in cli("config", "context", "ls", "--json").json] == ["local", "other"]
        assert user.read_text() == ""
        assert cli("config", "context", "remove", "prod", "-y").code == 3
