"""Pruning: which ended runs go, by age, count, state and size, and their deletion in bounded steps, the oldest first.

    older_than  runs that ended longer ago than this go
    max_size    and while the data in the file is larger than this, the oldest of the others, but none of the last day
    keep_last   this many of the latest ended runs of each flow stay in any case
    states      only runs in these states go

With neither age nor size, all that the last two do not protect goes.  Runs that have not ended always stay.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import cast
from uuid import UUID

from flowctl.db import maintenance
from flowctl.db.columns import encode_time
from flowctl.db.database import Tx
from flowctl.db.queries import deletion, pruning
from flowctl.db.queries.pruning import Aged
from flowctl.domain.errors import Invalid
from flowctl.domain.values import JSONObject
from flowctl.ops.steps import ROWS_A_STEP, Steps

LOOKS_A_STEP = 500
"""Runs that one transaction looks at: some 5 ms."""

ROWS_A_BATCH = 150
"""Rows that the service deletes in one transaction, while clients queue behind it: they lie all over the file."""

ALWAYS_KEPT = timedelta(days=1)
"""For so long after its end a run stays, however large the file is."""

BEGINNING = ("", 0)
"""Before the oldest run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What goes.

    older_than  seconds since the end of the run
    states      types (COMPLETED) and names (Cached) of states, any if empty
    max_size    bytes
    Raises Invalid if nothing but states is given.
    """

    older_than: float | None = None
    keep_last: int | None = None
    states: tuple[str, ...] = ()
    max_size: int | None = None

    def __post_init__(self) -> None:
        if self.older_than is None and self.keep_last is None and self.max_size is None:
            raise Invalid("Neither an age, nor a count, nor a size is given.", remedy="--older-than 90d, for one")

    def as_json(self) -> JSONObject:
        """As they are stored."""
        return {
            "older_than_seconds": self.older_than,
            "keep_last": self.keep_last,
            "states": list(self.states),
            "max_size_bytes": self.max_size,
        }

    @staticmethod
    def from_json(value: JSONObject) -> Rules:
        """The rules that were stored."""
        return Rules(
            older_than=cast("float | None", value["older_than_seconds"]),
            keep_last=cast("int | None", value["keep_last"]),
            states=tuple(cast("list[str]", value["states"])),
            max_size=cast("int | None", value["max_size_bytes"]),
        )


@dataclass(slots=True, kw_only=True)
class Pruned:
    """What went."""

    runs: int = 0
    rows: int = 0


@dataclass(slots=True, kw_only=True)
class Plan:
    """What would go.

    is_estimate  the size decides, and how many runs that takes is known only once they are gone
    """

    runs: int = 0
    task_runs: int = 0
    log_lines: int = 0
    flows: int = 0
    size: int = 0
    """About so many bytes."""
    is_estimate: bool = False


class Judge:
    """Tells which runs are due; remembers what it has learned about flows."""

    def __init__(self, rules: Rules, now: datetime) -> None:
        self._rules = rules
        age = rules.older_than
        self._old = None if age is None else encode_time(now - timedelta(seconds=age))
        self._recent = encode_time(now - ALWAYS_KEPT)
        self._kept_from: dict[str, str | None] = {}

    def is_due(self, tx: Tx, run: Aged, used: int) -> bool:
        """Whether a run goes, if the file holds so many bytes."""
        rules = self._rules
        if run.state_type not in pruning.FINAL or run.moved is None:
            return False
        if rules.states and run.state_type not in rules.states and run.state_name not in rules.states:
            return False
        return self._is_unwanted(run, used) and not self._is_kept(tx, run)

    def is_the_end(self, run: Aged, used: int) -> bool:
        """Whether no run that started as late as this one, or later, can be due."""
        rules = self._rules
        if rules.older_than is None and rules.max_size is None:
            return False
        by_age = self._old is not None and run.start < self._old
        by_size = self._is_too_much(used) and run.start < self._recent
        return not (by_age or by_size)

    def _is_unwanted(self, run: Aged, used: int) -> bool:
        rules, moved = self._rules, run.moved or ""
        if rules.older_than is None and rules.max_size is None:
            return True
        return (self._old is not None and moved < self._old) or (self._is_too_much(used) and moved < self._recent)

    def _is_too_much(self, used: int) -> bool:
        return self._rules.max_size is not None and used > self._rules.max_size

    def _is_kept(self, tx: Tx, run: Aged) -> bool:
        """Whether the run is one of the last of its flow.  Later ends only move that on: what is remembered is safe."""
        number = self._rules.keep_last
        if not number:
            return False
        if run.flow_id not in self._kept_from:
            self._kept_from[run.flow_id] = pruning.latest_start(tx, run.flow_id, number)
        first = self._kept_from[run.flow_id]
        return first is None or run.start >= first


def plan(tx: Tx, rules: Rules) -> Plan:
    """What `prune` would delete now; `tx` only reads."""
    judge, room = Judge(rules, tx.now), maintenance.room(tx)
    runs = int(tx.scalar("SELECT count(*) FROM flow_run"))
    a_run = room.used / max(runs, 1)
    found: list[UUID] = []
    after = BEGINNING
    while page := pruning.oldest(tx, after, LOOKS_A_STEP):
        for run in page:
            used = round(room.used - len(found) * a_run)
            if judge.is_the_end(run, used):
                break
            if judge.is_due(tx, run, used):
                found.append(UUID(run.id))
        else:
            after = (page[-1].start, page[-1].rowid)
            continue
        break
    extent = pruning.extent(tx, found)
    return Plan(
        runs=len(found),
        task_runs=extent.task_runs,
        log_lines=extent.log_lines,
        flows=extent.flows,
        size=round(a_run * len(found)),
        is_estimate=rules.max_size is not None,
    )


def prune(tx: Tx, rules: Rules) -> Steps[Pruned]:
    """Delete the runs that are due, in bounded steps; each step tells how many runs it finished."""
    pruned = Pruned()
    judge, after = Judge(rules, tx.now), BEGINNING
    while page := pruning.oldest(tx, after, LOOKS_A_STEP):
        done = rows = 0
        for run in page:
            used = maintenance.room(tx).used if rules.max_size is not None else 0
            if judge.is_the_end(run, used):
                return pruned
            if not judge.is_due(tx, run, used) or not pruning.is_still_in(tx, run):
                continue
            while (more := _delete(tx, run, ROWS_A_STEP - rows)) + rows >= ROWS_A_STEP:
                pruned.rows += more
                tx = yield done
                done = rows = 0
            rows += more
            pruned.rows += more
            pruned.runs += 1
            done += 1
            if rows >= ROWS_A_STEP - _ROOM_FOR_ANOTHER:
                tx = yield done
                done = rows = 0
        after = (page[-1].start, page[-1].rowid)
        tx = yield done
    return pruned


_ROOM_FOR_ANOTHER = 20
"""Rows: with less left of a step the next run waits for the next one."""


def prune_some(tx: Tx, rules: Rules, after: tuple[str, int]) -> tuple[int, tuple[str, int] | None]:
    """Delete some of the runs that are due, from the first after a time and a rowid on, in this transaction.

    Returns the rows deleted or looked at, and where to go on: None at the end.
    """
    judge, rows = Judge(rules, tx.now), 0
    page = pruning.oldest(tx, after, LOOKS_A_STEP)
    for run in page:
        used = maintenance.room(tx).used if rules.max_size is not None else 0
        if judge.is_the_end(run, used):
            return rows, None
        if judge.is_due(tx, run, used):
            rows += _delete(tx, run, ROWS_A_BATCH - rows)
            if rows >= ROWS_A_BATCH - _ROOM_FOR_ANOTHER:
                return rows, after
        after = (run.start, run.rowid)
    return (rows or len(page), after) if page else (0, None)


def _delete(tx: Tx, run: Aged, limit: int) -> int:
    return deletion.delete_flow_run(tx, UUID(run.id), limit=limit)
