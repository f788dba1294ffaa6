"""Concurrency limits: create, read, update and delete, of both generations of the API.

Limits on tags, the first generation, are limits named `tag:<tag>`.  Slots are taken and given back in
`concurrency_slots`.
"""

from __future__ import annotations

from uuid import UUID

from flowctl.db.database import Tx
from flowctl.db.tables import concurrency_limits as table
from flowctl.domain.concurrency_limits import (
    TAG_PREFIX,
    ConcurrencyLimit,
    ConcurrencyLimitCreate,
    ConcurrencyLimitV2,
    ConcurrencyLimitV2Create,
    ConcurrencyLimitV2Update,
    GlobalConcurrencyLimit,
)
from flowctl.domain.errors import INTEGRITY, Conflict, NotFound
from flowctl.ops import leases, lifecycle_events, pages


def create(tx: Tx, body: ConcurrencyLimitV2Create) -> ConcurrencyLimitV2:
    """Create a limit.  Raises Conflict if the name is taken."""
    limit = ConcurrencyLimitV2(
        id=tx.new_id(),
        created=tx.now,
        updated=tx.now,
        active=body.active,
        name=body.name,
        limit=body.limit,
        active_slots=body.active_slots,
        denied_slots=body.denied_slots,
        slot_decay_per_second=body.slot_decay_per_second,
    )
    return _insert(tx, limit)


def get(tx: Tx, id_or_name: UUID | str) -> ConcurrencyLimitV2:
    """A limit by its id, also as text, or by its name.  Raises NotFound."""
    id = _as_id(id_or_name)
    limit = table.get(tx, id) if id else table.by_name(tx, str(id_or_name))
    if limit is None:
        raise NotFound("Concurrency Limit not found")
    return limit


def read(tx: Tx, id_or_name: UUID | str) -> GlobalConcurrencyLimit:
    """A limit as it is shown.  Raises NotFound."""
    return _shown(get(tx, id_or_name))


def find(tx: Tx, *, limit: int | None, offset: int = 0) -> list[GlobalConcurrencyLimit]:
    """Some limits, ordered by name."""
    return [_shown(each) for each in table.page(tx, limit=pages.size(tx, limit), offset=offset)]


def update(tx: Tx, id_or_name: UUID | str, body: ConcurrencyLimitV2Update) -> None:
    """Set what is present in the body; `active_slots` also takes their slots from leases, which can still be renewed.

    Raises NotFound, and Conflict if the name is taken.
    """
    limit = get(tx, id_or_name)
    if None in body.values():
        raise Conflict(INTEGRITY)
    changes = {**body}
    if "active_slots" in body:
        table.drop_slots(tx, limit.id)
    taken = changes.pop("active_slots", limit.active_slots)
    table.set_taken(tx, limit.id, taken, **changes)  # pyright: ignore[reportArgumentType] - an int, checked at the edge
    _announce(tx, "updated", limit.id)


def delete(tx: Tx, id_or_name: UUID | str) -> None:
    """Delete a limit; leases lose their slots of it, but can still be renewed.  Raises NotFound."""
    _delete(tx, get(tx, id_or_name))


# -- limits on tags


def create_for_tag(tx: Tx, body: ConcurrencyLimitCreate) -> tuple[ConcurrencyLimit, bool]:
    """Create a limit on a tag, or set the number of the one that exists; also tells whether it is new."""
    name = TAG_PREFIX + body.tag
    existing = table.by_name(tx, name)
    if existing is not None:
        table.set_taken(tx, existing.id, existing.active_slots, limit=body.concurrency_limit)
        _announce(tx, "updated", existing.id)
        return read_by_tag(tx, body.tag), False
    limit = ConcurrencyLimitV2(id=tx.new_id(), created=tx.now, updated=tx.now, name=name, limit=body.concurrency_limit)
    return _of_tags(tx, [_insert(tx, limit)])[0], True


def read_tag_limit(tx: Tx, id: UUID) -> ConcurrencyLimit:
    """A limit on a tag by its id.  Raises NotFound, also for limits on something else."""
    limit = table.get(tx, id)
    if limit is None or limit.tag is None:
        raise NotFound("Concurrency limit not found")
    return _of_tags(tx, [limit])[0]


def read_by_tag(tx: Tx, tag: str) -> ConcurrencyLimit:
    """A limit on a tag by the tag.  Raises NotFound."""
    return _of_tags(tx, [_get_by_tag(tx, tag)])[0]


def find_tag_limits(tx: Tx, *, limit: int | None, offset: int = 0) -> list[ConcurrencyLimit]:
    """Some limits on tags, ordered by tag."""
    return _of_tags(tx, table.tag_page(tx, limit=pages.size(tx, limit), offset=offset))


def reset_tag(tx: Tx, tag: str, slot_override: list[UUID] | None = None) -> None:
    """Let nobody, or only these task runs, hold slots of a limit on a tag.  Raises NotFound.

    Prefect ends the leases without counting their slots as free again: those stay taken, by nobody, until
    `active_slots` is set.
    """
    limit = _get_by_tag(tx, tag)
    taken = limit.active_slots
    table.drop_slots(tx, limit.id, end_leases=True)
    table.set_taken(tx, limit.id, taken)
    for task_run_id in slot_override or ():
        holder: leases.Holder = ("task_run", task_run_id)
        if not leases.acquire(tx, [limit], lease_id=tx.new_id(), holder=holder):
            leases.take_over(tx, limit, tx.new_id(), holder)


def delete_tag_limit(tx: Tx, id: UUID) -> None:
    """Delete a limit by its id (of any kind, as Prefect does), and end the leases of it.  Raises NotFound."""
    limit = table.get(tx, id)
    if limit is None:
        raise NotFound("Concurrency limit not found")
    _delete(tx, limit, end_leases=True)


def delete_by_tag(tx: Tx, tag: str) -> None:
    """Delete a limit on a tag, and end the leases of it.  Raises NotFound."""
    _delete(tx, _get_by_tag(tx, tag), end_leases=True)


# -- inside


def _insert(tx: Tx, limit: ConcurrencyLimitV2) -> ConcurrencyLimitV2:
    table.insert(tx, limit)
    lifecycle_events.emit_concurrency_limit(tx, "created", limit)
    return limit


def _delete(tx: Tx, limit: ConcurrencyLimitV2, *, end_leases: bool = False) -> None:
    lifecycle_events.emit_concurrency_limit(tx, "deleted", limit)
    table.delete(tx, limit.id, end_leases=end_leases)


def _announce(tx: Tx, action: str, id: UUID) -> None:
    limit = table.get(tx, id)
    if limit is not None:
        lifecycle_events.emit_concurrency_limit(tx, action, limit)


def _get_by_tag(tx: Tx, tag: str) -> ConcurrencyLimitV2:
    limit = table.by_name(tx, TAG_PREFIX + tag)
    if limit is None:
        raise NotFound("Concurrency limit not found")
    return limit


def _of_tags(tx: Tx, limits: list[ConcurrencyLimitV2]) -> list[ConcurrencyLimit]:
    """Limits on tags as the first generation shows them, with the task runs that hold slots."""
    holders = table.task_run_holders(tx, [limit.id for limit in limits])
    return [
        ConcurrencyLimit(
            id=limit.id,
            created=limit.created,
            updated=limit.updated,
            tag=limit.tag or "",
            concurrency_limit=limit.limit,
            active_slots=holders[limit.id],
        )
        for limit in limits
    ]


def _shown(limit: ConcurrencyLimitV2) -> GlobalConcurrencyLimit:
    return GlobalConcurrencyLimit(
        id=limit.id,
        created=limit.created,
        updated=limit.updated,
        active=limit.active,
        name=limit.name,
        limit=limit.limit,
        active_slots=limit.active_slots,
        slot_decay_per_second=limit.slot_decay_per_second,
    )


def _as_id(text: UUID | str) -> UUID | None:
    if isinstance(text, UUID):
        return text
    try:
        return UUID(text)
    except ValueError:
        return None
