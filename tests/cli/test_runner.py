"""`flowctl runner`: flags, and what is said when it cannot start; tests/e2e/test_runner.py runs it."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from flowctl.cli import runner_flags
from flowctl.domain.errors import Invalid
from flowctl.runner import status

NOWHERE = "http://127.0.0.1:9/api"


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.setenv("PREFECT_HOME", str(tmp_path))
    monkeypatch.setenv("FLOWCTL_API_URL", NOWHERE)


def test_no_server_ends_with_9(cli) -> None:
    for arguments in (
        ("runner", "start"),
        ("runner", "start", "--name", "etl/x"),
        ("runner", "webserver", "--port", "0"),
    ):
        result = cli(*arguments)
        assert (result.code, result.out) == (9, "")
        assert NOWHERE in result.err
        assert "flowctl serve" in result.err


def test_a_context_says_where_the_server_is(cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLOWCTL_CONFIG", str(tmp_path / "config.toml"))
    monkeypatch.setenv("FLOWCTL_API_URL", "http://127.0.0.1:7/api")
    assert cli("config", "context", "add", "prod", "--api", "http://127.0.0.1:9/api").code == 0
    for where in ("9", "7"):
        result = cli("runner", "start", "--name", "a/b", *(["--context", "prod"] if where == "9" else []))
        assert (result.code, result.out) == (9, "")
        assert f"http://127.0.0.1:{where}/api" in result.err


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (("--interval", "60", "--cron", "* * * * *"), "--interval and --cron are two schedules"),
        (("--interval", "soon"), "'soon' is not a duration"),
        (("--timezone", "UTC"), "--timezone is for a schedule"),
        (("--cron", "* * * * *", "--anchor-date", "today"), "--anchor-date is for --interval"),
        (("--param", "x"), "--param x has no value"),
        (("--on-stop", "wait"), "'wait' is not one of finish, handback"),
        (("--limit", "0"), "0 is not in the range"),
        (("--grace", "x"), "'x' is not a duration"),
        (("--python", "nonesuch"), "There is no interpreter 'nonesuch'"),
        ((), "There is no file"),
    ],
)
def test_serve_refuses(cli, flags: tuple[str, ...], message: str) -> None:
    result = cli("runner", "serve", "no-such-file.py:main", *flags)
    assert result.code in {2, 3}
    assert message in result.err


def test_webserver_refuses_a_level_that_is_none(cli) -> None:
    result = cli("runner", "webserver", "--log-level", "loud")
    assert (result.code, result.out) == (2, "")
    assert "'loud' is no log level" in result.err


@pytest.mark.parametrize(
    ("flags", "schedule"),
    [
        ({"interval": "10m"}, {"interval": 600.0}),
        (
            {"interval": "1h", "anchor_date": "2026-03-01T12:00+00:00", "timezone": "Europe/Berlin"},
            {"interval": 3600.0, "anchor_date": "2026-03-01T12:00:00+00:00", "timezone": "Europe/Berlin"},
        ),
        ({"cron": "0 3 * * *", "timezone": "UTC"}, {"cron": "0 3 * * *", "timezone": "UTC"}),
        ({"rrule": "FREQ=DAILY"}, {"rrule": "FREQ=DAILY"}),
    ],
)
def test_schedules(flags: dict[str, str], schedule: dict[str, Any]) -> None:
    given = {"interval": None, "cron": None, "rrule": None, "anchor_date": None, "timezone": None, **flags}
    assert runner_flags.schedules(**given) == [{"schedule": schedule, "active": True}]
    assert runner_flags.schedules(**dict.fromkeys(given)) == []


def test_parameters() -> None:
    assert runner_flags.parameters(["n=1", "name=a=b", 'words=["x"]']) == {"n": 1, "name": "a=b", "words": ["x"]}
    with pytest.raises(Invalid):
        runner_flags.parameters(["=1"])


def test_status(cli) -> None:
    assert (cli("runner", "status", "--json").json, cli("runner", "status").code) == ([], 0)
    now = datetime(2026, 3, 1, 12, tzinfo=UTC)
    about = {"name": "nightly", "api": NOWHERE, "started": now, "last_polled": now, "limit": 5}
    status.write(status.RunnerStatus(pid=os.getpid(), **about, deployments=["nightly"], runs=["odd-crane"]))
    line = cli("runner", "status", "--no-headers").lines[0].split()
    assert line[:6] == [str(os.getpid()), "nightly", "running", "1/5", "2026-03-01T12:00:00Z", "nightly"]
    assert cli("runner", "status", "-q").lines == [str(os.getpid())]
    assert cli("runner", "status", "--json").json[0]["runs"] == ["odd-crane"]
