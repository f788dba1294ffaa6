"""What a health check finds in files that are broken on purpose."""

from __future__ import annotations

from uuid import UUID

import pytest
from aged_runs import Past
from support import Clock

from flowctl.db.database import Database
from flowctl.domain.logs import LogCreate
from flowctl.ops import health_check, log_search, logs, steps
from flowctl.ops.health_check import Problem


def problems(db: Database) -> list[Problem]:
    done: list[int] = []
    found = health_check.run(db, progress=done.append)
    assert sum(done) == health_check.CHECKS
    return found


@pytest.fixture
def past(db: Database, clock: Clock) -> Past:
    past = Past(db, clock)
    for number in range(3):
        past.run(number + 1)
    return past


def test_a_file_that_was_used_is_sound(db: Database, past: Past) -> None:
    assert problems(db) == []


@pytest.mark.parametrize(
    ("damage", "check", "table", "message"),
    [
        ("DELETE FROM flow", "reference", "flow_run", "flow_run.flow_id names a flow that is not there"),
        ("DELETE FROM task_run", "reference", "task_run_state", "names a task_run that is not there"),
        ("DELETE FROM flow_run_state WHERE type = 'COMPLETED'", "reference", "flow_run", "flow_run.state_id names"),
        (
            "UPDATE flow_run SET parent_task_run_id = 'x'",
            "reference",
            "flow_run",
            "parent_task_run_id names a task_run",
        ),
        ("UPDATE flow_run SET state_type = 'FAILED'", "state", "flow_run", "says another state"),
        ("UPDATE task_run SET state_name = 'Odd'", "state", "task_run", "says another state"),
        ("UPDATE flow_run SET state_timestamp = '2020-01-01 00:00:00.000000'", "history", "flow_run", "a later state"),
    ],
)
def test_damage_is_found_and_named(db: Database, past: Past, damage: str, check: str, table: str, message: str) -> None:
    with db.write() as tx:
        tx.execute(damage)
    found = [problem for problem in problems(db) if (problem.check, problem.table) == (check, table)]
    assert len(found) == 1
    assert message in found[0].message
    assert found[0].count == 3
    assert 0 < len(found[0].ids) <= 3


def test_many_are_counted_and_a_few_named(db: Database, past: Past) -> None:
    for number in range(10):
        past.run(number + 5)
    with db.write() as tx:
        tx.execute("UPDATE flow_run SET flow_id = 'gone'")
    (problem,) = problems(db)
    assert (problem.count, len(problem.ids)) == (13, health_check.EXAMPLES)


def test_a_broken_index_is_found_unless_the_check_is_quick(db: Database, past: Past) -> None:
    with db.write() as tx:
        tx.execute("PRAGMA writable_schema = ON")
        tx.execute(
            "UPDATE sqlite_master SET sql = replace(sql, '(timestamp)', '(name)') WHERE name = 'ix_log__timestamp'"
        )
        tx.execute("PRAGMA writable_schema = OFF")
    db.close()
    fresh = Database(db.path)
    assert {problem.check for problem in problems(fresh)} == {"structure"}
    assert health_check.run(fresh, quick=True, progress=lambda _: None) == []
    fresh.close()


def test_lines_that_the_index_of_messages_has_lost_are_found(db: Database, past: Past) -> None:
    with db.write() as tx:
        run = UUID(str(tx.scalar("SELECT id FROM flow_run")))
        line = LogCreate(name="demo", level=20, message="something", timestamp=tx.now, flow_run_id=run)
        logs.create(tx, [line] * 200)
    steps.run(db, log_search.fill)
    assert problems(db) == []
    with db.write() as tx:
        tx.execute("UPDATE log SET message = 'changed' WHERE position % 64 = 0")
    (problem,) = problems(db)
    assert (problem.check, problem.table, problem.count) == ("index", "log_search", 2)
    steps.run(db, lambda tx: log_search.fill(tx, anew=True))
    assert problems(db) == []
