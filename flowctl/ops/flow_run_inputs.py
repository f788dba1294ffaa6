"""Inputs of flow runs: values that one side stores under a key and the other reads."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from flowctl.db.columns import Rows
from flowctl.db.database import Tx
from flowctl.db.tables import flow_run_inputs as table
from flowctl.db.tables import flow_runs
from flowctl.domain.errors import Conflict, Invalid, NotFound
from flowctl.domain.flow_runs import FlowRunInput

_KEY = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-")


def create(tx: Tx, flow_run_id: UUID, key: str, value: str, sender: str | None = None) -> FlowRunInput:
    """Store a value (JSON text).

    Raises Invalid for a key with other characters than letters, digits, `_` and `-` (Prefect answers 500),
    NotFound if the run is gone, Conflict if the key is taken.
    """
    if not _KEY.issuperset(key):
        entry = {"type": "value_error", "loc": ["body", "key"], "msg": "Letters, digits, underscores and dashes only."}
        raise Invalid(f"{key!r} is no key for an input.", entries=[entry])
    if not flow_runs.get(tx, flow_run_id):
        raise NotFound("Flow run not found")
    if table.by_key(tx, flow_run_id, key):
        raise Conflict("A flow run input with this key already exists.")
    return table.insert(
        tx,
        FlowRunInput(
            id=tx.new_id(),
            created=tx.now,
            updated=tx.now,
            flow_run_id=flow_run_id,
            key=key,
            value=value,
            sender=sender,
        ),
    )


def find(
    tx: Tx, flow_run_id: UUID, prefix: str, *, limit: int = 1, exclude_keys: Sequence[str] = ()
) -> Rows[FlowRunInput]:
    """Inputs whose key begins with `prefix`, oldest first."""
    return table.find(tx, flow_run_id, prefix, limit=limit, exclude_keys=exclude_keys)


def read(tx: Tx, flow_run_id: UUID, key: str) -> FlowRunInput:
    """One input.  Raises NotFound."""
    found = table.by_key(tx, flow_run_id, key)
    if found is None:
        raise NotFound("Flow run input not found")
    return found


def delete(tx: Tx, flow_run_id: UUID, key: str) -> None:
    """Delete one input.  Raises NotFound."""
    if not table.delete(tx, flow_run_id, key):
        raise NotFound("Flow run input not found")
