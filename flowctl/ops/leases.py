"""Slots of concurrency limits: taking them, by number or under a lease, and giving them back.

Limits that are passed in come from this transaction's reads and know how many of their slots are taken.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from datetime import timedelta
from typing import TypeAlias
from uuid import UUID

from flowctl.db.database import Tx
from flowctl.db.tables import concurrency_limits as table
from flowctl.domain.concurrency_limits import ConcurrencyLease, ConcurrencyLimitV2, HolderType
from flowctl.domain.flow_runs import FlowRun
from flowctl.ops import absences

MINIMUM_OCCUPANCY_SECONDS = 0.1
"""No slot counts as held for less."""

OCCUPANCY_SAMPLES = 2
"""The average occupancy is one over the last `limit` times this many."""

LEASES_A_BATCH = 100

Holder: TypeAlias = tuple[HolderType, UUID]


def acquire(
    tx: Tx,
    limits: Sequence[ConcurrencyLimitV2],
    slots: int = 1,
    *,
    lease_id: UUID | None = None,
    seconds: float | None = None,
    holder: Holder | None = None,
) -> bool:
    """Take slots of each limit, of all or of none; tells which.  Limits that are switched off give them freely.

    lease_id  take them under a new lease of this id; otherwise they are taken by number
    seconds   until the lease runs out; None: never
    """
    active = [limit for limit in limits if limit.active]
    if any(limit.active_slots + slots > limit.limit for limit in active):
        return False
    if lease_id is not None:
        lease = _lease(tx, lease_id, slots, seconds, holder)
        table.insert_lease(tx, lease, [limit.id for limit in active])
    for limit in active:
        _settle(tx, limit, limit.active_slots + slots)
    return True


def take_over(tx: Tx, limit: ConcurrencyLimitV2, lease_id: UUID, holder: Holder) -> None:
    """Let a lease without end hold one slot of those that are taken already."""
    table.insert_lease(tx, _lease(tx, lease_id, 1, None, holder), [limit.id])
    _settle(tx, limit, limit.active_slots)


def give_back(
    tx: Tx, limits: Sequence[ConcurrencyLimitV2], slots: int = 1, *, occupancy_seconds: float | None = None
) -> None:
    """Give back slots that were taken by number; what leases hold is theirs to give.

    occupancy_seconds  how long the slots were held; it moves the limit's average
    """
    for limit in limits:
        if limit.active:
            held_by_leases = table.leased_slots(tx, limit.id)
            taken = max(limit.active_slots - slots, min(limit.active_slots, held_by_leases))
            _settle(tx, limit, taken, occupancy_seconds=occupancy_seconds and occupancy_seconds / slots)


def release(tx: Tx, lease: ConcurrencyLease, *, counts_as_sample: bool = False) -> None:
    """End a lease and give its slots back.

    counts_as_sample  let the time it was held move the limits' average occupancy
    """
    limits = table.limits_of_lease(tx, lease.id)
    table.delete_lease(tx, lease.id)
    held_seconds = (tx.now - lease.created).total_seconds() / lease.slots if counts_as_sample else None
    for limit in limits:
        _settle(tx, limit, max(0, limit.active_slots - lease.slots), occupancy_seconds=held_seconds)


def release_held(tx: Tx, holder_id: UUID, limit_ids: Collection[UUID]) -> bool:
    """End those leases of a holder that hold slots of one of these limits; tells whether there were any."""
    held = [
        lease
        for lease in table.leases_held_by(tx, holder_id)
        if any(limit.id in limit_ids for limit in table.limits_of_lease(tx, lease.id))
    ]
    for lease in held:
        release(tx, lease)
    return bool(held)


def release_deployment_slot(tx: Tx, run: FlowRun, lease_id: UUID | None) -> None:
    """Give back the slot of its deployment's limit that a flow run holds.

    lease_id  the lease that its state names; a forced state may name none, then the run's own leases are searched.
              A slot that the run has taken without a lease is given back by number
    """
    lease = table.get_lease(tx, lease_id) if lease_id else None
    limit = table.of_deployment(tx, run.deployment_id) if run.deployment_id else None
    if lease is not None:
        release(tx, lease)
    elif limit is not None and not release_held(tx, run.id, {limit.id}):
        give_back(tx, [limit])


def renew(tx: Tx, lease_id: UUID, seconds: float) -> bool:
    """Let a lease run out that many seconds from now; tells whether it was still there."""
    return table.set_expiration(tx, lease_id, tx.now + timedelta(seconds=seconds))


def keep(tx: Tx, lease_id: UUID) -> None:
    """Let a lease never run out."""
    table.set_expiration(tx, lease_id, None)


def deny(tx: Tx, limits: Sequence[ConcurrencyLimitV2], slots: int) -> None:
    """Note that slots were asked for in vain."""
    for limit in limits:
        if limit.active:
            _settle(tx, limit, limit.active_slots, denied=slots)


def run_once(tx: Tx) -> int:
    """Collect leases that have run out, a bounded number; tells how many (Prefect: the Repossessor service)."""
    absences.notice(tx)
    expired = table.expired_leases(tx, limit=LEASES_A_BATCH)
    for lease in expired:
        release(tx, lease, counts_as_sample=True)
    return len(expired)


def longest_wait(tx: Tx, limit: ConcurrencyLimitV2) -> float:
    """Seconds that a client is told to wait at most for a slot of this limit."""
    settings = tx.settings.orchestration
    if limit.tag is not None:
        return settings.task_run_tag_concurrency_slot_wait_seconds
    return settings.maximum_concurrency_slot_wait_seconds


def _lease(tx: Tx, id: UUID, slots: int, seconds: float | None, holder: Holder | None) -> ConcurrencyLease:
    holder_type, holder_id = holder or (None, None)
    return ConcurrencyLease(
        id=id,
        created=tx.now,
        expiration=None if seconds is None else tx.now + timedelta(seconds=seconds),
        slots=slots,
        holder_type=holder_type,
        holder_id=holder_id,
    )


def _settle(
    tx: Tx, limit: ConcurrencyLimitV2, taken: int, *, denied: int = 0, occupancy_seconds: float | None = None
) -> None:
    """Write how many slots are taken, with everything that changes by time until now.

    Denied slots are forgotten at the rate at which slots become free.
    """
    seconds = (tx.now - limit.updated).total_seconds()
    occupancy = max(MINIMUM_OCCUPANCY_SECONDS, min(limit.avg_slot_occupancy_seconds, longest_wait(tx, limit)))
    rate = limit.slot_decay_per_second or 1 / occupancy
    denied += limit.denied_slots - math.floor(min(limit.denied_slots, rate * seconds))
    average = limit.avg_slot_occupancy_seconds
    if occupancy_seconds and limit.limit > 0:
        sample = max(occupancy_seconds, MINIMUM_OCCUPANCY_SECONDS)
        average += (sample - average) / (limit.limit * OCCUPANCY_SAMPLES)
    table.set_taken(tx, limit.id, taken, denied_slots=denied, avg_slot_occupancy_seconds=average)
    limit.active_slots, limit.denied_slots, limit.avg_slot_occupancy_seconds = taken, denied, average
    limit.updated = tx.now
