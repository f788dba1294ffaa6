"""A made-up history of runs, as plain rows: what tests of lists put into a database and compare its answers with."""

from __future__ import annotations

import json
import random
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from flowctl.db.columns import encode_time
from flowctl.db.database import Tx

Row = dict[str, Any]

BEGIN = datetime(2026, 3, 1, tzinfo=UTC)
TAGS = ("a", "b", "c", 'd"x', "é", "e/f")
NAMES = ("Run", "run", "R_n", "r%n", "é", "É")
STATES = (
    ("SCHEDULED", "Scheduled"),
    ("SCHEDULED", "Late"),
    ("SCHEDULED", "AwaitingRetry"),
    ("PENDING", "Pending"),
    ("RUNNING", "Running"),
    ("COMPLETED", "Completed"),
    ("FAILED", "Failed"),
    ("FAILED", "TimedOut"),
    ("CANCELLED", "Cancelled"),
    (None, None),
)
ENDED = ("COMPLETED", "FAILED", "CANCELLED", "CRASHED")


@dataclass
class World:
    """Rows by table; values as the domain has them: ids, times and lists."""

    tables: dict[str, list[Row]] = field(default_factory=dict[str, list[Row]])

    def __getitem__(self, table: str) -> list[Row]:
        return self.tables.setdefault(table, [])

    def get(self, table: str, id: UUID | None) -> Row | None:
        return next((row for row in self[table] if row["id"] == id), None)

    def ids(self, table: str) -> list[UUID]:
        return [row["id"] for row in self[table]]

    def store(self, tx: Tx) -> None:
        """Insert everything."""
        for table, rows in self.tables.items():
            for row in rows:
                names = ", ".join(row)
                marks = ", ".join("?" * len(row))
                tx.execute(
                    f"INSERT INTO {table} ({names}) VALUES ({marks})", [_stored(value) for value in row.values()]
                )


def _stored(value: object) -> object:
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, datetime):
        return encode_time(value)
    if isinstance(value, (list, dict)):
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return value


def make(*, flow_runs: int = 150, task_runs: int = 250, logs: int = 120, seed: int = 1) -> World:
    """A world in which most combinations of criteria have some answer, with NULLs and equal values."""
    dice = random.Random(seed)
    world = World()

    def new_id() -> UUID:
        return UUID(int=dice.getrandbits(128), version=4)

    def entity(**values: object) -> Row:
        created = BEGIN + timedelta(minutes=dice.randrange(5000))
        return {"id": new_id(), "created": created, "updated": created, **values}

    def tags(most: int = 3) -> list[str]:
        return dice.sample(TAGS, dice.randrange(most))

    for number in range(2):
        world["work_pool"].append(entity(name=f"pool-{number}", type=("process", "docker")[number]))
    for number in range(3):
        owner = world["work_pool"][number % 2]["id"]
        world["work_queue"].append(entity(name=f"{'Qq'[number % 2]}ueue-{number}", work_pool_id=owner))
    for number in range(5):
        world["flow"].append(entity(name=f"Flow-{number}", tags=tags(), labels={}))
    for number in range(4):
        world["deployment"].append(
            entity(
                name=f"dep-{number}",
                flow_id=dice.choice(world.ids("flow")[:3]),
                tags=tags(),
                paused=number % 2,
                work_queue_id=dice.choice([None, *world.ids("work_queue")]),
                work_queue_name=dice.choice([None, "Queue-0"]),
            )
        )
    for number in range(flow_runs):
        world["flow_run"].append(
            entity(
                name=dice.choice(NAMES) + str(dice.randrange(40)),
                flow_id=dice.choice(world.ids("flow")[:4]),
                deployment_id=dice.choice([None, None, *world.ids("deployment")]),
                work_queue_id=dice.choice([None, *world.ids("work_queue")]),
                work_queue_name=dice.choice([None, "Queue-0", "queue-1"]),
                flow_version=dice.choice([None, "1", "2"]),
                idempotency_key=dice.choice([None, f"key-{number}"]),
                parent_task_run_id=None,
                created_by=dice.choice([None, {"id": str(world.ids("deployment")[0]), "type": "DEPLOYMENT"}]),
                tags=tags(4),
                labels={},
                parameters={},
                context={},
                **_run(dice),
            )
        )
    for number in range(task_runs):
        world["task_run"].append(
            entity(
                name=dice.choice(NAMES) + str(dice.randrange(60)),
                flow_run_id=dice.choice([None, *world.ids("flow_run")[: flow_runs // 2]]),
                task_key=f"task-{number}",
                dynamic_key="0",
                tags=tags(),
                labels={},
                task_inputs={},
                **_run(dice),
            )
        )
    for run in dice.sample(world["flow_run"], flow_runs // 5):
        run["parent_task_run_id"] = dice.choice(world.ids("task_run"))
    for number in range(logs):
        world["log"].append(
            entity(
                name=dice.choice(["prefect.flow_runs", "worker"]),
                level=dice.choice([10, 20, 30, 40]),
                message=dice.choice(["Ready", "50% done", "failed: é"]) + f" {number}",
                timestamp=BEGIN + timedelta(seconds=dice.randrange(60)),
                flow_run_id=dice.choice([None, *world.ids("flow_run")[:5]]),
                task_run_id=dice.choice([None, None, *world.ids("task_run")[:5]]),
            )
        )
    return world


def _run(dice: random.Random) -> Row:
    type, name = dice.choice(STATES)
    expected = dice.choice([None, *[BEGIN + timedelta(hours=dice.randrange(48))] * 9])
    started = expected is not None and type not in ("SCHEDULED", "PENDING", None)
    start = expected + timedelta(seconds=dice.choice([-5, 0, 90])) if expected and started else None
    end = start + timedelta(minutes=dice.randrange(9)) if start and type in ENDED else None
    return {
        "state_type": type,
        "state_name": name,
        "state_timestamp": end or start or expected,
        "run_count": int(started),
        "expected_start_time": expected,
        "next_scheduled_start_time": expected if type == "SCHEDULED" else None,
        "start_time": start,
        "end_time": end,
        "total_run_time": (end - start).total_seconds() if start and end else 0.0,
        "empirical_policy": {},
    }
