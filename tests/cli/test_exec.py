"""`flowctl exec`: real commands with real servers, which they find, share, start and stop."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx
import pytest
from processes import clean_environment, flowctl, serving, wait_for

from flowctl.server.lock import holder
from flowctl.server.lock import serving as who_serves

ASK = (
    "import os, sys, urllib.request as r; u = os.environ['PREFECT_API_URL'];"
    "print(u, os.environ.get('FLOWCTL_DB'), r.urlopen(u + '/health').read().decode())"
)
"""A program that asks the server whether it is well."""

WAIT = (
    "import signal, sys, time;"
    "signal.signal(signal.SIGUSR1, lambda *_: sys.exit(9));"
    "print('ready', flush=True); time.sleep(60)"
)


@contextmanager
def started(db: Path, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, "-m", "flowctl", "exec", *arguments],
        env={**clean_environment(), "FLOWCTL_DB": str(db)},
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)  # the command too
        process.communicate()


def test_it_starts_a_server_and_stops_it(tmp_path: Path) -> None:
    db = tmp_path / "a.db"
    result = flowctl(db, "exec", "--", sys.executable, "-c", ASK)
    assert (result.returncode, result.stderr) == (0, "")
    url, path, health = result.stdout.split()
    assert (path, health) == (str(db), "true")
    assert holder(db) is None
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{url}/health")


def test_it_uses_the_server_that_runs(tmp_path: Path) -> None:
    db = tmp_path / "a.db"
    with serving(db) as server:
        assert flowctl(db, "exec", sys.executable, "-c", ASK).stdout.split() == [server.api, str(db), "true"]
        assert server.get("/health") is True
        elsewhere = flowctl(tmp_path / "b.db", "exec", "--api", server.api, sys.executable, "-c", ASK)
        assert elsewhere.stdout.split()[0] == server.api
    assert not (tmp_path / "b.db").exists()


def test_an_ephemeral_server_has_a_database_of_its_own(tmp_path: Path) -> None:
    db = tmp_path / "a.db"
    inner = [sys.executable, "-m", "flowctl", "flows", "ls", "--json"]
    result = flowctl(db, "exec", "--ephemeral", "--", *inner)
    assert json.loads(result.stdout) == []
    _, path, _ = flowctl(db, "exec", "--ephemeral", sys.executable, "-c", ASK).stdout.split()
    assert not db.exists()
    assert not Path(path).parent.exists()


def test_its_exit_code_is_passed_on(tmp_path: Path) -> None:
    for code, expected in (("sys.exit(7)", 7), ("os.kill(os.getpid(), 15)", 143)):
        result = flowctl(tmp_path / "a.db", "exec", "--ephemeral", sys.executable, "-c", f"import os, sys; {code}")
        assert result.returncode == expected


def test_a_command_that_cannot_be_run(tmp_path: Path) -> None:
    result = flowctl(tmp_path / "a.db", "exec", "--ephemeral", "no-such-command")
    assert (result.returncode, result.stderr) == (127, "error: no-such-command: command not found\n")
    script = tmp_path / "script"
    script.write_text("#!/bin/sh\n")
    assert flowctl(tmp_path / "a.db", "exec", "--ephemeral", str(script)).returncode == 126


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGUSR1, signal.SIGINT])
def test_signals_are_passed_on(tmp_path: Path, number: signal.Signals) -> None:
    db = tmp_path / "a.db"
    with started(db, "--", sys.executable, "-c", WAIT) as process:
        assert process.stdout
        assert process.stdout.readline() == "ready\n"
        process.send_signal(number)
        assert process.wait(30) == (9 if number == signal.SIGUSR1 else 128 + number)
    assert holder(db) is None


def test_after_sigkill_no_server_stays(tmp_path: Path) -> None:
    db = tmp_path / "a.db"
    with started(db, "--", sys.executable, "-c", WAIT) as process:
        assert process.stdout
        process.stdout.readline()
        who = who_serves(db)
        assert who
        process.kill()
    wait_for(lambda: holder(db) is None)
    with pytest.raises(httpx.ConnectError):
        httpx.get(who["api"])


def test_two_at_once_share_a_server_until_the_last_ends(tmp_path: Path) -> None:
    db = tmp_path / "a.db"
    with (
        started(db, "--", sys.executable, "-c", WAIT) as first,
        started(db, "--", sys.executable, "-c", WAIT) as second,
    ):
        for process in (first, second):
            assert process.stdout
            assert process.stdout.readline() == "ready\n"
        who = who_serves(db)
        assert who
        owner, guest = (first, second) if _parent(who["pid"]) == first.pid else (second, first)
        owner.send_signal(signal.SIGUSR1)
        assert httpx.get(f"{who['api']}/health").json() is True
        with pytest.raises(subprocess.TimeoutExpired):
            owner.wait(0.5)
        guest.send_signal(signal.SIGUSR1)
        assert (guest.wait(30), owner.wait(30)) == (9, 9)
    assert holder(db) is None


def _parent(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


def test_many_at_once_all_find_a_server(tmp_path: Path) -> None:
    db = tmp_path / "a.db"
    codes: list[int] = []

    def one() -> None:
        codes.append(flowctl(db, "exec", "--", sys.executable, "-c", ASK).returncode)

    threads = [threading.Thread(target=one) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert codes == [0] * 4
    assert holder(db) is None


def test_a_server_that_does_not_start_says_why(tmp_path: Path) -> None:
    file = tmp_path / "notes.txt"
    file.write_text("this is no database " * 50)
    result = flowctl(file, "exec", "true")
    assert result.returncode == 1
    assert "is not a SQLite database" in result.stderr
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        result = flowctl(tmp_path / "a.db", "exec", "--ephemeral", "--port", str(port), "true")
        assert result.returncode == 1
        assert f"Port {port} is taken" in result.stderr
    late = flowctl(tmp_path / "a.db", "exec", "--ephemeral", "--timeout", "0.01s", "true")
    assert late.returncode == 1
    assert "did not answer within 0.01 s" in late.stderr


def test_flags_that_contradict_each_other(cli) -> None:
    assert cli("exec", "--ephemeral", "--api", "http://127.0.0.1:1/api", "true").code == 2
    assert cli("exec", "--timeout", "soon", "true").code == 2
    assert cli("exec").code == 2


def test_a_dry_run_tells_what_would_happen(cli, db_path: Path) -> None:
    told = cli("exec", "--dry-run", "--json", "python", "-c", "1").json
    assert told == {"command": ["python", "-c", "1"], "api": None, "starts": True, "ephemeral": False}
    assert cli("exec", "--dry-run", "true").lines == [f"would run true with a server on {db_path}, started for it"]
    assert cli("exec", "--api", "http://a/api", "--dry-run", "true").lines == ["would run true with http://a/api"]


def test_credentials_of_the_server_are_passed_on(tmp_path: Path) -> None:
    environment = {**clean_environment(), "FLOWCTL_AUTH_STRING": "admin:secret", "FLOWCTL_DB": str(tmp_path / "a.db")}
    code = "import os; print(os.environ['PREFECT_API_AUTH_STRING'])"
    result = subprocess.run(
        [sys.executable, "-m", "flowctl", "exec", "--ephemeral", sys.executable, "-c", code],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert result.stdout == "admin:secret\n"
