"""Slots of concurrency limits, as clients take them and give them back over the API.

Names without a limit are no limits: they hold nobody up.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from random import SystemRandom
from uuid import UUID

from flowctl.db.database import Tx
from flowctl.db.tables import concurrency_limits as table
from flowctl.domain.concurrency_limits import (
    TAG_PREFIX,
    ConcurrencyLimitV2,
    ConcurrencyLimitWithLease,
    Decrement,
    Increment,
    IncrementWithLease,
    MinimalConcurrencyLimit,
    TagSlots,
)
from flowctl.domain.errors import Invalid
from flowctl.domain.jitter import clamped_poisson_interval
from flowctl.ops import leases

_RANDOM = SystemRandom()
_LONGEST_WAIT_SECONDS = 365 * 86400.0
"""For slots that become free so slowly that it makes no difference."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Locked:
    """There are not enough slots; that they were asked for is noted."""

    detail: str = "Locked"
    retry_after_seconds: float | None = None
    """None: waiting does not help."""


def increment(tx: Tx, body: Increment) -> list[MinimalConcurrencyLimit] | Locked:
    """Take slots of all the limits, or of none, by number.

    Raises Invalid for more slots than a limit has, and for `rate_limit` on a limit without decay.
    source    Prefect: POST /v2/concurrency_limits/increment
    """
    limits = _possible_limits(tx, body)
    if leases.acquire(tx, limits, body.slots):
        return [_minimal(limit) for limit in limits]
    return _denied(tx, limits, body.slots)


def increment_with_lease(tx: Tx, body: IncrementWithLease) -> ConcurrencyLimitWithLease | Locked:
    """Take slots of all the limits, or of none, under a lease.

    Raises Invalid as `increment` does.
    source    Prefect: POST /v2/concurrency_limits/increment-with-lease
    """
    limits = _possible_limits(tx, body)
    lease_id = tx.new_id()
    holder = (body.holder.type, body.holder.id) if body.holder else None
    if leases.acquire(tx, limits, body.slots, lease_id=lease_id, seconds=body.lease_duration, holder=holder):
        return ConcurrencyLimitWithLease(lease_id=lease_id, limits=[_minimal(limit) for limit in limits])
    return _denied(tx, limits, body.slots)


def decrement(tx: Tx, body: Decrement) -> list[MinimalConcurrencyLimit]:
    """Give back slots that were taken by number; more than are taken is no error.

    source    Prefect: POST /v2/concurrency_limits/decrement
    """
    limits = table.by_names(tx, body.names)
    leases.give_back(tx, limits, body.slots, occupancy_seconds=body.occupancy_seconds)
    return [_minimal(limit) for limit in limits]


def decrement_with_lease(tx: Tx, lease_id: UUID) -> None:
    """End a lease and give its slots back; one that is gone is no error."""
    lease = table.get_lease(tx, lease_id)
    if lease is not None:
        leases.release(tx, lease, counts_as_sample=True)


def increment_tags(tx: Tx, body: TagSlots) -> list[MinimalConcurrencyLimit] | Locked:
    """Take a slot of each limit on these tags for a task run, until it gives them back.

    source    Prefect: POST /concurrency_limits/increment
    """
    found = {limit.tag: limit for limit in table.by_names(tx, [TAG_PREFIX + tag for tag in body.names])}
    limits = [found[tag] for tag in dict.fromkeys(body.names) if tag in found]
    for limit in limits:
        if limit.limit == 0:
            reason = (
                f'The concurrency limit on tag "{limit.tag}" is 0 and will deadlock if the task tries to run again.'
            )
            return Locked(detail=reason)
    limits = [limit for limit in limits if limit.active]
    for limit in limits:
        if limit.active_slots + 1 > limit.limit:
            wait = tx.settings.orchestration.task_run_tag_concurrency_slot_wait_seconds
            return Locked(
                detail=f"Concurrency limit for the {limit.tag} tag has been reached", retry_after_seconds=wait
            )
    if limits:
        leases.acquire(tx, limits, lease_id=tx.new_id(), holder=("task_run", body.task_run_id))
    return [MinimalConcurrencyLimit(id=limit.id, name=limit.tag or "", limit=limit.limit) for limit in limits]


def decrement_tags(tx: Tx, body: TagSlots) -> list[MinimalConcurrencyLimit]:
    """Give back the slots of limits on these tags that a task run holds; that it holds none is no error.

    source    Prefect: POST /concurrency_limits/decrement
    """
    limits = table.by_names(tx, [TAG_PREFIX + tag for tag in body.names])
    leases.release_held(tx, body.task_run_id, {limit.id for limit in limits})
    return [_minimal(limit) for limit in limits]


def _possible_limits(tx: Tx, body: Increment | IncrementWithLease) -> list[ConcurrencyLimitV2]:
    """The limits that the body names.  Raises Invalid if they could never give what it wants."""
    limits = table.by_names(tx, body.names)
    active = [limit for limit in limits if limit.active]
    if any(limit.limit < body.slots for limit in active):
        raise Invalid("Slots requested is greater than the limit")
    steady = [limit.name for limit in active if limit.slot_decay_per_second == 0]
    if body.mode == "rate_limit" and steady:
        raise Invalid(
            "Only concurrency limits with slot decay can be used for rate limiting. The following limits do not have "
            f"a decay configured: {','.join(steady)!r}"
        )
    return limits


def _denied(tx: Tx, limits: Sequence[ConcurrencyLimitV2], slots: int) -> Locked:
    retry_after_seconds = _wait_for(tx, limits, slots)
    leases.deny(tx, limits, slots)
    return Locked(retry_after_seconds=retry_after_seconds)


def _wait_for(tx: Tx, limits: Sequence[ConcurrencyLimitV2], slots: int) -> float:
    """Seconds until slots of the busiest limit may be free, spread so that those who wait do not come together.

    Each slot that was asked for in vain lately counts as one more in the way.
    """
    active = [limit for limit in limits if limit.active]
    in_the_way = {limit.id: _in_the_way(limit, slots) for limit in active}
    busiest = max(active, key=lambda limit: in_the_way[limit.id])
    if busiest.slot_decay_per_second > 0:
        average = min(in_the_way[busiest.id] / busiest.slot_decay_per_second, _LONGEST_WAIT_SECONDS)
    else:
        longest = leases.longest_wait(tx, busiest)
        average = min(min(busiest.avg_slot_occupancy_seconds, longest) * in_the_way[busiest.id], longest)
    return clamped_poisson_interval(average, _RANDOM)


def _in_the_way(limit: ConcurrencyLimitV2, slots: int) -> float:
    wanted = slots + limit.denied_slots
    return wanted if limit.slot_decay_per_second > 0 else wanted / limit.limit


def _minimal(limit: ConcurrencyLimitV2) -> MinimalConcurrencyLimit:
    return MinimalConcurrencyLimit(id=limit.id, name=limit.name, limit=limit.limit)
