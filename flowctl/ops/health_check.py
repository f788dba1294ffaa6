"""Health check of a database file: its structure, its references, and whether runs, states and histories agree."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from flowctl.db import copies
from flowctl.db.database import Database
from flowctl.db.queries import consistency, log_search
from flowctl.db.queries.consistency import REFERENCES, RUN_TABLES, Case

EXAMPLES = 5
"""Rows that a problem names."""

CHECKS = 2 + len(REFERENCES) + 2 * len(RUN_TABLES)
"""How many checks there are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """Something that should not be.

    check  structure, reference, state, history or index
    ids    some of the rows
    """

    check: str
    table: str | None = None
    count: int = 1
    message: str
    ids: list[str] = field(default_factory=list[str])


def run(database: Database, *, quick: bool = False, progress: Callable[[int], None]) -> list[Problem]:
    """Do all checks, and tell what is wrong.

    quick     leave out the comparison of indices with their tables
    progress  called with 1 after each of the CHECKS
    Raises Unusable if the file cannot be read at all.
    """
    found = [Problem(check="structure", message=text) for text in copies.problems(database.path, quick=quick)]
    progress(1)
    with database.read() as tx:
        for reference in REFERENCES:
            case = consistency.dangling(tx, reference, EXAMPLES)
            what = f"{reference.table}.{reference.column} names a {reference.target} that is not there"
            found += _problems("reference", reference.table, case, what)
            progress(1)
        for table in RUN_TABLES:
            case = consistency.rows_that_differ(tx, table, EXAMPLES)
            found += _problems("state", table, case, f"{table} says another state than the state that it names")
            progress(1)
            case = consistency.rows_behind(tx, table, EXAMPLES)
            found += _problems("history", table, case, f"{table} has a later state than the one that it is in")
            progress(1)
        if log_search.exists(tx):
            case = Case(*log_search.missing(tx, EXAMPLES))
            what = "the index of log messages has lost lines; `flowctl logs index --rebuild` makes it anew"
            found += _problems("index", "log_search", case, what)
        progress(1)
    return found


def _problems(check: str, table: str, case: Case, message: str) -> list[Problem]:
    if not case.total:
        return []
    return [Problem(check=check, table=table, count=case.total, message=message, ids=case.examples)]
