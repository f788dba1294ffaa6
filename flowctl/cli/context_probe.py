"""What is at the other end of a context: a server, flowctl's or Prefect's, or a database file."""

from __future__ import annotations

import os
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from flowctl.cli import amounts
from flowctl.cli.api.door import error_of
from flowctl.cli.api.server import ServerDoor
from flowctl.cli.contexts import Context
from flowctl.db import copies
from flowctl.domain.errors import NotFound, Unauthorized
from flowctl.server.lock import serving
from flowctl.settings import Settings


def server(settings: Settings, context: Context) -> dict[str, Any]:
    """What a context's server is.  Raises Unreachable, and Unauthorized when it does not take the credentials."""
    bare = replace(settings, client_auth_string=None, api_key=None)
    door = ServerDoor(context.api or "", replace(bare, client_auth_string=context.auth_string, api_key=context.api_key))
    try:
        answer = door.request("GET", "/admin/version")
        if answer.status in (401, 403):
            raise Unauthorized(
                f"{door.where} does not take the credentials ({context.credentials}).",
                remedy=f"flowctl config context add {context.name} --api {door.where} --auth - --force",
            )
        if answer.status >= 300 or not answer.is_json:
            raise NotFound(
                f"{door.where} is no API of Prefect: {error_of(answer, door.where)}",
                remedy="the address mostly ends in /api",
            )
        about = door.request("GET", "/flowctl/about")
        start = time.perf_counter()
        door.request("GET", "/health")
        latency = time.perf_counter() - start
    finally:
        door.close()
    told: dict[str, str] = about.parsed() if about.status == 200 and about.is_json else {}
    return {
        "name": context.name,
        "target": door.where,
        "server": f"flowctl {told['flowctl']}" if "flowctl" in told else f"Prefect {answer.parsed()}",
        "api": f"Prefect {told['prefect']}" if "prefect" in told else None,
        "latency_ms": round(latency * 1000, 1),
        "credentials": _verdict(ServerDoor(door.where, bare), context),
    }


def file(context: Context) -> dict[str, Any]:
    """What a database file is.  Raises NotFound and Unusable."""
    path = Path(context.target)
    if not path.is_file():
        raise NotFound(f"{path} is not there.", remedy=f"flowctl db init --db {path}")
    who = serving(path)
    return {
        "name": context.name,
        "target": str(path),
        "schema": copies.schema_version(path),
        "size": amounts.size(path.stat().st_size),
        "writable": "yes" if os.access(path, os.W_OK) else "no",
        "served_at": who["api"] if who else None,
    }


def _verdict(bare: ServerDoor, context: Context) -> str:
    """Whether credentials are needed; those that there are were taken."""
    try:
        needs = bare.request("GET", "/admin/version").status in (401, 403)
    finally:
        bare.close()
    if context.credentials == "none":
        return "none, and none needed"
    return f"{context.credentials}, right" if needs else f"{context.credentials}, not asked for"
