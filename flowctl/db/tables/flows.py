"""Table flow."""

from __future__ import annotations

from uuid import UUID

from flowctl.db.columns import JSON, TEXT, TIME, UUID_, Columns
from flowctl.db.database import Tx
from flowctl.domain.flows import Flow

FLOW = Columns(
    Flow,
    table="flow",
    id=UUID_,
    created=TIME,
    updated=TIME,
    name=TEXT,
    tags=JSON,
    labels=JSON,
)


def get(tx: Tx, id: UUID) -> Flow | None:
    """A flow by its id, or None."""
    return FLOW.by_id(tx, id)


def by_name(tx: Tx, name: str) -> Flow | None:
    """A flow by its name, or None."""
    return FLOW.one(tx, "WHERE flow.name = ?", (name,))


def insert(tx: Tx, flow: Flow) -> Flow:
    """Store a new flow.  Raises Conflict if the name is taken."""
    return FLOW.insert(tx, flow)


def update(tx: Tx, id: UUID, **changes: object) -> bool:
    """Set columns of a flow, and `updated`; tells whether it exists."""
    return FLOW.update(tx, id, updated=tx.now, **changes)


def delete(tx: Tx, id: UUID) -> bool:
    """Delete one flow, not its runs; tells whether it was there."""
    return FLOW.delete(tx, id)
