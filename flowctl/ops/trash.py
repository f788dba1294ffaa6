"""The trash: deletes flow runs so that they can be brought back for 7 days, and forgets them after that.

A run goes with its task runs, its and their states, its inputs and its log; artifacts and events stay, as they do when
a run is deleted through Prefect's API.  Bringing back is in `ops/trash_restore.py`.

    keep_logs  log lines stay where they are: they can be read and searched by the run's id as before, also after the
               trash has forgotten the run, and go by the age at which retention deletes runs
    purge      nothing is put into the trash
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from time import perf_counter
from uuid import UUID

from flowctl.db import where
from flowctl.db.columns import encode_time
from flowctl.db.database import Tx
from flowctl.db.queries import deletion, trash_moves
from flowctl.db.tables import trash as table
from flowctl.domain.errors import NotFound
from flowctl.domain.flow_run_filters import FlowRunFilter
from flowctl.domain.trash import KEPT, Deleted, Emptied, Extent, TrashFound
from flowctl.ops import set_state
from flowctl.ops.steps import ROWS_A_STEP, Steps

_SECONDS_A_STEP = 0.008
"""After so long a transaction takes no further run: in a large file their rows lie far apart."""

_ROOM_FOR_ANOTHER = 20
"""Rows: with less left of a step the next run waits for the next one."""


class Budget:
    """What one transaction may still do."""

    def __init__(self) -> None:
        self.renew()

    def renew(self) -> None:
        """Begin another transaction."""
        self._begun = perf_counter()
        self.left = ROWS_A_STEP
        self.runs = 0

    @property
    def is_spent(self) -> bool:
        """Whether another run should wait for the next transaction."""
        return self.left < _ROOM_FOR_ANOTHER or perf_counter() - self._begun > _SECONDS_A_STEP


# -- deleting


@dataclass(slots=True, kw_only=True)
class How:
    """In which way runs are deleted.

    batch     go on with this one; None: they are a batch of their own
    matching  only those that still match
    limit     so many of them
    """

    batch: UUID | None = None
    keep_logs: bool = False
    purge: bool = False
    matching: FlowRunFilter | None = None
    limit: int | None = None


def matching(tx: Tx, criteria: FlowRunFilter, limit: int | None = None) -> list[UUID]:
    """The ids of the runs that match a filter; with a limit one more, to tell that there are more.

    To be asked in a transaction that only reads: on a large file it may take seconds.
    """
    return [UUID(id) for id in trash_moves.matching(tx, where.flow_run(criteria), -1 if limit is None else limit + 1)]


def delete(tx: Tx, ids: Sequence[UUID], how: How | None = None) -> Steps[Deleted]:
    """Delete flow runs in bounded steps; answers those that were there.

    Subflow runs stay, without a parent.  Slots of concurrency limits become free.
    """
    how = how or How()
    answer, budget, number = Deleted(batch=None), Budget(), None
    condition = None if how.matching is None else where.flow_run(how.matching)
    for id in map(str, ids):
        head = trash_moves.head(tx, id)
        if head is None or (condition is not None and not trash_moves.matches(tx, condition, id)):
            continue
        if how.limit is not None and len(answer.deleted) >= how.limit:
            answer.more = True
            break
        if number is None and not how.purge:
            number, answer.batch = _batch(tx, how.batch)
        place = _place(tx, head, number)
        set_state.release_slots(tx, UUID(id))
        while (rows := _discard(tx, id, place, budget.left, keep_logs=how.keep_logs)) >= budget.left:
            tx = yield budget.runs
            budget.renew()
        budget.left -= rows
        budget.runs += 1
        answer.deleted.append(UUID(id))
        if budget.is_spent:
            tx = yield budget.runs
            budget.renew()
    return answer


def _batch(tx: Tx, id: UUID | None) -> tuple[int, UUID]:
    id = id or tx.new_id()
    return table.batch_number(tx, id) or table.insert_batch(tx, id), id


def _place(tx: Tx, head: tuple[object, ...], batch: int | None) -> int | None:
    """The run's place in the trash, which it has already if its deletion was cut short; None to purge it."""
    known = table.entry(tx, str(head[0]))
    if batch is None:
        if known is not None:
            _forget(tx, known.position, known.batch, ROWS_A_STEP)
        return None
    if known is None:
        return table.insert(tx, batch, head)
    table.move_to_batch(tx, known.position, batch)
    table.delete_batch_if_empty(tx, known.batch)
    return known.position


def _discard(tx: Tx, id: str, place: int | None, limit: int, *, keep_logs: bool) -> int:
    """Delete up to `limit` rows of a run; fewer: all of them are gone."""
    if place is None:
        rows = deletion.delete_flow_run(tx, UUID(id), limit=limit, keep_log=keep_logs)
    else:
        rows = trash_moves.take(tx, place, id, limit=limit, keep_log=keep_logs)
    if rows < limit and keep_logs:
        table.keep_log(tx, id)
    return rows


def extent(tx: Tx, ids: Sequence[UUID]) -> Extent:
    """How much deleting these runs would take along."""
    found = trash_moves.extent(tx, [str(id) for id in ids])
    return Extent(
        runs=found.runs,
        task_runs=found.task_runs,
        log_lines=found.log_lines,
        flow_ids=[UUID(id) for id in found.flow_ids],
        subflow_runs=[UUID(id) for id in found.subflow_runs],
    )


# -- looking


def find(tx: Tx, *, batch: UUID | None, reference: str | None, limit: int, offset: int) -> TrashFound:
    """What is in the trash, the last deleted first.

    batch      only runs of this one
    reference  only runs that are so named or whose id begins so, and batches whose id begins so
    """
    condition, parameters = "", list[object]()
    prefix = None
    if batch is not None:
        condition, parameters = "WHERE trash_batch.id = ?", [str(batch)]
        prefix = str(batch)
    elif reference is not None:
        condition, parameters = "WHERE name = ?", [reference]
        prefix = reference.lower()
        if set(prefix) <= _OF_IDS:
            condition += " OR trashed_run.id >= ? AND trashed_run.id < ?"
            parameters += [prefix, prefix + "g"]  # which follows every character of an id
    return TrashFound(
        runs=table.find(tx, condition, parameters, limit=limit, offset=offset),
        batches=table.batches(tx, prefix=prefix, limit=limit),
        count=table.count(tx),
    )


_OF_IDS = frozenset("0123456789abcdef-")


# -- forgetting


def empty(tx: Tx, *, batch: UUID | None = None, ids: Sequence[UUID] | None = None) -> Steps[Emptied]:
    """Forget what is in the trash for good, in bounded steps: all of it, one batch, or some runs.

    Raises NotFound for a batch that is not there.
    """
    answer = Emptied(runs=0)
    number = None if batch is None else known_batch(tx, batch)
    left = None if ids is None else [str(id) for id in ids]
    while entries := _next(tx, number, left):
        for position, of_batch in entries:
            while not _forget(tx, position, of_batch, ROWS_A_STEP):
                tx = yield 0
            answer.runs += 1
        tx = yield len(entries)
    return answer


def _next(tx: Tx, batch: int | None, ids: list[str] | None) -> list[tuple[int, int]]:
    """Positions and batches of some of the runs to be forgotten; ids are used up."""
    if ids is not None:
        some = [ids.pop() for _ in range(min(_FORGOTTEN_A_STEP, len(ids)))]
        return [(each.position, each.batch) for id in some if (each := table.entry(tx, id))]
    if batch is not None:
        return [(each.position, batch) for each in table.last_entries(tx, batch, table.BEHIND_ALL, _FORGOTTEN_A_STEP)]
    return [(position, of_batch) for position, of_batch, _ in table.oldest(tx, _FORGOTTEN_A_STEP)]


_FORGOTTEN_A_STEP = 200
"""Runs; most have one part."""


def expire(tx: Tx, logs_older_than: float | None) -> int:
    """Forget some of the runs that have been in the trash long enough; returns how many rows that took.

    logs_older_than  seconds after which logs go that were kept when their runs were deleted; None: they stay
    """
    done = 0
    end = encode_time(tx.now - KEPT)
    for position, batch, deleted in table.oldest(tx, _EXPIRED_A_STEP):
        if deleted > end or done >= _EXPIRED_A_STEP:
            break
        done += 1
        if not _forget(tx, position, batch, _EXPIRED_A_STEP):
            return done
    if not done and logs_older_than is not None:
        before = encode_time(tx.now - timedelta(seconds=logs_older_than))
        done = table.release_kept_logs(tx, before, _EXPIRED_A_STEP)
    return done


_EXPIRED_A_STEP = 100


def known_batch(tx: Tx, id: UUID) -> int:
    """The number of a batch.  Raises NotFound."""
    number = table.batch_number(tx, id)
    if number is None:
        raise NotFound(f"Nothing of batch {id} is in the trash.", remedy="flowctl runs trash ls")
    return number


def _forget(tx: Tx, position: int, batch: int, limit: int) -> bool:
    """Delete up to `limit` parts of a run in the trash, then its entry; tells whether that is done."""
    if table.delete_parts(tx, position, limit) >= limit:
        return False
    table.delete(tx, position)
    table.delete_batch_if_empty(tx, batch)
    return True
