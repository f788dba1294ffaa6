"""A file in the shape of a Prefect 3 server's, made without one: for what takes many rows, old columns or damage."""

from __future__ import annotations

import json
import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

from flowctl.db.columns import encode_time
from flowctl.db.queries import import_kinds as kinds

_MORE = {
    "alembic_version": ("version_num",),
    "block_document": ("id", "name"),
    "automation": ("id", "name"),
}


class PrefectFile:
    """The file, open for writing; `without` are columns as `table.column` that its release does not have."""

    def __init__(self, path: Path, *, without: tuple[str, ...] = (), extra: tuple[str, ...] = ()) -> None:
        self.path = path
        self.now = datetime.now(UTC)
        self.conn = sqlite3.connect(path, isolation_level=None)
        self.conn.execute("PRAGMA journal_mode = WAL")
        for matter in kinds.ALL:
            names = [name for name in matter.columns if f"{matter.table}.{name}" not in without]
            names += [each.partition(".")[2] for each in extra if each.startswith(f"{matter.table}.")]
            self._create(matter.table, names)
        for table, names in _MORE.items():
            self._create(table, names)

    def _create(self, table: str, names: tuple[str, ...] | list[str]) -> None:
        columns = ", ".join(f'"{name}"' + (" TEXT PRIMARY KEY" if name == "id" else "") for name in names)
        self.conn.execute(f"CREATE TABLE {table} ({columns})")

    def close(self) -> None:
        self.conn.close()

    def ago(self, days: float) -> str:
        return encode_time(self.now - timedelta(days=days))

    def insert(self, table: str, days: float = 0, **values: object) -> str:
        """Insert a row that was changed some days ago; its id."""
        present = {row[1] for row in self.conn.execute(f"PRAGMA table_info({table})")}
        row: dict[str, object] = {"id": str(uuid4()), "created": self.ago(days), "updated": self.ago(days), **values}
        row = {name: value for name, value in row.items() if name in present}
        names = ", ".join(f'"{name}"' for name in row)
        self.conn.execute(f"INSERT INTO {table} ({names}) VALUES ({', '.join('?' * len(row))})", list(row.values()))
        return str(row["id"])

    def flow(self, name: str) -> str:
        return self.insert("flow", name=name)

    def deployment(self, flow_id: str, name: str, **values: object) -> str:
        return self.insert("deployment", flow_id=flow_id, name=name, **values)

    def schedule(self, deployment_id: str, **values: object) -> str:
        schedule = json.dumps({"interval": 3600.0, "anchor_date": "2026-01-01T00:00:00Z", "timezone": "UTC"})
        return self.insert(
            "deployment_schedule", **{"deployment_id": deployment_id, "schedule": schedule, "active": 1, **values}
        )

    def run(self, flow_id: str, name: str, *types: str, days: float = 0, **values: object) -> str:
        """A run that has gone through some states, the last of them `days` ago."""
        id = str(uuid4())
        state_id, state_type = None, None
        for number, state_type in enumerate(types, start=1 - len(types)):
            state_id = self.state(id, state_type, days - number / 86400)
        ended = state_type in ("COMPLETED", "FAILED", "CRASHED", "CANCELLED")
        self.insert(
            "flow_run",
            days,
            **{
                "id": id,
                "flow_id": flow_id,
                "name": name,
                "state_id": state_id,
                "state_type": state_type,
                "state_name": state_type and state_type.title(),
                "state_timestamp": self.ago(days),
                "expected_start_time": self.ago(days),
                "start_time": self.ago(days) if len(types) > 1 else None,
                "end_time": self.ago(days) if ended else None,
                "total_run_time": "1970-01-02 00:00:01.500000",
                "auto_scheduled": 0,
                **values,
            },
        )
        return id

    def state(self, run_id: str, type: str, days: float = 0) -> str:
        details = json.dumps({"flow_run_id": run_id, "deferred": False, "cache_key": None})
        return self.insert(
            "flow_run_state",
            days,
            flow_run_id=run_id,
            type=type,
            name=type.title(),
            timestamp=self.ago(days),
            state_details=details,
        )

    def goes_on(self, run_id: str, type: str) -> None:
        """The run gets another state now."""
        self.now = datetime.now(UTC)
        state_id = self.state(run_id, type)
        self.conn.execute(
            "UPDATE flow_run SET state_id = ?, state_type = ?, state_name = ?, state_timestamp = ?, updated = ? "
            "WHERE id = ?",
            (state_id, type, type.title(), self.ago(0), self.ago(0), run_id),
        )

    def log(self, run_id: str | None, message: str, days: float = 0) -> str:
        return self.insert(
            "log", days, flow_run_id=run_id, message=message, timestamp=self.ago(days), name="l", level=20
        )
