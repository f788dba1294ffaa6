"""Backup, prune and vacuum on the file of a server that is being written to: no client is refused, nothing is torn."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
from aged_runs import Past
from processes import Server, flowctl, serving
from support import Clock

from flowctl.db.database import Database

pytestmark = pytest.mark.e2e

WRITERS = 3


@dataclass
class Load:
    """What the writers were answered."""

    statuses: dict[int, int] = field(default_factory=dict[int, int])
    errors: list[str] = field(default_factory=list[str])

    @property
    def written(self) -> int:
        return self.statuses.get(201, 0)


@contextmanager
def writing(server: Server) -> Iterator[Load]:
    """Clients that create runs and move them, until the block ends."""
    load, end = Load(), threading.Event()
    flow = server.post("/flows/", {"name": "etl"})["id"]

    def write() -> None:
        with server.client() as client:
            while not end.is_set():
                try:
                    created = client.post("/flow_runs/", json={"flow_id": flow, "state": {"type": "PENDING"}})
                    answers = [created]
                    if created.status_code == 201:
                        path = f"/flow_runs/{created.json()['id']}/set_state"
                        for type in ("RUNNING", "COMPLETED"):
                            answers.append(client.post(path, json={"state": {"type": type}}))
                except httpx.HTTPError as error:
                    load.errors.append(repr(error))
                    return
                for answer in answers:
                    load.statuses[answer.status_code] = load.statuses.get(answer.status_code, 0) + 1

    threads = [threading.Thread(target=write) for _ in range(WRITERS)]
    for thread in threads:
        thread.start()
    try:
        while load.written < 20 and not load.errors:
            time.sleep(0.02)
        yield load
    finally:
        end.set()
        for thread in threads:
            thread.join()
    assert load.errors == []
    assert set(load.statuses) == {201}


@pytest.fixture
def old_runs(db: Database, db_path: Path, clock: Clock) -> Past:
    """A file with 150 runs of long ago, some megabytes."""
    clock.now = datetime.now(UTC)
    past = Past(db, clock)
    for number in range(150):
        past.run(200 + number / 10, flow="old", lines=120, tasks=3)
    db.close()
    return past


def test_a_backup_is_consistent_and_stops_nobody(db_path: Path, old_runs: Past, tmp_path: Path) -> None:
    with serving(db_path) as server, writing(server) as load:
        before = load.written
        for number in range(3):
            made = flowctl(db_path, "db", "backup", str(tmp_path / f"copy-{number}.db"))
            assert (made.returncode, made.stderr) == (0, "")
        assert load.written > before
    counts: list[int] = []
    for number in range(3):
        copy = tmp_path / f"copy-{number}.db"
        assert flowctl(copy, "db", "check").returncode == 0
        with closing(sqlite3.connect(copy)) as conn:
            counts.append(conn.execute("SELECT count(*) FROM flow_run").fetchone()[0])
    assert 150 < counts[0] < counts[2]
    assert flowctl(db_path, "db", "check").returncode == 0


def test_prune_and_vacuum_let_clients_write(db_path: Path, old_runs: Past) -> None:
    with serving(db_path) as server, writing(server) as load:
        pruned = flowctl(db_path, "db", "prune", "--older-than", "30d", "-y")
        assert (pruned.returncode, pruned.stdout) == (0, "deleted 150 runs\n")
        during = load.written
        assert flowctl(db_path, "db", "vacuum").returncode == 0
    assert load.written > during > 20
    assert flowctl(db_path, "db", "check").returncode == 0
    with closing(sqlite3.connect(db_path)) as conn:
        assert conn.execute("SELECT count(*) FROM log").fetchone() == (0,)
        assert conn.execute("SELECT count(*) FROM task_run").fetchone() == (0,)


def test_restore_refuses_beside_a_server_and_works_after_it(db_path: Path, old_runs: Past, tmp_path: Path) -> None:
    copy = tmp_path / "copy.db"
    assert flowctl(db_path, "db", "backup", str(copy)).returncode == 0
    with serving(db_path) as server:
        refused = flowctl(db_path, "db", "restore", str(copy), "-y")
        assert (refused.returncode, refused.stdout) == (5, "")
        assert server.url in refused.stderr
        assert server.post("/flow_runs/count") == 150
    assert flowctl(db_path, "db", "restore", str(copy), "-y").returncode == 0
    with serving(db_path) as server:
        assert server.post("/flow_runs/count") == 150
