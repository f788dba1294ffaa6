"""Processes of this machine: real ones, killed with a real signal, and one whose number is used again."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace

import pytest

from flowctl import processes
from flowctl.domain.processes import Process

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="processes are known on Linux only")

Connected = tuple[subprocess.Popen[str], tuple[str, int], tuple[str, int]]

CONNECT = """
import socket, sys
connection = socket.create_connection((sys.argv[1], int(sys.argv[2])))
print("connected", flush=True)
connection.recv(1)
"""


@pytest.fixture(params=["127.0.0.1", "::1"])
def connected(
    request: pytest.FixtureRequest,
) -> Iterator[Connected]:
    """A process with a connection to this one, and the two ends of that: the process's and ours."""
    family = socket.AF_INET6 if ":" in request.param else socket.AF_INET
    with socket.create_server((request.param, 0), family=family) as server:
        port = server.getsockname()[1]
        command = [sys.executable, "-c", CONNECT, request.param, str(port)]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert process.stdout
        process.stdout.readline()
        connection, client = server.accept()
        with connection:
            yield process, client[:2], (request.param, port)
        process.kill()
        process.wait()
        process.stdout.close()


def test_the_other_end_of_a_connection_is_found(connected: Connected) -> None:
    process, client, server = connected
    found = processes.peer(client, server)
    assert found is not None
    assert found.pid == process.pid
    assert found == processes.look_up(process.pid)
    assert processes.peer(client, server, [found]) is found
    former_owner_of_its_number = replace(found, stamp="boot 1")
    assert processes.peer(client, server, [former_owner_of_its_number]) == found
    assert processes.peer((client[0], 1), server) is None


def test_a_process_that_is_killed_is_gone(connected: Connected) -> None:
    process, client, server = connected
    found = processes.peer(client, server)
    assert found is not None
    assert processes.evidence_of_death(found) is None
    process.send_signal(signal.SIGKILL)
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    evidence = processes.evidence_of_death(found)  # it is dead before its parent has noticed …
    assert evidence is not None
    assert evidence.endswith("has ended.")
    assert processes.look_up(process.pid) is None
    process.wait()
    evidence = processes.evidence_of_death(found)  # … and when it has
    assert evidence is not None
    assert evidence.startswith(f"process {process.pid} of {socket.gethostname()}, started 2")
    assert evidence.endswith("UTC, no longer exists.")


def myself() -> Process:
    found = processes.look_up(os.getpid())
    assert found is not None
    return found


def test_a_number_that_is_used_again_is_another_process() -> None:
    boot, ticks = myself().stamp.split()
    earlier = replace(myself(), stamp=f"{boot} {int(ticks) - 1}")
    evidence = processes.evidence_of_death(earlier)
    assert evidence is not None
    assert evidence.endswith("no longer exists; its number belongs to another process.")


def test_no_process_outlives_a_boot() -> None:
    evidence = processes.evidence_of_death(replace(myself(), stamp="another-boot 1"))
    assert evidence is not None
    assert evidence.endswith("when the machine was started again.")


def test_nothing_is_concluded_about_processes_of_other_machines() -> None:
    assert processes.evidence_of_death(replace(myself(), machine="elsewhere", pid=2**22)) is None
    assert processes.evidence_of_death(myself()) is None


def test_the_server_itself_executes_no_runs() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        socket.create_connection(server.getsockname()) as connection,
    ):
        assert processes.peer(connection.getsockname(), server.getsockname()) is None


@pytest.mark.parametrize(
    ("host", "is_one"),
    [("127.0.0.1", True), ("::1", True), ("::ffff:127.0.0.1", True), ("10.0.0.1", False), ("", False)],
)
def test_loopback_addresses(host: str, is_one: bool) -> None:
    assert processes.is_loopback(host) is is_one
