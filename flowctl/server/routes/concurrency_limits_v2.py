"""Concurrency limits of the second generation: global ones, by name, with leases on their slots."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from flowctl.db.database import Tx
from flowctl.domain.concurrency_limits import (
    ConcurrencyLimitV2,
    ConcurrencyLimitV2Create,
    ConcurrencyLimitV2Update,
    ConcurrencyLimitWithLease,
    Decrement,
    GlobalConcurrencyLimit,
    Increment,
    IncrementWithLease,
    LeaseRenewal,
    LeaseReturn,
    LimitsQuery,
    MinimalConcurrencyLimit,
)
from flowctl.ops import concurrency_limits as ops
from flowctl.ops import concurrency_slots as slots
from flowctl.ops import leases
from flowctl.server.endpoint import Reply, Routes

LeaseId = Annotated[UUID, "422 if it is none"]
"""A path's part that is no id: Prefect answers 422 here, and 404 everywhere else."""

routes = Routes("/v2/concurrency_limits", tag="Concurrency Limits V2")


@routes.write("POST", "/", status=201)
def create_concurrency_limit_v2(tx: Tx, body: ConcurrencyLimitV2Create) -> ConcurrencyLimitV2:
    """Create a limit."""
    return ops.create(tx, body)


@routes.read("GET", "/{id_or_name}")
def read_concurrency_limit_v2(tx: Tx, id_or_name: str) -> GlobalConcurrencyLimit:
    """Get a limit by its id or name."""
    return ops.read(tx, id_or_name)


@routes.read("POST", "/filter")
def read_all_concurrency_limits_v2(tx: Tx, body: LimitsQuery) -> list[GlobalConcurrencyLimit]:
    """List limits by name."""
    return ops.find(tx, limit=body.limit, offset=body.offset)


@routes.write("PATCH", "/{id_or_name}")
def update_concurrency_limit_v2(tx: Tx, id_or_name: str, body: ConcurrencyLimitV2Update) -> None:
    """Set the fields that are sent."""
    ops.update(tx, id_or_name, body)


@routes.write("DELETE", "/{id_or_name}")
def delete_concurrency_limit_v2(tx: Tx, id_or_name: str) -> None:
    """Delete a limit."""
    ops.delete(tx, id_or_name)


@routes.write("POST", "/increment")
def bulk_increment_active_slots(tx: Tx, body: Increment) -> Reply[list[MinimalConcurrencyLimit]]:
    """Take slots of all the limits or of none."""
    taken = slots.increment(tx, body)
    return _locked(taken) if isinstance(taken, slots.Locked) else Reply(taken)


@routes.write("POST", "/increment-with-lease")
def bulk_increment_active_slots_with_lease(tx: Tx, body: IncrementWithLease) -> Reply[ConcurrencyLimitWithLease]:
    """Take slots of all the limits or of none, under a lease that runs out unless it is renewed."""
    taken = slots.increment_with_lease(tx, body)
    return _locked(taken) if isinstance(taken, slots.Locked) else Reply(taken)


@routes.write("POST", "/decrement")
def bulk_decrement_active_slots(tx: Tx, body: Decrement) -> list[MinimalConcurrencyLimit]:
    """Give slots back that were taken without a lease."""
    return slots.decrement(tx, body)


@routes.write("POST", "/decrement-with-lease")
def bulk_decrement_active_slots_with_lease(tx: Tx, body: LeaseReturn) -> None:
    """End a lease and give its slots back."""
    slots.decrement_with_lease(tx, body.lease_id)


@routes.write("POST", "/leases/{lease_id}/renew")
def renew_concurrency_lease(tx: Tx, lease_id: LeaseId, body: LeaseRenewal) -> Reply[None]:
    """Let a lease last longer."""
    if leases.renew(tx, lease_id, body.lease_duration):
        return Reply(None, status=204)
    gone: Any = {"detail": "Lease not found - it may have expired or been revoked"}
    return Reply(gone, status=410)


def _locked(outcome: slots.Locked) -> Reply[Any]:
    """423, with the seconds after which to ask again."""
    return Reply({"detail": outcome.detail}, status=423, headers={"Retry-After": str(outcome.retry_after_seconds)})
