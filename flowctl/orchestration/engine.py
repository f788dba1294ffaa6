"""Decides on a transition: walks the rules, keeps the run's books, and says what is to be written.

A rule governs transitions from some types of state to some others.  Two things follow from "types":

* A rule is asked only if it governs the transition *as it was first proposed*, and only while the proposal still has
  its first type.  A rule that puts a FAILED in the place of a FAILED does not silence the rules after it; one that puts
  a SCHEDULED there does.  (Prefect calls a rule that is not asked "invalid".)
* What a rule wanted to happen besides (`then`, `change`) counts only if the type it left behind is the type that is
  decided on at the end.  (Prefect calls such an overtaken rule "fizzled", and it cleans up after itself; here nothing
  was done yet, only the draft of the run is put right.)

Bookkeeping runs when a state is left to write.  It sees the draft with all changes of the rules, also of those that
were overtaken, as Prefect's does; their fields are put back after it, last rule first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias, TypeVar

from flowctl.domain.flow_runs import FlowRun
from flowctl.domain.states import StateType
from flowctl.domain.task_runs import TaskRun
from flowctl.orchestration.effects import RUN_EFFECTS, Effect, RunEffect
from flowctl.orchestration.transition import Decision, Rule, Transition

R = TypeVar("R", bound=FlowRun | TaskRun)

Bookkeeping: TypeAlias = Callable[[Transition[R]], None]


@dataclass(slots=True)
class _Fired:
    """A rule that was asked, and what it left behind."""

    left: StateType | None
    effects: list[Effect | RunEffect]
    undo: dict[str, Any]


def decide(t: Transition[R], policy: Sequence[Rule[R]], bookkeeping: Sequence[Bookkeeping[R]]) -> Decision[R]:
    """Decide on the proposed state.

    t            used up by this call
    policy       rules, the strongest first
    bookkeeping  what every state that is written does to the run, in order
    """
    fired = [_ask(rule, t) for rule in _asked(t, policy)]
    if t.proposed is not None:
        for keep in bookkeeping:
            keep(t)
    effects = _applied(t.conditional, t.run)
    for step in reversed(fired):
        if step.left == t.proposed_type:
            effects += _applied(step.effects, t.run)
        else:
            _put_back(step.undo, t.run)
    if t.proposed is not None:
        t.run.state = t.proposed
    return Decision(
        status=t.status,
        reason=t.reason,
        delay_seconds=t.delay_seconds,
        initial=t.initial,
        state=t.proposed,
        run=t.run,
        effects=(*effects, *t.unconditional),
    )


def _asked(t: Transition[R], policy: Sequence[Rule[R]]) -> Iterator[Rule[R]]:
    """The rules to ask; lazily, because each answer decides about the next."""
    first = (t.initial_type, t.proposed_type)
    for rule in policy:
        if rule.governs(*first) and t.proposed_type == first[1]:
            yield rule


def _ask(rule: Rule[R], t: Transition[R]) -> _Fired:
    rule.check(t)
    fired = _Fired(t.proposed_type, t.conditional, t.undo)
    t.conditional, t.undo = [], {}
    return fired


def _applied(effects: list[Effect | RunEffect], run: FlowRun | TaskRun) -> list[Effect]:
    """Apply the effects that concern the run itself; returns the others."""
    others: list[Effect] = []
    for effect in effects:
        if isinstance(effect, RUN_EFFECTS):
            effect.apply(run)
        else:
            others.append(effect)
    return others


def _put_back(undo: dict[str, Any], run: FlowRun | TaskRun) -> None:
    for name, value in undo.items():
        setattr(run, name, value)
