"""The same history made once through the API and once through the command line leaves the same rows."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from processes import Server, flowctl, serving

pytestmark = pytest.mark.e2e

UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
TIME = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?(Z|\+00:00)?")
TABLES = (
    "flow", "flow_run", "flow_run_state", "task_run", "task_run_state", "flow_run_input", "log", "events",
    "event_resources",
)  # fmt: skip
MEASURED = {"total_run_time"}

Act = Callable[[Server, str, str], None]


def through_api(server: Server, name: str, step: str) -> None:
    run = server.post("/flow_runs/filter", {"flow_runs": {"name": {"any_": [name]}}})[0]
    path = f"/flow_runs/{run['id']}"
    match step.split():
        case ["delete"]:
            with server.client() as client:
                client.delete(server.api + path).raise_for_status()
        case ["resume"]:
            server.post(f"{path}/resume")
        case ["cancel"]:
            server.post(f"{path}/set_state", {"state": {"type": "CANCELLING"}})
        case [state, *rest]:
            body = {"state": {"type": state.upper()}, "force": "--force" in rest}
            server.post(f"{path}/set_state", body)


def through_cli(server: Server, name: str, step: str) -> None:
    verb = step.split()
    arguments = [verb[0], name] if verb[0] in ("delete", "resume", "cancel") else ["set-state", name, *verb]
    result = flowctl(server.db, "runs", *arguments, "--yes")
    assert result.returncode in (0, 4), result.stderr


HISTORY = {
    "plain": ["running", "completed"],
    "failing": ["running", "failed"],
    "refused": ["completed", "running", "pending", "scheduled"],
    "paused": ["running", "paused", "resume", "completed"],
    "forced": ["completed", "running --force", "crashed --force"],
    "cancelled": ["running", "cancel", "cancelled"],
    "scheduled": ["cancel"],
    "gone": ["running", "delete"],
}


def make_history(server: Server, act: Act) -> None:
    """Every run is created through the API (the command line has no `create` yet); `act` does the rest."""
    flow = server.post("/flows/", {"name": "etl", "tags": ["nightly"]})
    for name, history in HISTORY.items():
        state = {"type": "SCHEDULED"} if name == "scheduled" else {"type": "PENDING"}
        server.post(
            "/flow_runs/", {"flow_id": flow["id"], "name": name, "state": state, "tags": ["t"], "parameters": {"n": 1}}
        )
        for step in history:
            act(server, name, step)


def rows(db: Path) -> dict[str, list[Any]]:
    """All rows, ids replaced by the order in which they appear and times by their presence."""
    conn = sqlite3.connect(db)
    conn.row_factory = sqlite3.Row
    known: dict[str, str] = {}

    def plain(value: Any) -> Any:
        if not isinstance(value, str):
            return value
        text = TIME.sub("<time>", UUID.sub(lambda match: known.setdefault(match[0], f"<{len(known)}>"), value))
        return json.dumps(json.loads(text), sort_keys=True) if text[:1] in "{[" else text

    found: dict[str, list[Any]] = {}
    for table in TABLES:
        order = "resource_id, occurred" if table == "event_resources" else "rowid"
        found[table] = [
            {key: plain(row[key]) for key in row.keys() if key not in MEASURED}  # noqa: SIM118 - a Row is no dict
            for row in conn.execute(f"SELECT * FROM {table} ORDER BY {order}")
        ]
    conn.close()
    found["event_resources"] = sorted(found["event_resources"], key=json.dumps)
    return found


def test_the_api_and_the_command_line_leave_the_same_rows(tmp_path: Path) -> None:
    made: list[dict[str, list[Any]]] = []
    for door in (through_api, through_cli):
        with serving(tmp_path / f"{door.__name__}.db", "--no-services") as server:
            make_history(server, door)
            made.append(rows(server.db))
    by_api, by_cli = made
    assert by_api["flow_run_state"], "a history was made"
    for table in TABLES:
        assert by_cli[table] == by_api[table], table
