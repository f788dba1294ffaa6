"""`flowctl serve` in the background, and what looks after it: real processes, killed and stale ones among them."""

from __future__ import annotations

import json
import os
import plistlib
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from processes import clean_environment, flowctl, serving, wait_for

from flowctl.cli.serve_service import make_unit
from flowctl.domain.errors import Invalid, Unsupported
from flowctl.server.lock import holder, lock_path


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Path]:
    """A file whose server, if a test leaves one, is killed in the end."""
    path = tmp_path / "a.db"
    yield path
    if who := holder(path):
        os.kill(who["pid"], signal.SIGKILL)


def detached(db: Path, *arguments: str) -> Any:
    result = flowctl(db, "serve", "--port", "0", "--json", *arguments)
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)


def is_well(api: str) -> bool:
    return httpx.get(f"{api}/health").json() is True


def test_detached_it_goes_on_and_is_stopped(db: Path) -> None:
    facts = detached(db, "--detach", "--no-ui")
    assert facts["started"] is True
    assert facts["log"] == f"{db}.log"
    assert is_well(facts["api"])
    told = flowctl(db, "serve", "status", "--json")
    assert (told.returncode, json.loads(told.stdout)["pid"]) == (0, facts["pid"])
    assert flowctl(db, "serve", "status").stdout.startswith(f"server    {facts['url']} ready\n")
    stopped = flowctl(db, "serve", "stop", "--json")
    assert json.loads(stopped.stdout) == {"db": str(db), "pid": facts["pid"], "stopped": True}
    assert holder(db) is None
    assert json.loads(flowctl(db, "serve", "stop", "--json").stdout)["stopped"] is False
    assert flowctl(db, "serve", "status").returncode == 1


def test_prefects_spelling(db: Path) -> None:
    result = flowctl(db, "server", "start", "-b", "--port", "0")
    assert result.returncode == 0
    assert result.stdout.startswith("export PREFECT_API_URL=http://127.0.0.1:")
    assert flowctl(db, "server", "status").returncode == 0
    assert flowctl(db, "server", "stop").stdout.startswith("stopped the server")


def test_ensure_leaves_a_server_alone(db: Path) -> None:
    with serving(db) as server:
        facts = detached(db, "--ensure")
        assert (facts["started"], facts["api"], facts["pid"]) == (False, server.api, server.process.pid)
    first = detached(db, "--ensure")
    ready = json.loads(flowctl(db, "serve", "--ensure", "--ready-json").stdout)
    assert set(ready) == {"url", "api", "pid", "db", "version"}
    assert ready["pid"] == first["pid"]


def test_ensure_at_once_starts_one(db: Path) -> None:
    found: list[Any] = []
    threads = [threading.Thread(target=lambda: found.append(detached(db, "--ensure"))) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({each["pid"] for each in found}) == 1
    assert [each["started"] for each in found].count(True) == 1


def test_after_sigkill_the_file_is_free_again(db: Path) -> None:
    facts = detached(db, "--detach")
    os.kill(facts["pid"], signal.SIGKILL)
    wait_for(lambda: holder(db) is None)
    assert str(facts["pid"]) in lock_path(db).read_text()
    assert flowctl(db, "serve", "stop").stdout == f"no server runs on {db}\n"
    assert detached(db, "--ensure")["started"] is True


def test_a_stale_lock_file_names_nobody(db: Path) -> None:
    lock_path(db).write_text(json.dumps({"pid": os.getpid(), "url": "http://127.0.0.1:1", "api": "http://127.0.0.1:1"}))
    assert flowctl(db, "serve", "status").returncode == 1
    assert flowctl(db, "serve", "stop").returncode == 0
    assert detached(db, "--ensure")["started"] is True


def test_a_process_that_is_not_the_one_that_serves_is_never_killed(db: Path) -> None:
    with serving(db) as server, lock_path(db).open("r+") as file:
        facts = json.load(file)
        file.seek(0)
        file.truncate()
        json.dump({**facts, "pid": os.getpid()}, file)
        file.flush()
        refused = flowctl(db, "serve", "stop")
        assert refused.returncode == (5 if sys.platform == "linux" else 0)
        assert server.get("/health") is True


def test_two_detached_at_once(db: Path) -> None:
    detached(db, "--detach")
    second = flowctl(db, "serve", "--port", "0", "--detach")
    assert (second.returncode, second.stdout) == (5, "")
    assert "Another server already serves" in second.stderr


def test_a_port_that_is_taken_is_told(db: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        result = flowctl(db, "serve", "--detach", "--port", str(port))
        assert (result.returncode, result.stdout) == (1, "")
        assert f"Port {port} is taken" in result.stderr
    assert not db.exists()


def test_restart_keeps_flags_and_port(db: Path, tmp_path: Path) -> None:
    secret = tmp_path / "auth"
    secret.write_text("admin:secret\n")
    facts = detached(db, "--detach", "--no-ui", "--auth-file", str(secret))
    again = flowctl(db, "serve", "restart", "--dry-run").stdout
    assert f"--auth-file {secret} --no-ui" in again
    result = flowctl(db, "serve", "restart", "--json")
    restarted = json.loads(result.stdout)
    assert (restarted["api"], restarted["started"]) == (facts["api"], True)
    assert restarted["pid"] != facts["pid"]
    assert httpx.post(f"{facts['api']}/flows/filter", json={}).status_code == 401
    assert httpx.post(f"{facts['api']}/flows/filter", json={}, auth=("admin", "secret")).json() == []
    assert flowctl(db, "serve", "status").returncode == 0
    flowctl(db, "serve", "stop")
    assert flowctl(db, "serve", "restart").returncode == 3


def test_a_server_that_does_not_stop_is_killed_by_force_alone(db: Path) -> None:
    facts = detached(db, "--detach")
    os.kill(facts["pid"], signal.SIGSTOP)
    try:
        late = flowctl(db, "serve", "stop", "--timeout", "0.3s")
        assert (late.returncode, "still at work" in late.stderr, "--force" in late.stderr) == (5, True, True)
        assert flowctl(db, "serve", "stop", "--timeout", "0.1s", "--force").returncode == 0
        assert holder(db) is None
    finally:
        if holder(db):
            os.kill(facts["pid"], signal.SIGCONT)


def test_services_that_are_chosen_alone_run(db: Path) -> None:
    with serving(db, "--services", "mark-late-runs,reaper") as server:
        ready = wait_for(lambda: server.get("/ready").get("services"))
        assert set(ready) == {"Clock", "MarkLateRuns", "Reaper"}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--services", "no-such"), "'no-such' is no service; there are scheduler, mark-late-runs"),
        (("--services", ","), "names none"),
        (("--services", "reaper", "--no-services"), "leave out one"),
        (("--auth-file", "/no/such/file"), "cannot be read"),
        (("--missed-runs", "some"), "skip, latest, all"),
        (("--log-format", "xml"), "text, json"),
        (("--api", "http://127.0.0.1:1/api"), "database file"),
        (("no-such-word",), "No such command"),
    ],
    ids=str,
)
def test_wrong_flags(cli, arguments: tuple[str, ...], message: str) -> None:
    result = cli("serve", *arguments)
    assert (result.code, result.out) == (2, "")
    assert message in result.err


def test_an_auth_file_holds_one_line(cli, tmp_path: Path) -> None:
    file = tmp_path / "auth"
    for text in ("", "admin", "admin:", ":secret", "admin:secret\nother:secret"):
        file.write_text(text)
        result = cli("serve", "--auth-file", str(file))
        assert (result.code, "user:password" in result.err) == (2, True)


def test_dry_runs(cli, db_path: Path) -> None:
    told = cli("serve", "--dry-run", "--port", "0", "--no-ui", "--services", "reaper").lines
    assert told == [f"would run flowctl serve --db {db_path} --port 0 --no-ui --services reaper"]
    assert cli("serve", "stop", "--dry-run").lines == [f"no server runs on {db_path}"]
    assert cli("serve", "restart", "--dry-run").code == 3
    assert cli("serve", "status", "--json").json["running"] is False


def test_a_systemd_unit_names_real_paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    unit = make_unit("flowctl-etl", Path('/srv/my "50%" $data/a.db'), ["--port", "4300"], "linux")
    assert unit.path == tmp_path / "systemd" / "user" / "flowctl-etl.service"
    lines = unit.text.splitlines()
    command = next(line for line in lines if line.startswith("ExecStart="))
    assert command.startswith(f"ExecStart={sys.executable} -m flowctl serve --db ")
    assert command.endswith(r' --db "/srv/my \"50%%\" $$data/a.db" --port 4300')
    assert "Restart=on-failure" in lines
    assert "WantedBy=default.target" in lines
    assert unit.load[-1] == ["systemctl", "--user", "enable", "--now", "flowctl-etl.service"]


def test_a_launchd_agent_names_real_paths() -> None:
    unit = make_unit("flowctl", Path("/srv/a.db"), ["--no-ui"], "darwin")
    facts = plistlib.loads(unit.text.encode())
    assert facts["Label"] == "io.flowctl"
    assert facts["ProgramArguments"] == [sys.executable, "-m", "flowctl", "serve", "--db", "/srv/a.db", "--no-ui"]
    assert facts["KeepAlive"] == {"SuccessfulExit": False}
    assert unit.path.name == "io.flowctl.plist"


def test_names_and_systems_that_do_not_do() -> None:
    with pytest.raises(Invalid, match="no name"):
        make_unit("../etc", Path("/a.db"), [], "linux")
    with pytest.raises(Unsupported, match="win32"):
        make_unit("flowctl", Path("/a.db"), [], "win32")


SYSTEMCTL = """#!/bin/sh
echo "$@" >> "$0.calls"
case "$*" in *is-active*) test -e "$0.active";; *"enable --now"*) touch "$0.active";; *disable*) rm "$0.active";; esac
"""


@pytest.fixture
def systemctl(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A program in the place of systemctl, which notes what it is asked for."""
    program = tmp_path / "bin" / "systemctl"
    program.parent.mkdir()
    program.write_text(SYSTEMCTL)
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    return program


@pytest.mark.skipif(sys.platform != "linux", reason="systemd is Linux's")
def test_a_service_is_installed_and_removed(cli, systemctl: Path, db_path: Path, tmp_path: Path) -> None:
    assert cli("serve", "service", "status", "--json").json["installed"] is False
    path = tmp_path / "systemd" / "user" / "flowctl.service"
    assert cli("serve", "service", "install", "--dry-run").lines[0] == f"would write {path}"
    assert not path.exists()
    assert cli("serve", "service", "install", "--json").json == {
        "name": "flowctl",
        "path": str(path),
        "db": str(db_path),
    }
    assert cli("serve", "service", "status", "--json").json["running"] is True
    assert cli("serve", "service", "install").code == 0
    assert cli("serve", "service", "install", "--", "--port", "4300").code == 2  # another text: it asks
    assert cli("serve", "service", "install", "-y", "--", "--port", "4300").code == 0
    assert "--port 4300" in path.read_text()
    assert cli("serve", "service", "remove").code == 2
    assert cli("serve", "service", "remove", "--dry-run").code == 0
    assert cli("serve", "service", "remove", "-y").lines == [f"removed {path}"]
    assert not path.exists()
    assert cli("serve", "service", "remove", "-y").code == 3
    assert cli("serve", "service", "status").code == 1
    calls = Path(f"{systemctl}.calls").read_text().splitlines()
    assert "--user enable --now flowctl.service" in calls
    assert calls[-1] == "--user disable --now flowctl.service"


@pytest.mark.skipif(sys.platform != "linux", reason="systemd is Linux's")
def test_without_systemd_it_says_what_to_do(tmp_path: Path) -> None:
    result = subprocess.run(
        [sys.executable, "-m", "flowctl", "serve", "service", "install"],
        env={**clean_environment(), "FLOWCTL_DB": str(tmp_path / "a.db"), "PATH": str(tmp_path), "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 1
    assert "systemd for users is not at work here" in result.stderr
    assert "flowctl serve --detach" in result.stderr
    printed = flowctl(tmp_path / "a.db", "serve", "service", "install", "--print", "--", "--port", "4300")
    assert printed.stdout.startswith("[Unit]\n")
    assert "--port 4300\n" in printed.stdout
