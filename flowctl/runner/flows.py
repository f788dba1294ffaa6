"""Flows in the user's own environment: which interpreter runs them, and what it knows of them."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import UUID

from flowctl import wire
from flowctl.domain.errors import FlowctlError, Invalid, NotFound

if TYPE_CHECKING:
    from flowctl.domain.values import JSONObject
    from flowctl.runner.client import Api

IMPORT_SECONDS = 120
"""How long the import of a user's file may take."""


@dataclass(slots=True, kw_only=True)
class FlowFacts:
    """A flow as its own code describes it.

    entrypoint  path of the file, a colon, and where in it the flow is
    """

    name: str
    entrypoint: str
    parameter_openapi_schema: dict[str, object]
    description: str | None = None
    version: str | None = None


@dataclass(slots=True, kw_only=True)
class FileFacts:
    """What a file has.

    flow   the one that was asked for, if there is such a one
    flows  all that the file can see: its own, and those that it imports
    error  why the file could not be imported
    """

    flow: FlowFacts | None = None
    flows: list[FlowFacts] | None = None
    error: str | None = None


def interpreter(given: str | None, script: Path | None) -> Path:
    """The interpreter for a script: the given one, that of `.venv` beside the script, or `python3` on PATH.

    Raises NotFound.
    """
    if given is not None:
        found = shutil.which(os.path.expanduser(given))
        if found is None:
            raise NotFound(f"There is no interpreter {given!r}.", remedy="give --python the path of one")
        return Path(found).absolute()
    if script is not None:
        for name in ("bin/python", "Scripts/python.exe"):
            beside = script.absolute().parent / ".venv" / name
            if beside.exists():
                return beside
    found = shutil.which("python3") or shutil.which("python")
    if found is None:
        raise NotFound("There is no python3 on PATH.", remedy="give --python the path of an interpreter")
    return Path(found).absolute()


def script_of(entrypoint: str | None) -> Path | None:
    """The file of an entrypoint; None for one that names a module."""
    path, colon, _ = (entrypoint or "").rpartition(":")
    return Path(path) if colon else None


async def look_at(entrypoint: str, *, python: Path, cwd: Path) -> FileFacts:
    """Import a file in its own environment and say what flows it has.

    entrypoint  `FILE` or `FILE:FLOW`
    Raises Invalid when the file cannot be imported, NotFound when it is not there.
    """
    file = cwd / (script_of(entrypoint) or entrypoint)
    if not file.is_file():
        raise NotFound(f"There is no file {file}.", remedy="write FILE:FLOW, as in flows/etl.py:main")
    answer = await _in_client(python, ["describe", entrypoint], env=os.environ, cwd=cwd)
    facts = wire.validate(FileFacts, answer)
    if facts.error is not None:
        raise Invalid(f"{entrypoint} cannot be imported by {python}: {facts.error}.", remedy=_remedy(facts.error))
    return facts


async def find(entrypoint: str, *, python: Path, cwd: Path) -> FlowFacts:
    """The flow of `FILE:FLOW`, or the only one of `FILE`.  Raises as `look_at` does, and NotFound."""
    facts = await look_at(entrypoint, python=python, cwd=cwd)
    seen = facts.flows or []
    if script_of(entrypoint) is None and len(seen) == 1:
        return seen[0]
    if facts.flow is None:
        what = "does not say which flow" if script_of(entrypoint) is None else "is no flow"
        raise NotFound(f"{entrypoint} {what}.", candidates=[flow.entrypoint for flow in seen], remedy="write FILE:FLOW")
    return facts.flow


async def call_hooks(
    kind: str, run_id: UUID, entrypoint: str, *, python: Path, env: Mapping[str, str], cwd: Path
) -> None:
    """Call a flow's hooks for a run whose process is gone.  Raises FlowctlError.

    kind  `crashed` or `cancellation`
    """
    answer = await _in_client(python, ["hooks", kind, entrypoint, str(run_id)], env=env, cwd=cwd)
    if "error" in answer:
        raise FlowctlError(f"The {kind} hooks could not be called: {answer['error']}")


async def register(
    api: Api, flow: FlowFacts, *, name: str, cwd: Path, options: Mapping[str, object], schedules: list[JSONObject]
) -> UUID:
    """Make or update a deployment that this machine runs, and return its id.

    options  fields of the deployment that were given; what was not comes from the flow
    Raises Unreachable, Invalid.
    """
    flow_id = (await api.call("POST", "/flows/", {"name": flow.name}))["id"]
    body = {
        "flow_id": flow_id,
        "name": name,
        "version": flow.version,
        "description": flow.description,
        "entrypoint": flow.entrypoint,
        "path": str(cwd),
        "parameter_openapi_schema": flow.parameter_openapi_schema,
        "enforce_parameter_schema": True,
        "paused": False,
        "schedules": schedules,
        "work_pool_name": None,
        "work_queue_name": None,
        "pull_steps": [],
        **options,
    }
    return UUID((await api.call("POST", "/deployments/", body))["id"])


def _remedy(error: str) -> str | None:
    if "No module named 'prefect'" in error:
        return "give --python an interpreter that has Prefect's client: pip install prefect"
    return None


async def _in_client(python: Path, arguments: list[str], *, env: Mapping[str, str], cwd: Path) -> JSONObject:
    process = await asyncio.create_subprocess_exec(
        str(python),
        "-c",
        _source(),
        *arguments,
        env=env,
        cwd=cwd,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        out, err = await asyncio.wait_for(process.communicate(), IMPORT_SECONDS)
    except TimeoutError:
        raise Invalid(f"{python} {' '.join(arguments)} took longer than {IMPORT_SECONDS} s.") from None
    finally:
        if process.returncode is None:
            process.kill()
    try:
        return wire.parse(out)
    except Invalid:
        told = err.decode(errors="replace").strip().splitlines()
        raise Invalid(
            f"{python} could not do that: {told[-1] if told else f'exit code {process.returncode}'}"
        ) from None


@cache
def _source() -> str:
    return files("flowctl.runner").joinpath("in_client.py").read_text("utf-8")
