"""Explanations in general, on a database made by real requests."""

from __future__ import annotations

import re
from uuid import UUID

import pytest
from why_world import WhyWorld

from flowctl.domain.errors import NotFound
from flowctl.ops import why as ops


def test_a_run_that_does_not_exist_is_not_found(world: WhyWorld) -> None:
    unknown = "00000000-0000-4000-8000-000000000000"
    assert world.client.get(f"/flowctl/runs/{unknown}/why").status_code == 404
    with world.database() as tx, pytest.raises(NotFound):
        ops.why(tx, UUID(unknown))


def test_reasons_of_many_runs_are_those_of_why(world: WhyWorld) -> None:
    late, held = world.run(deployment=world.deploy()), world.run("PAUSED")
    fine = world.run("PENDING")
    unknown = "00000000-0000-4000-8000-000000000000"
    world.clock.advance(minutes=4)
    told = world.post("/flowctl/runs/reasons", {"ids": [late, held, fine, unknown]})
    assert told == {late: world.why(late)["reason"], held: world.why(held)["reason"]}
    assert world.post("/flowctl/runs/reasons", {"ids": []}) == {}
    assert world.client.post("/flowctl/runs/reasons", json={"ids": [late] * 201}).status_code == 422


def test_every_query_is_served_by_an_index(world: WhyWorld) -> None:
    world.pool(concurrency_limit=1)
    pooled, limited = world.deploy("pooled", work_pool_name="local"), world.deploy("limited", concurrency_limit=1)
    world.move(world.run(deployment=pooled), "PENDING")
    world.start(world.run(deployment=limited))
    runs = [world.run(deployment=pooled), world.run(deployment=limited), world.run("PENDING"), world.run("PENDING")]
    for run in runs[2:]:
        world.move(run, "RUNNING")
        world.task(run, "load-0", "FAILED", tags=["db"])
        world.child(run, "odd-crane")
        runs.append(world.child(run, "calm-fox", "CANCELLED"))
    world.move(runs[3], "FAILED")
    statements = set[str]()
    with world.database() as tx:
        tx.conn.set_trace_callback(statements.add)
        for run in runs:
            ops.why(tx, UUID(run))
        tx.conn.set_trace_callback(None)
        selects = [each for each in statements if each.lstrip().startswith("SELECT")]
        plans = [(each, row[-1]) for each in selects for row in tx.execute(f"EXPLAIN QUERY PLAN {each}")]
    assert len(selects) > 30
    of_tables = re.compile(r"SCAN (?!CONSTANT ROW|\(subquery-\d+\))")
    assert [plan for plan in plans if of_tables.match(plan[1])] == []
