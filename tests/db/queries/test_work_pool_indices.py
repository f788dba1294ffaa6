"""Workers ask every few seconds: what they ask for is found by the index that was made for it."""

from __future__ import annotations

from typing import Any

import pytest
from deployment_world import deploy, make_pool

from flowctl.db.database import Tx
from flowctl.db.queries import work_pool_slots, work_queue_references
from flowctl.domain.deployments import DeploymentFlowRunCreate
from flowctl.ops import deployment_runs, work_pool_runs, work_queues


@pytest.fixture
def statements(tx: Tx, monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, Any]]:
    """What is executed from now on that concerns flow runs, with its parameters."""
    noted: list[tuple[str, Any]] = []
    execute = Tx.execute

    def noting(self: Tx, sql: str, parameters: Any = ()) -> Any:
        if "flow_run" in sql and not sql.lstrip().startswith(("INSERT", "EXPLAIN")):
            noted.append((sql, parameters))
        return execute(self, sql, parameters)

    make_pool(tx, concurrency_limit=9)
    deployment = deploy(tx, work_pool_name="pool")
    deployment_runs.create(tx, deployment.id, DeploymentFlowRunCreate())
    monkeypatch.setattr(Tx, "execute", noting)
    return noted


def test_every_question_about_a_queue_is_answered_by_its_index(tx: Tx, statements: list[tuple[str, Any]]) -> None:
    queue = work_queues.read_in_pool(tx, "pool", "default")
    statements.clear()
    found = work_pool_runs.find_scheduled(tx, "pool", None, scheduled_before=tx.now, scheduled_after=None, limit=9)
    assert len(found) == 1
    work_pool_runs.find_in_queue(tx, queue.id, scheduled_before=tx.now, limit=9)
    assert queue.work_pool_id
    work_pool_slots.active_by_pool(tx, [queue.work_pool_id])
    work_pool_slots.active_by_queue(tx, [queue.id], with_cancelling=True)
    work_pool_slots.holders(tx, queue.id, limit=9)
    work_queue_references.count_late(tx, queue.id)
    work_queue_references.clear(tx, queue.id, limit=9)
    asked = [each for each in statements if "work_queue_id" in each[0]]
    assert len(asked) >= 7
    for sql, parameters in asked:
        plan = [row[3] for row in tx.execute(f"EXPLAIN QUERY PLAN {sql}", parameters)]
        about_runs = [step for step in plan if "flow_run" in step and "flow_run_state" not in step]
        assert any("ix_flow_run__work_queue" in step for step in about_runs), (sql, plan)
        assert not [step for step in about_runs if step.startswith("SCAN")], (sql, plan)
