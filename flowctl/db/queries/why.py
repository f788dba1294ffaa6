"""What surrounds one flow run and may hold it: every query is bounded, and served by the index that it names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from flowctl.db.columns import TIME, decode_time, encode_time
from flowctl.db.database import Tx
from flowctl.db.tables.states import FLOW_RUN_STATE
from flowctl.domain.processes import Process
from flowctl.domain.states import State

MOST = 5
"""Workers, holders, tasks or subflows that are named; further ones are counted."""

_COUNTED = 1000
"""Rows that are counted at most."""

_LOG_LINES = 500
"""Last lines of a log in which an error is looked for."""

_STATES = 20
"""Last states of a run."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a run belongs to; all None where there is nothing."""

    flow: str
    deployment: str | None
    is_paused: bool
    polled: datetime | None
    """When somebody last asked for runs of the deployment."""
    pool_id: UUID | None
    pool: str | None
    pool_is_paused: bool
    pool_limit: int | None
    queue_id: UUID | None
    queue: str | None
    queue_is_paused: bool
    queue_limit: int | None
    parent_id: UUID | None
    """The run that called this one."""


@dataclass(frozen=True, slots=True)
class Worker:
    """A worker of a pool."""

    name: str
    heartbeat: datetime | None
    interval_seconds: float | None


@dataclass(frozen=True, slots=True)
class Holder:
    """Who holds a slot: a flow run, a task run and its flow run, or somebody without a name."""

    kind: str | None
    id: UUID | None
    slots: int
    since: datetime
    name: str | None
    state_name: str | None
    flow_run_id: UUID | None
    """The run itself, or that of the task run."""


@dataclass(frozen=True, slots=True)
class Part:
    """A task run or a subflow run of a run."""

    id: UUID
    name: str
    state_type: str
    state_name: str
    since: datetime | None
    message: str | None
    next_start: datetime | None
    run_count: int


def surroundings(tx: Tx, flow_run_id: UUID) -> Surroundings:
    """What a run belongs to."""
    row = tx.execute(_SURROUNDINGS, (str(flow_run_id),)).fetchone()
    flow, deployment, paused, polled, pool_id, pool, pool_paused, pool_limit, *rest = row
    queue_id, queue, queue_paused, queue_limit, queue_polled, parent_id = rest
    return Surroundings(
        flow=flow or "?",
        deployment=deployment,
        is_paused=bool(paused),
        polled=_time(max(polled or "", queue_polled or "")),
        pool_id=_id(pool_id),
        pool=pool,
        pool_is_paused=bool(pool_paused),
        pool_limit=pool_limit,
        queue_id=_id(queue_id),
        queue=queue,
        queue_is_paused=bool(queue_paused),
        queue_limit=queue_limit,
        parent_id=_id(parent_id),
    )


_SURROUNDINGS = """
    SELECT flow.name, deployment.name, deployment.paused, deployment.last_polled,
        pool.id, pool.name, pool.is_paused, pool.concurrency_limit,
        queue.id, queue.name, queue.is_paused, queue.concurrency_limit, queue.last_polled, task_run.flow_run_id
    FROM flow_run
    LEFT JOIN flow ON flow.id = flow_run.flow_id
    LEFT JOIN deployment ON deployment.id = flow_run.deployment_id
    LEFT JOIN work_queue AS queue ON queue.id = flow_run.work_queue_id
    LEFT JOIN work_pool AS pool ON pool.id = queue.work_pool_id
    LEFT JOIN task_run ON task_run.id = flow_run.parent_task_run_id
    WHERE flow_run.id = ?
"""  # primary keys


def last_states(tx: Tx, flow_run_id: UUID) -> list[State]:
    """The last states of a run, newest first."""
    where = f"WHERE flow_run_id = ? ORDER BY timestamp DESC, rowid DESC LIMIT {_STATES}"  # ix_flow_run_state__flow_run
    return list(FLOW_RUN_STATE.rows(tx, where, (str(flow_run_id),)))


def workers(tx: Tx, pool_id: UUID) -> list[Worker]:
    """Some workers of a pool, the one heard of last first."""
    rows = tx.execute(
        """
        SELECT name, last_heartbeat_time, heartbeat_interval_seconds FROM worker
        WHERE work_pool_id = ? ORDER BY last_heartbeat_time DESC LIMIT 100
        """,  # uq_worker__work_pool_id_name
        (str(pool_id),),
    )
    return [Worker(name, _time(heartbeat), interval) for name, heartbeat, interval in rows]


def active_in_pool(tx: Tx, pool_id: UUID) -> tuple[int, list[Part]]:
    """How many runs take a slot of a pool, and those that have longest."""
    return _active(tx, "work_queue_id IN (SELECT id FROM work_queue WHERE work_pool_id = ?)", pool_id)


def active_in_queue(tx: Tx, queue_id: UUID) -> tuple[int, list[Part]]:
    """How many runs take a slot of a queue, and those that have longest."""
    return _active(tx, "work_queue_id = ?", queue_id)


def _active(tx: Tx, condition: str, id: UUID) -> tuple[int, list[Part]]:
    rows = tx.execute(
        f"""
        SELECT id, name, state_type, state_name, state_timestamp, NULL, NULL, run_count FROM flow_run
        WHERE state_type IN ('PENDING', 'RUNNING') AND +{condition}
        ORDER BY state_timestamp LIMIT {_COUNTED}
        """,  # ix_flow_run__state: of these there are few at any time
        (str(id),),
    ).fetchall()
    return len(rows), [_part(row) for row in rows[:MOST]]


def before_in_line(tx: Tx, *, deployment_id: UUID, due: datetime) -> int:
    """How many runs of a deployment are due earlier, counted up to a thousand."""
    return tx.scalar(
        f"""
        SELECT count(*) FROM (
            SELECT 1 FROM flow_run
            WHERE deployment_id = ? AND next_scheduled_start_time < ? AND state_type = 'SCHEDULED' LIMIT {_COUNTED})
        """,  # ix_flow_run__deployment
        (str(deployment_id), encode_time(due)),
    )


def holders(tx: Tx, limit_id: UUID) -> list[Holder]:
    """Some holders of a limit's slots, the oldest first."""
    rows = tx.execute(_HOLDERS, (str(limit_id),)).fetchall()
    return [
        Holder(kind, _id(id), slots, decode_time(since), name, state, _id(flow_run_id))
        for kind, id, slots, since, name, state, flow_run_id in rows
    ]


_HOLDERS = f"""
    SELECT lease.holder_type, lease.holder_id, slot.slots, lease.created,
        coalesce(flow_run.name, task_run.name), coalesce(flow_run.state_name, task_run.state_name),
        coalesce(flow_run.id, task_run.flow_run_id)
    FROM concurrency_slot AS slot
    JOIN concurrency_lease AS lease ON lease.id = slot.lease_id
    LEFT JOIN flow_run ON flow_run.id = lease.holder_id
    LEFT JOIN task_run ON task_run.id = lease.holder_id
    WHERE slot.limit_id = ?
    ORDER BY lease.created, lease.rowid
    LIMIT {MOST}
"""  # primary key of concurrency_slot: no more rows than the limit has slots


def tasks_in(tx: Tx, flow_run_id: UUID, condition: str) -> list[Part]:
    """Some task runs of a run in certain states (a condition on task_run), those that came into them first first.

    Subflows are not among them: they have a run of their own.
    """
    rows = tx.execute(
        f"""
        SELECT task_run.id, task_run.name, task_run.state_type, task_run.state_name, task_run.state_timestamp,
            state.message, task_run.next_scheduled_start_time, task_run.run_count
        FROM task_run
        LEFT JOIN task_run_state AS state ON state.id = task_run.state_id
        WHERE task_run.flow_run_id = ? AND ({condition})
          AND NOT EXISTS (SELECT 1 FROM flow_run AS child WHERE child.parent_task_run_id = task_run.id)
        ORDER BY task_run.state_timestamp, task_run.rowid
        LIMIT {MOST + 1}
        """,  # uq_task_run__flow_run_id_task_key_dynamic_key, ix_flow_run__parent_task_run
        (str(flow_run_id),),
    )
    return [_part(row) for row in rows]


def task_tags(tx: Tx, flow_run_id: UUID) -> list[tuple[Part, str]]:
    """Some PENDING task runs of a run that have tags, and their tags as JSON."""
    rows = tx.execute(
        f"""
        SELECT id, name, state_type, state_name, state_timestamp, NULL, NULL, run_count, tags FROM task_run
        WHERE flow_run_id = ? AND state_type = 'PENDING' AND tags <> '[]'
        ORDER BY state_timestamp LIMIT {_COUNTED}
        """,  # uq_task_run__flow_run_id_task_key_dynamic_key
        (str(flow_run_id),),
    )
    return [(_part(row), row[8]) for row in rows]


def subflows_in(tx: Tx, flow_run_id: UUID, types: Sequence[str]) -> list[Part]:
    """Some runs that a run called, in states of these types, those that came into them first first."""
    rows = tx.execute(
        f"""
        SELECT child.id, child.name, child.state_type, child.state_name, child.state_timestamp, state.message,
            child.next_scheduled_start_time, child.run_count
        FROM task_run
        CROSS JOIN flow_run AS child ON child.parent_task_run_id = task_run.id
        LEFT JOIN flow_run_state AS state ON state.id = child.state_id
        WHERE task_run.flow_run_id = ? AND child.state_type IN ({", ".join("?" * len(types))})
        ORDER BY child.state_timestamp
        LIMIT {MOST + 1}
        """,  # uq_task_run__flow_run_id_task_key_dynamic_key, ix_flow_run__parent_task_run
        (str(flow_run_id), *types),
    )
    return [_part(row) for row in rows]


def last_error(tx: Tx, *, flow_run_id: UUID | None = None, task_run_id: UUID | None = None) -> str | None:
    """The last line that was logged as an error, traceback and all, near the end of a log.

    Of a flow run: the flow's own, not those of its tasks.
    """
    column, own = ("flow_run_id", "AND task_run_id IS NULL") if flow_run_id else ("task_run_id", "")
    return tx.scalar(
        f"""
        SELECT message FROM (
            SELECT message, level, task_run_id, timestamp, position FROM log
            WHERE {column} = ? ORDER BY timestamp DESC LIMIT {_LOG_LINES})
        WHERE level >= 40 {own} ORDER BY timestamp DESC, position DESC LIMIT 1
        """,  # ix_log__flow_run, ix_log__task_run
        (str(flow_run_id or task_run_id),),
    )


def last_log(tx: Tx, flow_run_id: UUID) -> datetime | None:
    """When a run, or a task run of it, last logged something."""
    query = "SELECT max(timestamp) FROM log WHERE flow_run_id = ?"  # ix_log__flow_run
    return _time(tx.scalar(query, (str(flow_run_id),)))


def last_event(tx: Tx, flow_run_id: UUID, event: str | None = None) -> datetime | None:
    """When something last happened to a run, or this event."""
    named = " AND event = ?" if event else ""
    query = f"SELECT occurred FROM events WHERE resource_id = ?{named} ORDER BY occurred DESC LIMIT 1"
    return _time(tx.scalar(query, (f"prefect.flow-run.{flow_run_id}", *([event] if event else []))))


def last_task(tx: Tx, flow_run_id: UUID) -> datetime | None:
    """When a task run of a run last came into a state."""
    query = "SELECT max(state_timestamp) FROM task_run WHERE flow_run_id = ?"
    return _time(tx.scalar(query, (str(flow_run_id),)))  # uq_task_run__flow_run_id_task_key_dynamic_key


def process_of(tx: Tx, flow_run_id: UUID) -> Process | None:
    """The process that executes a run, if that is known."""
    query = "SELECT machine, pid, stamp, started FROM flow_run_process WHERE flow_run_id = ?"
    row = tx.execute(query, (str(flow_run_id),)).fetchone()
    return row and Process(machine=row[0], pid=row[1], stamp=row[2], started=decode_time(row[3]))


def schema_of_input(tx: Tx, flow_run_id: UUID, key: str) -> str | None:
    """What a run stored under a key, as JSON text."""
    query = "SELECT value FROM flow_run_input WHERE flow_run_id = ? AND key = ?"  # uq_flow_run_input__flow_run_id_key
    return tx.scalar(query, (str(flow_run_id), key))


def _part(row: Sequence[Any]) -> Part:
    id, name, type, state, since, message, next_start, run_count = row[:8]
    return Part(UUID(id), name, type, state or type, _time(since), message, _time(next_start), run_count or 0)


def _id(text: str | None) -> UUID | None:
    return UUID(text) if text else None


def _time(text: str | None) -> datetime | None:
    return TIME.decode(text) if text else None
