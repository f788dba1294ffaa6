"""Brings flow runs back out of the trash, with everything that went with them.

Links lead where they led if that still exists: to the parent, to subflow runs and to the deployment.  The last deleted
run comes first, so that a parent which was deleted before its subflow runs finds them again.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from flowctl.db.database import Tx
from flowctl.db.queries import trash_moves
from flowctl.db.tables import deployments, flow_runs, flows, task_runs
from flowctl.db.tables import trash as table
from flowctl.db.tables.trash import Entry
from flowctl.domain.errors import NotFound
from flowctl.domain.flows import Flow
from flowctl.domain.trash import Lost, LostPart, Restored
from flowctl.ops.steps import Steps
from flowctl.ops.trash import Budget, known_batch

_ENTRIES = 200
"""Runs of a batch that are looked up at once."""


def restore(
    tx: Tx, *, batch: UUID | None = None, ids: Sequence[UUID] | None = None, limit: int | None = None
) -> Steps[Restored]:
    """Bring runs back: a batch, some by their ids, or with neither what was deleted last; in bounded steps.

    limit  so many runs
    Raises NotFound if the batch is not in the trash, or nothing is.
    """
    if ids is None:
        batch = batch or table.last_batch(tx)
        if batch is None:
            raise NotFound("The trash is empty.", remedy="flowctl runs ls")
    answer = Restored(batch=batch if ids is None else None)
    todo = _Todo(tx, None if batch is None else known_batch(tx, batch), ids, answer)
    budget = Budget()
    while (entry := todo.next(tx)) is not None:
        if limit is not None and len(answer.restored) >= limit:
            answer.more = True
            break
        comes_back = True
        while comes_back and (found := table.last_part(tx, entry.position)):
            number, part = found
            changes: dict[str, object] = {}
            row = trash_moves.own_row(part)
            if row is not None and flow_runs.get(tx, UUID(entry.id)) is None:
                comes_back = _adapt(tx, entry, row, changes, answer)
            if comes_back:
                budget.left -= trash_moves.put_back(tx, part, changes)
                table.delete_part(tx, number)
                if budget.is_spent:
                    tx = yield budget.runs
                    budget.renew()
        if comes_back:
            table.forget_kept_log(tx, entry.id)
            table.delete(tx, entry.position)
            table.delete_batch_if_empty(tx, entry.batch)
            answer.restored.append(UUID(entry.id))
            budget.runs += 1
    return answer


class _Todo:
    """The runs that are to come back, the last deleted first."""

    def __init__(self, tx: Tx, batch: int | None, ids: Sequence[UUID] | None, answer: Restored) -> None:
        self._batch = batch
        self._entries: list[Entry] = []
        if ids is not None:
            found = [(id, table.entry(tx, str(id))) for id in dict.fromkeys(ids)]
            self._entries = sorted(entry for _, entry in found if entry is not None)
            answer.lost += [_not_there(id) for id, entry in found if entry is None]
        self._before = table.BEHIND_ALL

    def next(self, tx: Tx) -> Entry | None:
        if not self._entries and self._batch is not None:
            self._entries = table.last_entries(tx, self._batch, self._before, _ENTRIES)[::-1]
            if self._entries:
                self._before = self._entries[0].position
        return self._entries.pop() if self._entries else None


def _not_there(id: UUID) -> Lost:
    return Lost(id=id, name=None, what="run", detail=f"Flow run {id} is not in the trash.")


def _adapt(tx: Tx, entry: Entry, row: dict[str, Any], changes: dict[str, object], answer: Restored) -> bool:
    """Find the columns of a run's row that have other values by now; False if the run cannot come back."""

    def lose(what: LostPart, detail: str) -> None:
        answer.lost.append(Lost(id=UUID(entry.id), name=entry.name, what=what, detail=detail))

    flow = _flow(tx, entry)
    if str(flow.id) != entry.flow_id:
        changes["flow_id"] = str(flow.id)
        lose("flow", f"Its flow was deleted; it belongs to the flow {flow.name!r} of today now.")
    key = row.get("idempotency_key")
    if key and flow_runs.by_idempotency_key(tx, flow.id, key):
        if row.get("auto_scheduled") and row.get("state_type") == "SCHEDULED":
            lose("run", "Its schedule has made another run for this time.")
            return False
        changes["idempotency_key"] = None
        lose("idempotency_key", "Another run has its idempotency key now.")
    changes["parent_task_run_id"] = entry.parent_task_run_id
    if entry.parent_task_run_id and task_runs.get(tx, UUID(entry.parent_task_run_id)) is None:
        changes["parent_task_run_id"] = None
        parent = table.entry(tx, entry.parent_run_id) if entry.parent_run_id else None
        if parent is not None:
            trash_moves.leave_link(tx, parent, entry.id, entry.parent_task_run_id)
        else:
            lose("parent", "The run that it was a subflow of is gone.")
    deployment = row.get("deployment_id")
    if deployment and not deployments.exists(tx, UUID(deployment)):
        changes["deployment_id"] = None
        lose("deployment", "Its deployment was deleted.")
    return True


def _flow(tx: Tx, entry: Entry) -> Flow:
    """The run's flow, the one that has its name by now, or the same one made anew."""
    id = UUID(entry.flow_id)
    name = entry.flow_name or entry.flow_id
    found = flows.get(tx, id) or flows.by_name(tx, name)
    return found or flows.insert(tx, Flow(id=id, created=tx.now, updated=tx.now, name=name))
