"""What `flowctl doctor` looks at: each check gives findings, and what can be mended has a function that mends it."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from flowctl import PREFECT_VERSION
from flowctl.cli import amounts
from flowctl.domain.errors import FlowctlError
from flowctl.settings import Settings

Verdict = Literal["ok", "note", "bad"]

LEAST_DISK = 500_000_000

_ANSWER_SECONDS = 3.0
_PREFECT_SECONDS = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """The result of a check.

    remedy  the next command to type
    mend    does it, where flowctl can
    """

    check: str
    verdict: Verdict
    message: str
    remedy: str | None = None
    mend: Callable[[], None] | None = None


@dataclass(frozen=True, slots=True)
class Patient:
    """What is looked at."""

    path: Path
    settings: Settings
    environ: Mapping[str, str]
    api_url: str | None
    """Where clients look for the server: PREFECT_API_URL, of the environment or of Prefect's profile."""


def examine(patient: Patient) -> list[Finding]:
    """Do all checks, in an order in which the cause comes before its effects."""
    findings: list[Finding] = []
    for check in (_file, _permissions, _disk, _port, _api_url, _client):
        findings += check(patient)
    return findings


def _file(patient: Patient) -> list[Finding]:
    """The file is there, is flowctl's, and has the present schema."""
    from flowctl.db import copies
    from flowctl.db.migrate import SCHEMA_VERSION

    path = patient.path
    if not path.exists() or path.stat().st_size == 0:
        return [_note("file", f"{path} is not there yet", "flowctl db init", _opened(patient))]
    try:
        version = copies.schema_version(path)
        problems = copies.problems(path, quick=True)
    except FlowctlError as error:
        return [Finding(check="file", verdict="bad", message=error.message, remedy=error.remedy)]
    if problems:
        return [Finding(check="file", verdict="bad", message=f"{path}: {problems[0]}", remedy="flowctl db check")]
    file = Finding(check="file", verdict="ok", message=f"{path} ({amounts.size(path.stat().st_size)})")
    if version < SCHEMA_VERSION:
        message = f"version {version}, this flowctl has {SCHEMA_VERSION}; the next command that writes upgrades it"
        return [file, _note("schema", message, "flowctl db backup && flowctl db init", _opened(patient))]
    return [file, Finding(check="schema", verdict="ok", message=f"version {version}")]


def _permissions(patient: Patient) -> list[Finding]:
    """File and folder can be written, and others cannot write the file."""
    path, folder = patient.path, _existing_folder(patient.path)
    if not os.access(folder, os.W_OK | os.X_OK):
        message = f"{folder} cannot be written: SQLite keeps its log there"
        return [Finding(check="permissions", verdict="bad", message=message, remedy=f"chmod u+rwx {folder}")]
    if not path.exists():
        return [Finding(check="permissions", verdict="ok", message=f"{folder} can be written")]
    mode = stat.S_IMODE(path.stat().st_mode)
    if not os.access(path, os.W_OK):
        return [
            Finding(
                check="permissions",
                verdict="bad",
                message=f"{path} cannot be written",
                remedy=f"chmod u+rw {path}",
                mend=lambda: path.chmod(mode | stat.S_IRUSR | stat.S_IWUSR),
            )
        ]
    if os.name != "nt" and mode & stat.S_IWOTH:
        remedy = f"chmod o-w {path}"
        return [_note("permissions", f"everybody can write {path}", remedy, lambda: path.chmod(mode & ~stat.S_IWOTH))]
    return [Finding(check="permissions", verdict="ok", message="file and folder can be written")]


def _disk(patient: Patient) -> list[Finding]:
    """There is room to go on, and for a backup."""
    free = shutil.disk_usage(_existing_folder(patient.path)).free
    size = patient.path.stat().st_size if patient.path.exists() else 0
    message = f"{amounts.size(free)} free"
    if free < LEAST_DISK:
        return [Finding(check="disk", verdict="bad", message=f"only {message}", remedy="free some disk space")]
    if free < 2 * size:
        remedy = "flowctl db prune --older-than 30d"
        return [_note("disk", f"{message}, which is not enough to write the file of {amounts.size(size)} anew", remedy)]
    return [Finding(check="disk", verdict="ok", message=message)]


def _port(patient: Patient) -> list[Finding]:
    """A server is up on the file, or its port is free."""
    from flowctl.server.lock import serving
    from flowctl.server.ports import listen, owner_of

    if server := serving(patient.path):
        return [Finding(check="server", verdict="ok", message=f"up at {server.get('url')} (process {server['pid']})")]
    host, port = patient.settings.host, patient.settings.port
    try:
        listen(host, port).close()
    except FlowctlError as error:
        owner = owner_of(port)
        message = f"no server is up on this file, and port {port} is taken{f' by {owner}' if owner else ''}"
        return [_note("port", message, error.remedy or f"flowctl serve --port {port + 1}")]
    return [Finding(check="port", verdict="ok", message=f"{host}:{port} is free; no server is up on this file")]


def _api_url(patient: Patient) -> list[Finding]:
    """PREFECT_API_URL leads to a server that answers."""
    from flowctl.server.lock import serving

    url = (patient.api_url or "").rstrip("/")
    server = serving(patient.path)
    api = server and server.get("api")
    if not url:
        remedy = f"export PREFECT_API_URL={api}" if api else "flowctl serve, which prints the line to export"
        message = "is not set: a flow would start a temporary Prefect server of its own"
        return [_note("PREFECT_API_URL", message, remedy)]
    if not urlsplit(url).path.endswith("/api"):
        message = f"{url} does not end in /api"
        return [
            Finding(check="PREFECT_API_URL", verdict="bad", message=message, remedy=f"export PREFECT_API_URL={url}/api")
        ]
    version = _ask(url + "/admin/version")
    if version is None:
        message = f"nothing answers at {url}"
        remedy = f"export PREFECT_API_URL={api}" if api else "flowctl serve"
        return [Finding(check="PREFECT_API_URL", verdict="bad", message=message, remedy=remedy)]
    if api and url != api:
        message = f"{url} (version {version}) is not the server of this file"
        return [_note("PREFECT_API_URL", message, f"export PREFECT_API_URL={api}")]
    return [Finding(check="PREFECT_API_URL", verdict="ok", message=f"{url} answers (version {version})")]


def _client(patient: Patient) -> list[Finding]:
    """A prefect on PATH is of a version that this server knows."""
    prefect = shutil.which("prefect", path=patient.environ.get("PATH"))
    if prefect is None:
        return [
            Finding(check="client", verdict="ok", message="no prefect on PATH; flows may live in other environments")
        ]
    try:
        told = subprocess.run(
            [prefect, "--version"], capture_output=True, text=True, timeout=_PREFECT_SECONDS, check=True
        )
        version = told.stdout.strip().splitlines()[-1]
    except (OSError, subprocess.SubprocessError, IndexError) as error:
        return [_note("client", f"{prefect} --version: {error}", f"{prefect} --version")]
    if not version.startswith("3."):
        message = f"{prefect} is {version}; this server speaks the API of 3.x"
        return [
            Finding(check="client", verdict="bad", message=message, remedy=f"pip install prefect=={PREFECT_VERSION}")
        ]
    return [Finding(check="client", verdict="ok", message=f"{prefect} {version}; the server speaks {PREFECT_VERSION}")]


def _note(check: str, message: str, remedy: str, mend: Callable[[], None] | None = None) -> Finding:
    return Finding(check=check, verdict="note", message=message, remedy=remedy, mend=mend)


def _opened(patient: Patient) -> Callable[[], None]:
    """Opens the file, which creates or upgrades it."""

    def open_it() -> None:
        from flowctl.db.database import Database

        Database(patient.path, patient.settings).close()

    return open_it


def _existing_folder(path: Path) -> Path:
    return next(folder for folder in path.absolute().parents if folder.is_dir())


def _ask(url: str) -> Any:
    """The JSON that a server answers; None if it does not."""
    import json
    from urllib.error import URLError
    from urllib.request import urlopen

    try:
        with urlopen(url, timeout=_ANSWER_SECONDS) as answer:  # a URL that the user has set
            return json.load(answer)
    except (URLError, OSError, ValueError):
        return None
