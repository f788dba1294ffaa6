"""The REASON column of `runs ls` and of the dashboard: why runs wait or have ended, in a few words, for one table.

`ops/why.py` tells the same at length; the words come from `domain/reasons.py`.  All rows that need a reason are asked
about in one query, and where pools have limits in a second one; a table without such rows costs nothing.

Starts fast: `runs ls` loads this module (DESIGN.md section 9).
"""

from __future__ import annotations

from datetime import UTC, datetime

from flowctl.domain import reasons

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from sqlite3 import Cursor
    from typing import Any, Protocol, TypeAlias

    Execute: TypeAlias = Callable[[str, Sequence[object]], Cursor]

    class RunLine(Protocol):
        """What has to be known of a run beforehand."""

        @property
        def id(self) -> str: ...
        @property
        def state_type(self) -> str | None: ...
        @property
        def state_name(self) -> str | None: ...
        @property
        def state_seconds(self) -> float: ...
        @property
        def late_seconds(self) -> float | None: ...


_AT_ONCE = 500
"""Runs that one query asks about; only `--all` shows more."""

_QUERY = """
    SELECT flow_run.id, state.message, flow_run.run_count, deployment.id,
        json_extract(flow_run.empirical_policy, '$.retries'), json_extract(flow_run.empirical_policy, '$.retry_type'),
        json_extract(state.state_details, '$.pause_timeout'), json_extract(state.state_details, '$.pause_reschedule'),
        json_extract(state.state_details, '$.run_input_keyset.schema') IS NOT NULL,
        (SELECT group_concat(field.key, ', ') FROM flow_run_input AS input, json_each(
            CASE WHEN json_valid(input.value) THEN input.value ELSE '{{}}' END, '$.properties') AS field
         WHERE input.flow_run_id = flow_run.id
           AND input.key = json_extract(state.state_details, '$.run_input_keyset.schema')),
        CASE flow_run.state_type WHEN 'CANCELLED' THEN
            (SELECT coalesce(request.message, '') FROM flow_run_state AS request
             WHERE request.flow_run_id = flow_run.id AND request.type = 'CANCELLING'
             ORDER BY request.timestamp DESC LIMIT 1) END,
        deployment.paused, max(coalesce(deployment.last_polled, ''), coalesce(queue.last_polled, '')),
        pool.id, pool.name, pool.is_paused, pool.concurrency_limit,
        queue.id, queue.name, queue.is_paused, queue.concurrency_limit,
        EXISTS (SELECT 1 FROM worker WHERE work_pool_id = pool.id
            AND (julianday(?) - julianday(last_heartbeat_time)) * 86400
                <= coalesce(heartbeat_interval_seconds, {heartbeat}) * {misses}),
        slots."limit", max(0, slots.active_slots
            + coalesce((SELECT sum(slots) FROM concurrency_slot WHERE limit_id = slots.id), 0)
            - CAST(slots.slot_decay_per_second * (julianday(?) - julianday(slots.updated)) * 86400 AS INTEGER)),
        slots.active,
        (SELECT json_extract(value, '$.seen') FROM configuration WHERE key = 'flowctl.presence')
    FROM flow_run
    LEFT JOIN flow_run_state AS state ON state.id = flow_run.state_id
    LEFT JOIN deployment ON deployment.id = flow_run.deployment_id
    LEFT JOIN work_queue AS queue ON queue.id = flow_run.work_queue_id
    LEFT JOIN work_pool AS pool ON pool.id = queue.work_pool_id
    LEFT JOIN concurrency_limit_v2 AS slots ON slots.id = deployment.concurrency_limit_id
    WHERE flow_run.id IN ({marks})
"""  # primary keys

_TAKEN = """
    SELECT queue.work_pool_id, flow_run.work_queue_id, count(*)
    FROM flow_run
    JOIN work_queue AS queue ON queue.id = flow_run.work_queue_id
    WHERE flow_run.state_type IN ('PENDING', 'RUNNING', 'CANCELLING')
    GROUP BY 1, 2
"""  # ix_flow_run__state: of these there are few at any time


def read(execute: Execute, lines: Sequence[RunLine], now: datetime, *, is_serving: bool = False) -> dict[str, str]:
    """Tell why runs wait or have ended, by id; those that have no reason are left out.

    is_serving  a server asks, so that there is one; else the database tells when one was last there
    """
    by_id = {line.id: line for line in lines if _may_have_one(line)}
    ids = list(by_id)
    taken: _Taken | None = None
    moment = now.astimezone(UTC).replace(tzinfo=None).isoformat(" ", "microseconds")
    told: dict[str, str] = {}
    for start in range(0, len(ids), _AT_ONCE):
        some = ids[start : start + _AT_ONCE]
        query = _QUERY.format(
            marks=", ".join("?" * len(some)),
            heartbeat=reasons.WORKER_HEARTBEAT_SECONDS,
            misses=reasons.WORKER_MISSES,
        )
        rows = [_Row(row) for row in execute(query, [moment, moment, *some])]
        if taken is None and any(row.pool_limit is not None or row.queue_limit is not None for row in rows):
            taken = _Taken(execute(_TAKEN, ()).fetchall())
        for row in rows:
            row.is_served = is_serving or not _silent(row.server_seen, now)
            if reason := _reason(by_id[row.id], row, taken, now):
                told[row.id] = reason
    return told


def _may_have_one(line: RunLine) -> bool:
    match line.state_type:
        case "SCHEDULED":
            is_soon = (line.late_seconds or 0) >= -reasons.SOON_SECONDS
            return is_soon or line.state_name in ("AwaitingRetry", "AwaitingConcurrencySlot")
        case "PENDING":
            return line.state_seconds > reasons.PENDING_STUCK_SECONDS
        case "FAILED" | "CRASHED" | "CANCELLED" | "CANCELLING" | "PAUSED":
            return True
        case _:
            return False


def _reason(line: RunLine, row: _Row, taken: _Taken | None, now: datetime) -> str:
    match line.state_type:
        case "SCHEDULED":
            found = list(_waiting(line, row, taken, now))
            is_overdue = (line.late_seconds or 0) > reasons.SOON_SECONDS
            return reasons.joined(found or ([(reasons.NOT_TAKEN, True)] if is_overdue else []))
        case "PENDING":
            return reasons.pending(line.state_seconds)
        case "PAUSED":
            return _paused(row, now)
        case "CANCELLED":
            return reasons.cancelled(row.request, row.message)
        case "CANCELLING":
            return reasons.STOPPING
        case "CRASHED":
            return reasons.ended(line.state_name, row.message) or reasons.PROCESS_ENDED
        case _:
            return reasons.ended(line.state_name, row.message)


def _paused(row: _Row, now: datetime) -> str:
    if row.pause_timeout and _moment(row.pause_timeout) <= now:
        return reasons.PAUSE_EXPIRED
    if row.asks_for_input:
        return reasons.asks_for_input(row.fields)
    return reasons.SUSPENDED if row.is_rescheduled else reasons.PAUSED


def _waiting(line: RunLine, row: _Row, taken: _Taken | None, now: datetime) -> Iterator[tuple[str, bool]]:
    """Reasons of a SCHEDULED run, each with whether it blocks, in the order of `ops/why_waiting.py`."""
    ahead = -(line.late_seconds or 0.0)
    is_kept = line.state_name == "AwaitingRetry" and row.retry_type == "in_process"
    if line.state_name == "AwaitingRetry":
        yield reasons.retry(row.run_count + 1, row.retries + 1 if row.retries else None, ahead), False
    if row.deployment_id is None:
        if not is_kept:
            yield reasons.NO_DEPLOYMENT, True
        return
    is_soon = ahead <= reasons.SOON_SECONDS
    if is_soon and not row.is_served:
        yield reasons.NO_SERVER, True
    if row.slot_limit is not None and not (row.slots_active and row.slots_taken + 1 <= row.slot_limit):
        yield reasons.slot("deployment", row.slots_taken, row.slot_limit), row.slot_limit == 0
    if is_kept or not is_soon:
        return
    is_deserted = not row.has_worker if row.pool else _silent(row.polled, now)
    if row.is_paused and is_deserted:
        yield reasons.DEPLOYMENT_PAUSED, True
    if row.pool:
        yield from _in_pool(row, taken)
    if is_deserted:
        yield (reasons.no_worker(row.pool) if row.pool else reasons.NO_RUNNER), True


def _in_pool(row: _Row, taken: _Taken | None) -> Iterator[tuple[str, bool]]:
    """Reasons of a run whose pool or queue takes no further one."""
    if row.pool_is_paused:
        yield reasons.pool_paused(row.pool), True
    if row.queue_is_paused:
        yield reasons.queue_paused(row.queue), True
    if taken and row.pool_limit is not None and (count := taken.pools.get(row.pool_id, 0)) >= row.pool_limit:
        yield reasons.slot(f"pool '{row.pool}'", count, row.pool_limit), row.pool_limit == 0
    if taken and row.queue_limit is not None and (count := taken.queues.get(row.queue_id, 0)) >= row.queue_limit:
        yield reasons.slot(f"queue '{row.queue}'", count, row.queue_limit), row.queue_limit == 0


def _silent(stored: str | None, now: datetime) -> bool:
    """Whether somebody was last heard of too long ago."""
    return not stored or (now - _moment(stored)).total_seconds() > reasons.RUNNER_SILENT_SECONDS


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


class _Row:
    """What the query tells of one run."""

    def __init__(self, row: tuple[Any, ...]) -> None:
        (
            self.id,
            self.message,
            self.run_count,
            self.deployment_id,
            self.retries,
            self.retry_type,
            self.pause_timeout,
            self.is_rescheduled,
            self.asks_for_input,
            self.fields,
            self.request,
            self.is_paused,
            self.polled,
            self.pool_id,
            self.pool,
            self.pool_is_paused,
            self.pool_limit,
            self.queue_id,
            self.queue,
            self.queue_is_paused,
            self.queue_limit,
            self.has_worker,
            self.slot_limit,
            self.slots_taken,
            self.slots_active,
            self.server_seen,
        ) = row
        self.is_served = True
        """Whether there is a server."""


class _Taken:
    """How many runs take slots of each pool and of each queue."""

    def __init__(self, rows: Sequence[tuple[str, str, int]]) -> None:
        self.pools: dict[str, int] = {}
        self.queues: dict[str, int] = {}
        for pool_id, queue_id, count in rows:
            self.pools[pool_id] = self.pools.get(pool_id, 0) + count
            self.queues[queue_id] = count
