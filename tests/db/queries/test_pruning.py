"""The walk from the oldest run on: it searches its index, and meets each run once."""

from __future__ import annotations

import pytest
from run_world import make

from flowctl.db.database import Tx
from flowctl.db.queries import pruning


def walk(tx: Tx, limit: int) -> list[tuple[str, int]]:
    after, met = ("", 0), list[tuple[str, int]]()
    while page := pruning.oldest(tx, after, limit):
        met += [(run.start, run.rowid) for run in page]
        after = met[-1]
    return met


@pytest.mark.parametrize("limit", [1, 7, 1000])
def test_each_run_is_met_once_in_order(tx: Tx, limit: int) -> None:
    make(logs=0).store(tx)
    met = walk(tx, limit)
    timed = "SELECT count(*) FROM flow_run WHERE coalesce(start_time, expected_start_time) IS NOT NULL"
    assert met == sorted(set(met))
    assert len(met) == tx.scalar(timed) > 100


@pytest.mark.parametrize(
    ("sql", "parameters", "index"),
    [
        (pruning._OLDEST, {"start": "", "rowid": 0, "limit": 5}, "ix_flow_run__start"),  # pyright: ignore
        (pruning._NTH, ("flow", 5), "ix_flow_run__flow"),  # pyright: ignore
    ],
)
def test_indices_are_searched_and_give_the_order(tx: Tx, sql: str, parameters: dict[str, object], index: str) -> None:
    (step,) = tx.execute(f"EXPLAIN QUERY PLAN {sql}", parameters).fetchall()
    assert step[3].startswith(f"SEARCH flow_run USING INDEX {index}")
