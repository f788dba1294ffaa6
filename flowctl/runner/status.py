"""The runners of this machine: each keeps a small file that says what it does; `runner status` reads them."""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from platformdirs import user_state_path

from flowctl import wire
from flowctl.domain.errors import Invalid


@dataclass(slots=True, kw_only=True)
class RunnerStatus:
    """What a runner tells of itself."""

    pid: int
    name: str
    api: str
    started: datetime
    last_polled: datetime
    limit: int
    deployments: list[str] = field(default_factory=list[str])
    runs: list[str] = field(default_factory=list[str])
    """Names of the runs that it executes."""
    webserver: str | None = None
    """Address of its web server."""
    is_stopping: bool = False


def folder() -> Path:
    """Where the files are."""
    return user_state_path("flowctl", appauthor=False) / "runners"


def write(status: RunnerStatus) -> None:
    """Write a runner's file.  A folder that cannot be written to only hides the runner."""
    path = _path(status.pid)
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh = path.with_suffix(".new")
        fresh.write_bytes(wire.dumps(status))
        fresh.replace(path)


def remove(pid: int) -> None:
    """Remove the file of a runner that ends."""
    with contextlib.suppress(OSError):
        _path(pid).unlink()


def running() -> list[RunnerStatus]:
    """The runners that are there, by start; files of those that were killed are removed."""
    found: list[RunnerStatus] = []
    for path in folder().glob("*.json"):
        try:
            status = wire.loads(RunnerStatus, path.read_bytes())
        except (OSError, Invalid):
            continue
        if _is_alive(status.pid):
            found.append(status)
        else:
            remove(status.pid)
    return sorted(found, key=lambda status: status.started)


def _path(pid: int) -> Path:
    return folder() / f"{pid}.json"


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:  # another user's; on Windows also one that is gone
        return os.name == "posix"
    return True
