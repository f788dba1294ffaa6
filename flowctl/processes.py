"""Processes of this machine: who is at the other end of a connection, and whether a process is still the same one.

A process is known by its number and its start: numbers are given out again.  All of this reads Linux's /proc; elsewhere
nobody is known, and nothing is concluded about anybody.
"""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Collection, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path

from flowctl.domain.processes import Process

Address = tuple[str, int]

PROC = Path("/proc")
INTERPRETERS = ("python", "pypy")
"""A run is executed by one of these; another program at the other end passes on what somebody else said."""

_START_TICKS = 19
"""Place of the start time among the fields of /proc/PID/stat that follow the name (proc(5): field 22)."""


def is_loopback(host: str) -> bool:
    """Whether an address is one of this machine that no other machine can have."""
    return host == "::1" or host.removeprefix("::ffff:").startswith("127.")


def peer(client: Address, server: Address, hints: Collection[Process] = ()) -> Process | None:
    """The Python process that has the client's end of a loopback connection; None if that cannot be known.

    Where several have it, as after a fork, it is the one that was started first.
    hints  processes to look at before all others
    """
    if sys.platform != "linux":
        return None
    inode = _socket(client[1], server[1])
    if inode is None:
        return None
    target = f"socket:[{inode}]"
    for hint in hints:
        if _holds(hint.pid, target) and look_up(hint.pid) == hint:  # its number may have a new owner
            return hint
    holders = [process for pid in _own_pids() if _holds(pid, target) and (process := look_up(pid))]
    first = min(holders, key=lambda process: process.started, default=None)
    return first if first and first.pid != os.getpid() and _is_python(first.pid) else None


def look_up(pid: int) -> Process | None:
    """A process by its number; None if there is none, or it cannot be looked at."""
    fields = _stat(pid)
    if fields is None or _is_dead(pid, fields):
        return None
    ticks = int(fields[_START_TICKS])
    started = _boot_time() + ticks / os.sysconf("SC_CLK_TCK")
    return Process(
        machine=this_machine(),
        pid=pid,
        stamp=f"{_boot_id()} {ticks}",
        started=datetime.fromtimestamp(round(started), UTC),
    )


def evidence_of_death(process: Process) -> str | None:
    """A sentence that proves that a process has ended; None if it lives, or that cannot be known from here."""
    if process.machine != this_machine():
        return None
    start = f"process {process.pid} of {host_of(process.machine)}, started {process.started:%Y-%m-%d %H:%M:%S} UTC,"
    if not process.stamp.startswith(_boot_id()):
        return f"{start} ended at the latest when the machine was started again."
    try:
        os.kill(process.pid, 0)
    except ProcessLookupError:
        return f"{start} no longer exists."
    except PermissionError:
        pass  # somebody's, so it is there
    fields = _stat(process.pid)
    if fields is None:
        return None
    if f"{_boot_id()} {fields[_START_TICKS]}" != process.stamp:
        return f"{start} no longer exists; its number belongs to another process."
    if _is_dead(process.pid, fields):
        return f"{start} has ended."
    return None


@lru_cache(maxsize=1)
def this_machine() -> str:
    """What tells machines apart, and containers on one, whose processes have numbers of their own; "" if unknown."""
    if sys.platform != "linux":
        return ""
    name = socket.gethostname()
    with suppress(OSError):
        name += " " + Path("/etc/machine-id").read_text().strip()
    try:
        return f"{name} {os.readlink(PROC / 'self' / 'ns' / 'pid')}"
    except OSError:
        return ""


def host_of(machine: str) -> str:
    """The host's name in what `this_machine` gives."""
    return machine.partition(" ")[0]


def _socket(client_port: int, server_port: int) -> str | None:
    """The inode of the client's end of a loopback connection."""
    ends = f":{client_port:04X}", f":{server_port:04X}"
    for name in ("tcp", "tcp6"):
        with suppress(OSError):
            for line in (PROC / "net" / name).read_text().splitlines()[1:]:
                fields = line.split()
                if (fields[1][-5:], fields[2][-5:]) == ends and fields[9] != "0" and _hex_is_loopback(fields[1]):
                    return fields[9]
    return None


def _hex_is_loopback(address: str) -> bool:
    """127.x.x.x and ::1 as /proc/net writes them: words in the byte order of the machine, here little-endian."""
    host = address.partition(":")[0]
    if len(host) == 8:
        return host.endswith("7F")
    return host == "00000000000000000000000001000000" or (
        host.startswith("0000000000000000FFFF0000") and host.endswith("7F")
    )


def _own_pids() -> Iterator[int]:
    """Processes whose files this one may see."""
    for entry in os.scandir(PROC):
        if entry.name.isdecimal():
            yield int(entry.name)


def _holds(pid: int, target: str) -> bool:
    try:
        with os.scandir(PROC / str(pid) / "fd") as entries:
            return any(_link(entry.path) == target for entry in entries)
    except OSError:
        return False


def _link(path: str) -> str:
    try:
        return os.readlink(path)
    except OSError:
        return ""


def _is_python(pid: int) -> bool:
    return os.path.basename(_link(f"{PROC}/{pid}/exe")).startswith(INTERPRETERS)


def _stat(pid: int) -> list[str] | None:
    """The fields of /proc/PID/stat that follow the name, which may hold anything."""
    try:
        return (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None


def _is_dead(pid: int, fields: list[str]) -> bool:
    """Whether it has ended and only waits for its parent to notice; its threads may outlive its first one."""
    if fields[0] not in "ZX":
        return False
    try:
        return len(os.listdir(PROC / str(pid) / "task")) <= 1
    except OSError:
        return True


@lru_cache(maxsize=1)
def _boot_id() -> str:
    return (PROC / "sys/kernel/random/boot_id").read_text().strip()


@lru_cache(maxsize=1)
def _boot_time() -> int:
    lines = (PROC / "stat").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("btime"))
