"""Long work in several transactions: an op that is a generator.

Each `yield` ends a transaction with what was done so far (its value: rows done) and is given the next one, so that
other writers never wait long and progress can be shown:

    def delete(tx: Tx, id: UUID) -> Steps[None]:
        while (rows := delete_some(tx, id)) == ROWS_A_STEP:
            tx = yield rows
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from typing import TypeAlias, TypeVar

from flowctl.db.database import Database, Tx

T = TypeVar("T")

Steps: TypeAlias = Generator[int, Tx, T]

ROWS_A_STEP = 500
"""Rows that one transaction of a long piece of work may touch: some 5-10 ms."""

_LONGEST_REST = 0.25
"""Seconds."""


def run(database: Database, start: Callable[[Tx], Steps[T]], progress: Callable[[int], None] | None = None) -> T:
    """Do all steps, each in a transaction of its own, and return the op's result.

    After each it rests, see `Pace`.
    progress  called after each commit with the number of rows that the step did
    """
    pace = Pace()
    with database.write() as tx:
        steps = start(tx)
        try:
            done = next(steps)
        except StopIteration as end:
            return end.value
    while True:
        if progress:
            progress(done)
        pace.rest()
        with database.write() as tx:
            try:
                done = steps.send(tx)
            except StopIteration as end:
                return end.value


class Pace:
    """Rests after each transaction for as long as it took.

    SQLite's lock has no queue: a process that asks for it now and then would hardly ever find it free.
    """

    def __init__(self) -> None:
        self._begun = time.monotonic()

    def rest(self) -> None:
        """Wait for as long as has passed since the last rest, and not for long."""
        time.sleep(min(time.monotonic() - self._begun, _LONGEST_REST))
        self._begun = time.monotonic()
