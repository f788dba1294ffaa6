"""A bench for orchestration: runs and states from a few words, facts from a dataclass, decisions without a database."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import pytest

from flowctl.domain.flow_runs import FlowRun, FlowRunPolicy
from flowctl.domain.orchestration import Client
from flowctl.domain.states import State, StateDetails, StateType
from flowctl.domain.task_runs import TaskRun, TaskRunPolicy
from flowctl.orchestration.bookkeeping import FLOW_BOOKKEEPING, TASK_BOOKKEEPING
from flowctl.orchestration.engine import decide
from flowctl.orchestration.facts import DeploymentConcurrency, SlotLimit
from flowctl.orchestration.policies import CORE_FLOW, CORE_TASK
from flowctl.orchestration.transition import Decision, Transition
from flowctl.settings import OrchestrationSettings

NOW = datetime(2030, 1, 1, 12, tzinfo=UTC)
EARLIER = datetime(2030, 1, 1, 11, tzinfo=UTC)
DETAILS = {f.name for f in fields(StateDetails)}

StateSpec = State | str | tuple[str, dict[str, Any]] | None


@dataclass
class FakeFacts:
    """Facts as a test states them."""

    run_of_flow: FlowRun | None = None
    deployment: DeploymentConcurrency | None = field(default_factory=DeploymentConcurrency)
    limits: list[SlotLimit] = field(default_factory=list)
    leases: set[UUID] = field(default_factory=set)
    cached: dict[str, State] = field(default_factory=dict)

    def flow_run(self) -> FlowRun | None:
        return self.run_of_flow

    def deployment_concurrency(self, deployment_id: UUID) -> DeploymentConcurrency | None:
        return self.deployment

    def tag_limits(self, tags: Sequence[str]) -> list[SlotLimit]:
        return [limit for limit in self.limits if limit.tag in tags]

    def lease_exists(self, lease_id: UUID) -> bool:
        return lease_id in self.leases

    def cached_state(self, cache_key: str) -> State | None:
        return self.cached.get(cache_key)


class Bench:
    """Builds what a transition needs, and decides on it."""

    now = NOW
    earlier = EARLIER
    Facts = FakeFacts

    def state(self, spec: StateSpec, timestamp: datetime = EARLIER) -> State | None:
        """A state from a type, or a type and fields of the state and its details."""
        if spec is None or isinstance(spec, State):
            return spec
        name, given = (spec, {}) if isinstance(spec, str) else spec
        type = StateType(name)
        own = {key: value for key, value in given.items() if key not in DETAILS}
        details = StateDetails(**{key: value for key, value in given.items() if key in DETAILS})
        if type is StateType.SCHEDULED and details.scheduled_time is None:
            details.scheduled_time = timestamp
        own.setdefault("name", name.title())
        return State(id=uuid4(), type=type, timestamp=timestamp, state_details=details, **own)

    def flow_run(self, **given: Any) -> FlowRun:
        """A flow run; `policy` are fields of its empirical policy."""
        policy = FlowRunPolicy(**given.pop("policy", {}))
        return FlowRun(
            id=uuid4(), created=EARLIER, updated=EARLIER, name="run", flow_id=uuid4(), empirical_policy=policy, **given
        )

    def task_run(self, **given: Any) -> TaskRun:
        """A task run; `policy` are fields of its empirical policy."""
        policy = TaskRunPolicy(**given.pop("policy", {}))
        given.setdefault("flow_run_id", None)
        return TaskRun(
            id=uuid4(),
            created=EARLIER,
            updated=EARLIER,
            name="run",
            task_key="key",
            dynamic_key="0",
            empirical_policy=policy,
            **given,
        )

    def transition(self, run: Any, initial: StateSpec, proposed: StateSpec, **options: Any) -> Transition[Any]:
        """A transition ready to be decided on."""
        state = self.state(proposed, NOW)
        assert state is not None
        return Transition(
            run,
            self.state(initial),
            state,
            facts=options.get("facts") or FakeFacts(),
            now=NOW,
            config=options.get("config") or OrchestrationSettings(),
            new_id=uuid4,
            random=options.get("random") or random.Random(1),
            client=options.get("client") or Client(prefect_version="3.8.1"),
        )

    def flow(
        self,
        initial: StateSpec,
        proposed: StateSpec,
        policy: Any = CORE_FLOW,
        *,
        run: FlowRun | None = None,
        **options: Any,
    ) -> Decision[FlowRun]:
        """Decide on a flow run's transition."""
        transition = self.transition(run or self.flow_run(), initial, proposed, **options)
        return decide(transition, policy, FLOW_BOOKKEEPING)

    def task(
        self,
        initial: StateSpec,
        proposed: StateSpec,
        policy: Any = CORE_TASK,
        *,
        run: TaskRun | None = None,
        **options: Any,
    ) -> Decision[TaskRun]:
        """Decide on a task run's transition."""
        transition = self.transition(run or self.task_run(), initial, proposed, **options)
        return decide(transition, policy, TASK_BOOKKEEPING)


@pytest.fixture(scope="session")
def bench() -> Bench:
    return Bench()
