"""Facts: the questions that rules and bookkeeping may ask about the world outside the run.

Answers show the database as it was when the transaction began.  `db/facts.py` answers with queries, tests with a
dataclass.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol
from uuid import UUID

from flowctl.domain.flow_runs import FlowRun
from flowctl.domain.states import State

CollisionStrategy = Literal["ENQUEUE", "CANCEL_NEW"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SlotLimit:
    """A concurrency limit and how much of it is taken now."""

    id: UUID
    name: str
    limit: int
    active: bool = True
    active_slots: float = 0
    """Slots taken, after decay."""
    avg_slot_occupancy_seconds: float = 2.0
    is_held: bool = False
    """Whether the run that asks holds a slot of it already."""

    @property
    def tag(self) -> str:
        """The tag that a limit named `tag:<tag>` is about."""
        return self.name.removeprefix("tag:")

    @property
    def has_free_slot(self) -> bool:
        """Whether one more slot can be taken (Prefect: never of a limit that is switched off)."""
        return self.active and self.active_slots + 1 <= self.limit


@dataclass(frozen=True, slots=True, kw_only=True)
class DeploymentConcurrency:
    """How many runs of a deployment may be under way, and what happens to the next one."""

    limit: SlotLimit | None = None
    collision_strategy: CollisionStrategy | None = None
    """None: no options were given; runs then queue as with ENQUEUE."""
    grace_period_seconds: float | None = None
    """How long a new lease lasts; None: as the server is set."""


class Facts(Protocol):
    """What rules may ask."""

    def flow_run(self) -> FlowRun | None:
        """The flow run that a task run belongs to, with its state."""
        ...

    def deployment_concurrency(self, deployment_id: UUID) -> DeploymentConcurrency | None:
        """Of a deployment; None if it does not exist."""
        ...

    def tag_limits(self, tags: Sequence[str]) -> list[SlotLimit]:
        """The limits `tag:<tag>` that exist for these tags, also those switched off."""
        ...

    def lease_exists(self, lease_id: UUID) -> bool:
        """Whether a lease is still there; one that has run out is until it is collected."""
        ...

    def cached_state(self, cache_key: str) -> State | None:
        """The newest COMPLETED state cached under this key and not expired."""
        ...
