"""Which rules are asked, and what remains of those that were overtaken."""

from __future__ import annotations

from uuid import uuid4

import pytest

from flowctl.domain.orchestration import SetStateStatus
from flowctl.domain.states import StateType, cancelled, failed, scheduled
from flowctl.orchestration.effects import KeepLease, MarkResuming, RenewLease
from flowctl.orchestration.engine import decide
from flowctl.orchestration.transition import rule

LEASE = uuid4()


def test_a_rule_is_asked_only_about_its_transitions(bench):
    asked = []

    @rule(from_states={StateType.RUNNING}, to_states={StateType.FAILED})
    def narrow(t):
        asked.append(t.initial_type)

    for initial, proposed in (("RUNNING", "FAILED"), ("PENDING", "FAILED"), ("RUNNING", "COMPLETED"), (None, "FAILED")):
        bench.flow(initial, proposed, (narrow,))
    assert asked == [StateType.RUNNING]


def test_a_rule_without_sets_is_asked_about_everything(bench):
    asked = []

    @rule()
    def wide(t):
        asked.append((t.initial_type, t.proposed_type))

    bench.flow(None, "PENDING", (wide,))
    bench.flow("RUNNING", "PAUSED", (wide,))
    assert asked == [(None, StateType.PENDING), (StateType.RUNNING, StateType.PAUSED)]


@pytest.mark.parametrize(
    ("answer", "is_asked"),
    [
        (lambda t: None, True),
        (lambda t: t.reject(failed("another of the same type"), "why"), True),
        (lambda t: t.reject(cancelled(), "why"), False),
        (lambda t: t.reject(None, "why"), False),
        (lambda t: t.wait(3, "why"), False),
        (lambda t: t.abort("why"), False),
    ],
    ids=["nothing", "same-type", "other-type", "no-state", "wait", "abort"],
)
def test_later_rules_are_asked_while_the_type_is_the_first_one(bench, answer, is_asked):
    asked = []

    @rule()
    def first(t):
        answer(t)

    @rule()
    def second(t):
        asked.append(1)

    bench.flow("RUNNING", "FAILED", (first, second))
    assert bool(asked) is is_asked


def test_effects_of_an_overtaken_rule_are_dropped_but_not_the_unconditional(bench):
    @rule()
    def first(t):
        t.then(KeepLease(lease_id=LEASE))
        t.always(RenewLease(lease_id=LEASE, seconds=5))
        t.then(MarkResuming())

    @rule()
    def second(t):
        t.reject(cancelled(), "overtaken")

    decision = bench.flow("RUNNING", "FAILED", (first, second))
    assert decision.effects == (RenewLease(lease_id=LEASE, seconds=5),)
    assert decision.run.empirical_policy.resuming is False


def test_effects_of_a_rule_that_rejects_stand_when_its_own_type_is_decided_on(bench):
    @rule()
    def reject(t):
        t.then(KeepLease(lease_id=LEASE))
        t.reject(scheduled(bench.now), "later")

    assert bench.flow("RUNNING", "FAILED", (reject,)).effects == (KeepLease(lease_id=LEASE),)


def test_effects_of_a_rule_that_leaves_no_state_stand(bench):
    @rule()
    def abort(t):
        t.then(KeepLease(lease_id=LEASE))
        t.abort("no")

    decision = bench.flow("RUNNING", "FAILED", (abort,))
    assert (decision.state, decision.effects) == (None, (KeepLease(lease_id=LEASE),))


def test_changes_are_seen_by_later_rules_and_bookkeeping_and_taken_back_when_overtaken(bench):
    seen = []

    @rule()
    def first(t):
        t.change(run_count=7)

    @rule()
    def second(t):
        seen.append(t.run.run_count)
        t.reject(cancelled(), "overtaken")

    transition = bench.transition(bench.flow_run(run_count=1), "RUNNING", "FAILED")
    decision = decide(transition, (first, second), (lambda t: seen.append(t.run.run_count),))
    assert seen == [7, 7]
    assert decision.run.run_count == 1


def test_the_run_that_was_given_is_not_touched(bench):
    run = bench.flow_run()
    decision = bench.flow("PENDING", "RUNNING", run=run)
    assert (run.run_count, run.state_type, run.start_time) == (0, None, None)
    assert (decision.run.run_count, decision.run.state) == (1, decision.state)


def test_a_later_answer_replaces_an_earlier_one(bench):
    @rule()
    def first(t):
        t.reject(failed("again"), "first")

    @rule()
    def second(t):
        t.wait(9, "second")

    decision = bench.flow("RUNNING", "FAILED", (first, second))
    assert (decision.status, decision.reason, decision.delay_seconds) == (SetStateStatus.WAIT, "second", 9)
    assert decision.state is None


def test_a_rule_is_named_after_its_function(bench):
    @rule()
    def some_rule(t):
        pass

    assert some_rule.name == "some_rule"
