"""The state of the database file: its size, the runs that are not over, and those that are next."""

from __future__ import annotations

import shutil
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from flowctl.db.columns import wire_time
from flowctl.db.database import Database
from flowctl.db.migrate import SCHEMA_VERSION

NEXT_RUNS = 3

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


@dataclass(frozen=True, slots=True)
class NextRun:
    """A run that is scheduled."""

    id: str
    name: str
    flow: str
    deployment: str | None
    at: str


@dataclass(frozen=True, slots=True)
class Status:
    """What the file tells; sizes in bytes.

    runs  those that are not over, by state type in small letters; `late` ones are not among `scheduled`
    """

    path: Path
    size: int
    wal_size: int
    free: int
    runs: dict[str, int]
    next_runs: list[NextRun]

    def wire(self) -> dict[str, Any]:
        """As JSON has it."""
        return {
            "database": {
                "path": str(self.path.absolute()),
                "size_bytes": self.size,
                "wal_size_bytes": self.wal_size,
                "schema": SCHEMA_VERSION,
            },
            "disk": {"free_bytes": self.free},
            "runs": self.runs,
            "next_runs": [asdict(run) for run in self.next_runs],
        }


def read(database: Database) -> Status:
    """Look at the file as it is now."""
    path = database.path
    wal = path.with_name(path.name + "-wal")
    with database.read() as tx:
        active: dict[str, int] = dict(tx.execute(_ACTIVE).fetchall())
        now = tx.now.isoformat(" ", "microseconds")[:26]
        rows = tx.execute(_NEXT, (now, NEXT_RUNS)).fetchall()
    states = ("running", "pending", "late", "scheduled", "paused", "cancelling")
    return Status(
        path=path,
        size=path.stat().st_size,
        wal_size=wal.stat().st_size if wal.exists() else 0,
        free=shutil.disk_usage(path.parent).free,
        runs={state: active.get(state, 0) for state in states},
        next_runs=[NextRun(id, name, flow, deployment, wire_time(at)) for id, name, flow, deployment, at in rows],
    )
