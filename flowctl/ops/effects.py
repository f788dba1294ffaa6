"""Carries out what a transition causes besides its state: one small function for each kind of effect.

Effects that cause other transitions are in `transitions.py`, which can make them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flowctl.db.database import Tx
from flowctl.db.tables import concurrency_limits as limits
from flowctl.db.tables import task_run_state_cache
from flowctl.domain.concurrency_limits import TAG_PREFIX
from flowctl.domain.flow_runs import FlowRun
from flowctl.domain.task_runs import TaskRun
from flowctl.ops import leases
from flowctl.orchestration.effects import (
    AcquireSlots,
    InsertCachedState,
    KeepLease,
    ReleaseDeploymentSlot,
    ReleaseTagSlots,
    RenewLease,
)
from flowctl.orchestration.transition import Decision

AnyDecision = Decision[FlowRun] | Decision[TaskRun]


def acquire_slots(tx: Tx, effect: AcquireSlots, decision: AnyDecision) -> None:
    """Take one slot of each limit under the lease; the rule has seen that they are free."""
    found = [limit for id in effect.limit_ids if (limit := limits.get(tx, id))]
    holder = (effect.holder_type, effect.holder_id) if effect.holder_type and effect.holder_id else None
    leases.acquire(tx, found, lease_id=effect.lease_id, seconds=effect.seconds, holder=holder)


def renew_lease(tx: Tx, effect: RenewLease, decision: AnyDecision) -> None:
    """Let the lease last longer."""
    leases.renew(tx, effect.lease_id, effect.seconds)


def keep_lease(tx: Tx, effect: KeepLease, decision: AnyDecision) -> None:
    """Let the lease never run out."""
    leases.keep(tx, effect.lease_id)


def release_deployment_slot(tx: Tx, effect: ReleaseDeploymentSlot, decision: AnyDecision) -> None:
    """End the lease that the state named, or whatever else the run holds of its deployment's limit."""
    if isinstance(decision.run, FlowRun):
        leases.release_deployment_slot(tx, decision.run, effect.lease_id)


def release_tag_slots(tx: Tx, effect: ReleaseTagSlots, decision: AnyDecision) -> None:
    """End the task run's leases on limits of these tags."""
    on_tags = limits.by_names(tx, [TAG_PREFIX + tag for tag in effect.tags])
    leases.release_held(tx, effect.task_run_id, {limit.id for limit in on_tags})


def insert_cached_state(tx: Tx, effect: InsertCachedState, decision: AnyDecision) -> None:
    """Remember the state that was just written under its cache key."""
    if decision.state is not None:
        task_run_state_cache.insert(tx, effect.cache_key, effect.cache_expiration, decision.state.id)


PERFORM: dict[type, Callable[[Tx, Any, AnyDecision], None]] = {
    AcquireSlots: acquire_slots,
    RenewLease: renew_lease,
    KeepLease: keep_lease,
    ReleaseDeploymentSlot: release_deployment_slot,
    ReleaseTagSlots: release_tag_slots,
    InsertCachedState: insert_cached_state,
}
