"""Which runs the rules of pruning take, and their deletion in bounded steps."""

from __future__ import annotations

from datetime import timedelta

import pytest
from aged_runs import Past
from support import Clock

from flowctl.db import maintenance
from flowctl.db.database import Database
from flowctl.domain.errors import Invalid
from flowctl.domain.states import StateCreate, StateType, completed
from flowctl.ops import pruning, set_state, steps
from flowctl.ops.pruning import Rules
from flowctl.ops.steps import ROWS_A_STEP

DAY = 86400.0


@pytest.fixture
def past(db: Database, clock: Clock) -> Past:
    return Past(db, clock)


def prune(db: Database, rules: Rules) -> pruning.Pruned:
    return steps.run(db, lambda tx: pruning.prune(tx, rules))


def planned(db: Database, rules: Rules) -> pruning.Plan:
    with db.read() as tx:
        return pruning.plan(tx, rules)


def test_by_age_all_that_hangs_on_a_run_goes(db: Database, past: Past) -> None:
    old, young = past.run(40), past.run(20)
    rules = Rules(older_than=30 * DAY)
    plan = planned(db, rules)
    assert (plan.runs, plan.task_runs, plan.log_lines, plan.flows, plan.is_estimate) == (1, 1, 2, 1, False)
    assert past.left() == {old, young}
    assert prune(db, rules).runs == 1
    assert past.left() == {young}
    assert past.rows() == {"flow_run": 1, "flow_run_state": 2, "task_run": 1, "task_run_state": 1, "log": 2}
    assert prune(db, rules).runs == 0


def test_what_has_not_ended_stays(db: Database, past: Past) -> None:
    going = past.run(400, end=None)
    paused = past.run(400, end=StateType.PAUSED)
    assert prune(db, Rules(older_than=DAY)).runs == 0
    assert past.left() == {going, paused}


def test_age_counts_from_the_end(db: Database, past: Past, clock: Clock) -> None:
    long = past.run(40, end=None)
    clock.now = past.now - timedelta(days=2)
    with db.write() as tx:
        set_state.set_flow_run_state(tx, long, completed(), force=True)
    clock.now = past.now
    assert prune(db, Rules(older_than=30 * DAY)).runs == 0
    assert prune(db, Rules(older_than=DAY)).runs == 1


def test_the_last_of_each_flow_stay(db: Database, past: Past) -> None:
    etl = [past.run(100 + number) for number in range(5)]
    report = [past.run(200 + number, flow="report") for number in range(2)]
    past.run(1, end=None)  # has not ended, and takes no place
    assert prune(db, Rules(older_than=30 * DAY, keep_last=3)).runs == 2
    assert {*etl[:3], *report} <= past.left()
    assert not past.left() & {*etl[3:]}


def test_a_count_alone(db: Database, past: Past) -> None:
    runs = [past.run(number) for number in range(6)]
    assert planned(db, Rules(keep_last=2)).runs == 4
    assert prune(db, Rules(keep_last=2)).runs == 4
    assert past.left() == {*runs[:2]}


def test_only_some_states(db: Database, past: Past) -> None:
    good = past.run(50)
    bad = past.run(50, end=StateType.FAILED)
    assert prune(db, Rules(older_than=DAY, states=("COMPLETED",))).runs == 1
    assert past.left() == {bad}
    assert prune(db, Rules(older_than=DAY, states=("Failed",))).runs == 1
    assert good not in past.left()


def test_size_takes_the_oldest_until_the_data_fits(db: Database, past: Past) -> None:
    runs = [past.run(100 - number, lines=400, tasks=0) for number in range(20)]
    with db.read() as tx:
        used = maintenance.room(tx).used
        empty = used / 3  # the schema, the indices
    rules = Rules(max_size=round((used + empty) / 2))
    plan = planned(db, rules)
    assert plan.is_estimate
    assert 0 < plan.runs < 20
    gone = prune(db, rules).runs
    assert 0 < gone < 20
    assert past.left() == {*runs[gone:]}
    with db.read() as tx:
        assert maintenance.room(tx).used <= (used + empty) / 2


def test_size_leaves_the_last_day_and_what_is_protected(db: Database, past: Past) -> None:
    old = [past.run(50 - number) for number in range(3)]
    young = past.run(0.5)
    assert prune(db, Rules(max_size=1, keep_last=2)).runs == 2
    assert past.left() == {old[2], young}
    assert prune(db, Rules(max_size=1)).runs == 1
    assert past.left() == {young}


def test_states_alone_are_no_rule() -> None:
    with pytest.raises(Invalid, match="Neither an age"):
        Rules(states=("COMPLETED",))


def test_rules_are_stored_and_read_again() -> None:
    rules = Rules(older_than=5.0, keep_last=3, states=("FAILED", "Cached"), max_size=9)
    assert Rules.from_json(rules.as_json()) == rules


def test_each_step_is_bounded_and_a_change_meanwhile_is_respected(db: Database, past: Past) -> None:
    large = past.run(60, lines=3 * ROWS_A_STEP)
    saved = past.run(50, lines=ROWS_A_STEP)
    work = None
    changes: list[int] = []
    while True:
        with db.write() as tx:
            before = tx.conn.total_changes
            try:
                if work is None:
                    work = pruning.prune(tx, Rules(older_than=DAY))
                    next(work)
                    set_state.set_flow_run_state(tx, saved, StateCreate(type=StateType.RUNNING), force=True)
                else:
                    work.send(tx)
            except StopIteration as end:
                pruned = end.value
                break
            finally:
                changes.append(tx.conn.total_changes - before)
    assert pruned.runs == 1
    assert max(changes) <= ROWS_A_STEP + 20
    assert len(changes) > 3
    assert past.left() == {saved}
    assert large != saved
