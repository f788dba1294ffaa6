"""Real processes for tests: a `flowctl serve`, and virtual environments with a real `prefect` client."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

ROOT = Path(__file__).parents[1]


def clean_environment() -> dict[str, str]:
    """This process's environment without anything that configures Prefect or flowctl."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("PREFECT_", "FLOWCTL_"))}


@dataclass
class Server:
    """A running `flowctl serve`."""

    process: subprocess.Popen[str]
    url: str
    api: str
    db: Path
    log: Path

    def client(self) -> httpx.Client:
        return httpx.Client(base_url=self.api, timeout=30)

    def post(self, path: str, body: object = None) -> Any:
        response = httpx.post(self.api + path, json=body or {}, timeout=30)
        response.raise_for_status()
        return response.json()

    def get(self, path: str) -> Any:
        response = httpx.get(self.api + path, timeout=30)
        response.raise_for_status()
        return response.json()

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(10)


@contextmanager
def serving(db: Path, *arguments: str, env: Mapping[str, str] | None = None, port: int = 0) -> Iterator[Server]:
    """Run `flowctl serve` on a free port (or the given one) until the block ends."""
    log = db.with_suffix(".server.log")
    command = [
        sys.executable,
        "-m",
        "flowctl",
        "serve",
        "--db",
        str(db),
        "--port",
        str(port),
        "--ready-json",
        *arguments,
    ]
    with log.open("a") as stderr:
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=stderr, text=True, env={**clean_environment(), **(env or {})}
        )
    try:
        assert process.stdout
        line = process.stdout.readline()
        assert line, f"the server did not start:\n{log.read_text()}"
        ready = json.loads(line)
        yield Server(process, ready["url"], ready["api"], db, log)
    finally:
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(5)
        if process.stdout:
            process.stdout.close()


CONSTRAINTS: Mapping[str, tuple[str, ...]] = {
    # its models refer to each other in a way that pydantic 2.12 no longer resolves
    "3.0.11": ("pydantic==2.9.2", "fastapi==0.115.14", "sqlalchemy==2.0.45"),
    "3.4.25": ("pydantic==2.13.4", "fastapi==0.115.14", "sqlalchemy==2.0.45", "importlib-metadata"),
    "3.8.1": ("pydantic==2.13.4", "fastapi==0.141.1", "starlette==1.3.1", "sqlalchemy==2.0.45"),
}
"""What a release of Prefect, its client or its server, needs beside its own requirements with packages of today."""


def prefect_python(release: str) -> Path:
    """The interpreter of a virtual environment with this release of Prefect's client, made on first use.

    It is kept in `.venvs/` of the checkout.  Skips the test where no package index can be reached.
    """
    folder = ROOT / ".venvs" / f"prefect-{release}"
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    wanted = [f"prefect=={release}", *CONSTRAINTS.get(release, ())]
    complete = folder / "complete"
    if not complete.exists() or complete.read_text().split() != wanted:
        if not complete.exists():
            shutil.rmtree(folder, ignore_errors=True)
            subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
        install = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *wanted]
        result = subprocess.run(install, capture_output=True, text=True, check=False)
        if result.returncode:
            pytest.skip(f"Prefect's client {release} could not be installed here: {result.stderr.strip()[-300:]}")
        complete.write_text("\n".join(wanted))
    return python


@dataclass
class Client:
    """A real Prefect client in an environment of its own, talking to a server."""

    python: Path
    home: Path
    api: str

    def environment(self) -> dict[str, str]:
        return {
            **clean_environment(),
            "PREFECT_HOME": str(self.home),
            "PREFECT_API_URL": self.api,
            "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
            "DO_NOT_TRACK": "1",
            "PYTHONUNBUFFERED": "1",
        }

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [str(self.python), *arguments],
            env=self.environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *arguments: str, timeout: float = 120) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(self.python), *arguments],
            env=self.environment(),
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )


def flowctl(db: Path, *arguments: str, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
    """Run flowctl's command line on a database file."""
    return subprocess.run(
        [sys.executable, "-m", "flowctl", *arguments],
        env={**clean_environment(), "FLOWCTL_DB": str(db)},
        input=stdin,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def wait_for(condition: Any, seconds: float = 30, every: float = 0.1) -> Any:
    """Call until the answer is true, and return it."""
    end = time.monotonic() + seconds
    while True:
        if answer := condition():
            return answer
        assert time.monotonic() < end, f"not true within {seconds} s: {condition}"
        time.sleep(every)
