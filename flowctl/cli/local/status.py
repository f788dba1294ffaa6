"""The state of the database file: its size, who serves it, the runs that are not over, and those that are next."""

from __future__ import annotations

import json
import shutil
from http.client import HTTPException
from pathlib import Path
from typing import Any

from flowctl.cli.results import ACTIVE, NextRun, Status
from flowctl.db.columns import wire_time
from flowctl.db.database import Database
from flowctl.db.migrate import SCHEMA_VERSION

NEXT_RUNS = 3

_PATIENCE = 3.0
"""Seconds that a server may take to tell about its services."""

_ACTIVE = """
    SELECT CASE WHEN state_name = 'Late' THEN 'late' ELSE lower(state_type) END AS state, count(*) FROM flow_run
    WHERE state_type IN ('SCHEDULED', 'PENDING', 'RUNNING', 'PAUSED', 'CANCELLING')
    GROUP BY state
"""  # ix_flow_run__state

_NEXT = """
    SELECT flow_run.id, flow_run.name, flow.name, deployment.name, next_scheduled_start_time
    FROM flow_run
    JOIN flow ON flow.id = flow_run.flow_id
    LEFT JOIN deployment ON deployment.id = flow_run.deployment_id
    WHERE state_type = 'SCHEDULED' AND next_scheduled_start_time > ?
    ORDER BY next_scheduled_start_time
    LIMIT ?
"""  # ix_flow_run__scheduled


def read(database: Database) -> Status:
    """Look at the file as it is now."""
    path = database.path
    wal = path.with_name(path.name + "-wal")
    with database.read() as tx:
        active: dict[str, int] = dict(tx.execute(_ACTIVE).fetchall())
        now = tx.now.isoformat(" ", "microseconds")[:26]
        rows = tx.execute(_NEXT, (now, NEXT_RUNS)).fetchall()
    return Status(
        database={
            "path": str(path.absolute()),
            "size_bytes": path.stat().st_size,
            "wal_size_bytes": wal.stat().st_size if wal.exists() else 0,
            "schema": SCHEMA_VERSION,
        },
        free=shutil.disk_usage(path.parent).free,
        server=_server(path),
        runs={state: active.get(state, 0) for state in ACTIVE},
        next_runs=[NextRun(id, name, flow, deployment, wire_time(at)) for id, name, flow, deployment, at in rows],
    )


def _server(database: Path) -> dict[str, Any] | None:
    """Who serves the database, with what it tells about itself; None if nobody does."""
    from urllib.request import urlopen

    from flowctl.server.lock import serving

    server = serving(database)
    if server is None:
        return None
    try:
        with urlopen(f"{server['api']}/ready", timeout=_PATIENCE) as answer:
            told: dict[str, Any] = json.load(answer)
    except (OSError, HTTPException, ValueError) as error:
        return {**server, "message": f"does not answer: {error}", "services": {}}
    return {**server, "message": told.get("message"), "services": told.get("services", {})}
