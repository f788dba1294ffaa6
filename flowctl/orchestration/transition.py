"""Transition (what a rule sees and answers on) and Decision (what comes out)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from random import Random
from typing import Any, Generic, Protocol, TypeVar
from uuid import UUID

from flowctl.domain.flow_runs import FlowRun
from flowctl.domain.orchestration import Client, SetStateStatus
from flowctl.domain.states import State, StateCreate, StateType
from flowctl.domain.task_runs import TaskRun
from flowctl.domain.values import changed
from flowctl.orchestration.effects import Effect, RunEffect
from flowctl.orchestration.facts import Facts

R = TypeVar("R", bound=FlowRun | TaskRun)
R_co = TypeVar("R_co", bound=FlowRun | TaskRun, covariant=True)
R_contra = TypeVar("R_contra", bound=FlowRun | TaskRun, contravariant=True)


class Config(Protocol):
    """The settings that rules read; times in seconds (`settings.OrchestrationSettings` has them)."""

    @property
    def task_run_tag_concurrency_slot_wait_seconds(self) -> float: ...
    @property
    def deployment_concurrency_slot_wait_seconds(self) -> float: ...
    @property
    def initial_deployment_lease_duration(self) -> float: ...
    @property
    def max_cache_key_length(self) -> int: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision(Generic[R_co]):
    """The answer to a proposed state."""

    status: SetStateStatus
    reason: str | None = None
    delay_seconds: int | None = None
    """Of a WAIT."""
    initial: State | None
    state: State | None
    """The state to write; None leaves the run in `initial`."""
    run: R_co
    """The run as it is to be stored; it can differ from what it was without a state being written."""
    effects: tuple[Effect, ...] = ()


class Transition(Generic[R_co]):
    """A run, the state it is in, and the state that is proposed for it.

    Rules read the attributes and answer by calling `reject`, `wait`, `abort` or `propose`, `then` and `always`.
    `run` is a draft: `change` sets its fields for the rules and the bookkeeping that follow.
    """

    def __init__(
        self,
        run: R_co,
        initial: State | None,
        proposed: State,
        *,
        facts: Facts,
        now: datetime,
        config: Config,
        new_id: Callable[[], UUID],
        random: Random,
        client: Client | None = None,
    ) -> None:
        self._run: FlowRun | TaskRun = changed(run)
        self.initial = initial
        self.proposed: State | None = proposed
        self.facts = facts
        self.now = now
        self.config = config
        self.new_id = new_id
        self.client = client or Client()
        self.random = random
        self.status = SetStateStatus.ACCEPT
        self.reason: str | None = None
        self.delay_seconds: int | None = None
        self.conditional: list[Effect | RunEffect] = []
        """Effects of the rule at work, for `then`; the engine empties it between rules."""
        self.unconditional: list[Effect] = []
        self.undo: dict[str, Any] = {}
        """Fields that the rule at work changed, with their values before."""

    @property
    def run(self) -> R_co:
        """The draft of the run."""
        return self._run  # pyright: ignore[reportReturnType] - set once, in __init__

    @property
    def initial_type(self) -> StateType | None:
        """Type of the present state; None for a run without one."""
        return self.initial.type if self.initial else None

    @property
    def proposed_type(self) -> StateType | None:
        """Type of the state proposed by now; None when none is to be written."""
        return self.proposed.type if self.proposed else None

    # -- answers

    def reject(self, state: StateCreate | State | None, reason: str) -> None:
        """Put another state in the place of the proposed one, or with None leave the run as it is."""
        self.proposed = self.make(state) if isinstance(state, StateCreate) else state
        self._answer(SetStateStatus.REJECT, reason)

    def wait(self, delay_seconds: int, reason: str) -> None:
        """Write nothing, and let the client ask again after some seconds."""
        self.proposed = None
        self._answer(SetStateStatus.WAIT, reason)
        self.delay_seconds = delay_seconds

    def abort(self, reason: str) -> None:
        """Write nothing, and let the client stop."""
        self.proposed = None
        self._answer(SetStateStatus.ABORT, reason)

    def propose(self, state: State) -> None:
        """Go on with a changed state (another name, other details), the verdict as it is."""
        self.proposed = state

    def then(self, effect: Effect | RunEffect) -> None:
        """Cause this if the type of state that is proposed when the rule ends is the one that is decided on."""
        self.conditional.append(effect)

    def always(self, effect: Effect) -> None:
        """Cause this, whatever is decided."""
        self.unconditional.append(effect)

    def change(self, **fields: Any) -> None:
        """Set fields of the run; taken back if a later rule changes the type of the proposed state."""
        for name, value in fields.items():
            self.undo.setdefault(name, getattr(self._run, name))
            setattr(self._run, name, value)

    # -- helpers

    def make(self, state: StateCreate) -> State:
        """A state from a proposal, with a fresh id and the present time."""
        return state.at(self.now, self.new_id())

    def _answer(self, status: SetStateStatus, reason: str) -> None:
        self.status, self.reason, self.delay_seconds = status, reason, None


@dataclass(frozen=True, slots=True)
class Rule(Generic[R_contra]):
    """A function that may object to a transition, and the transitions it looks at."""

    check: Callable[[Transition[R_contra]], None]
    from_states: frozenset[StateType | None]
    to_states: frozenset[StateType | None]

    @property
    def name(self) -> str:
        """The function's name: Prefect's class name in snake_case."""
        return self.check.__name__

    def governs(self, initial: StateType | None, proposed: StateType | None) -> bool:
        """Whether the rule looks at transitions between these types."""
        return initial in self.from_states and proposed in self.to_states


ANY: frozenset[StateType | None] = frozenset({*StateType, None})
"""Every type, and no state at all."""


def rule(
    *,
    from_states: frozenset[StateType | None] | set[StateType] | frozenset[StateType] = ANY,
    to_states: frozenset[StateType | None] | set[StateType] | frozenset[StateType] = ANY,
) -> Callable[[Callable[[Transition[R]], None]], Rule[R]]:
    """Make a rule of a function; the sets default to all states, and none."""

    def wrap(check: Callable[[Transition[R]], None]) -> Rule[R]:
        return Rule(check, frozenset(from_states), frozenset(to_states))

    return wrap
