"""Tables concurrency_limit_v2, concurrency_lease and concurrency_slot.

Slots are rows that belong to a lease, or for those taken by name a number in the limit's row; how many are taken is
counted.  Limits that leave this module have all of them in `active_slots`, after decay.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

from flowctl.db.columns import BOOL, FLOAT, INT, TEXT, TIME, UUID_, Columns
from flowctl.db.database import Tx
from flowctl.domain.concurrency_limits import TAG_PREFIX, ConcurrencyLease, ConcurrencyLimitV2

LIMIT = Columns(
    ConcurrencyLimitV2,
    table="concurrency_limit_v2",
    id=UUID_,
    created=TIME,
    updated=TIME,
    active=BOOL,
    name=TEXT,
    limit=INT,
    active_slots=INT,
    denied_slots=INT,
    slot_decay_per_second=FLOAT,
    avg_slot_occupancy_seconds=FLOAT,
)

LEASE = Columns(
    ConcurrencyLease,
    table="concurrency_lease",
    id=UUID_,
    created=TIME,
    expiration=TIME,
    slots=INT,
    holder_type=TEXT,
    holder_id=UUID_,
)


def get(tx: Tx, id: UUID) -> ConcurrencyLimitV2 | None:
    """A limit by its id, or None."""
    return _first(_counted(tx, LIMIT.rows(tx, "WHERE id = ?", (str(id),))))


def by_name(tx: Tx, name: str) -> ConcurrencyLimitV2 | None:
    """A limit by its name, or None."""
    return _first(by_names(tx, [name]))


def by_names(tx: Tx, names: Iterable[str]) -> list[ConcurrencyLimitV2]:
    """The limits of these names that exist, ordered by name."""
    wanted = sorted(set(names))
    if not wanted:
        return []
    return _counted(tx, LIMIT.rows(tx, f"WHERE name IN ({_marks(wanted)}) ORDER BY name", wanted))


def of_deployment(tx: Tx, deployment_id: UUID) -> ConcurrencyLimitV2 | None:
    """The limit of a deployment, or None."""
    where = "WHERE id = (SELECT concurrency_limit_id FROM deployment WHERE id = ?)"
    return _first(_counted(tx, LIMIT.rows(tx, where, (str(deployment_id),))))


def page(tx: Tx, *, limit: int, offset: int) -> list[ConcurrencyLimitV2]:
    """Some limits, ordered by name."""
    return _counted(tx, LIMIT.rows(tx, "ORDER BY name LIMIT ? OFFSET ?", (limit, offset)))


def tag_page(tx: Tx, *, limit: int, offset: int) -> list[ConcurrencyLimitV2]:
    """Some limits on tags, ordered by tag."""
    where = "WHERE name >= ? AND name < ? ORDER BY name LIMIT ? OFFSET ?"
    return _counted(tx, LIMIT.rows(tx, where, (TAG_PREFIX, "tag;", limit, offset)))  # ';' follows ':'


def insert(tx: Tx, limit: ConcurrencyLimitV2) -> ConcurrencyLimitV2:
    """Store a new limit; its slots belong to nobody.  Raises Conflict if the name is taken."""
    return LIMIT.insert(tx, limit)


def update(tx: Tx, id: UUID, **changes: object) -> None:
    """Set columns of a limit, and `updated`.  Raises Conflict if the name is taken."""
    LIMIT.update(tx, id, updated=tx.now, **changes)


def set_taken(tx: Tx, id: UUID, taken: int, **changes: object) -> None:
    """Let `taken` slots of a limit be taken from now on, with those that leases hold, and set other columns."""
    update(tx, id, active_slots=taken - leased_slots(tx, id), **changes)


def delete(tx: Tx, id: UUID, *, end_leases: bool = False) -> bool:
    """Delete a limit and, as `drop_slots` does, the slots that leases hold of it; tells whether it was there."""
    drop_slots(tx, id, end_leases=end_leases)
    return LIMIT.delete(tx, id)


def drop_slots(tx: Tx, limit_id: UUID, *, end_leases: bool = False) -> None:
    """Delete the slots of a limit that leases hold.

    Leases that hold nothing else live on if they run out: somebody renews them, and a flow run ends with its lease.

    end_leases  end these too
    """
    held = tx.execute("SELECT lease_id FROM concurrency_slot WHERE limit_id = ?", (str(limit_id),)).fetchall()
    tx.execute("DELETE FROM concurrency_slot WHERE limit_id = ?", (str(limit_id),))
    tx.executemany(
        """
        DELETE FROM concurrency_lease
        WHERE id = ? AND (? OR expiration IS NULL)
          AND NOT EXISTS (SELECT 1 FROM concurrency_slot WHERE lease_id = concurrency_lease.id)
        """,
        [(lease_id, end_leases) for (lease_id,) in held],
    )


# -- leases


def get_lease(tx: Tx, id: UUID) -> ConcurrencyLease | None:
    """A lease by its id, or None."""
    return LEASE.by_id(tx, id)


def insert_lease(tx: Tx, lease: ConcurrencyLease, limit_ids: Sequence[UUID]) -> None:
    """Store a lease and the slots that it holds."""
    LEASE.insert(tx, lease)
    tx.executemany(
        "INSERT INTO concurrency_slot (limit_id, lease_id, slots) VALUES (?, ?, ?)",
        [(str(limit_id), str(lease.id), lease.slots) for limit_id in limit_ids],
    )


def set_expiration(tx: Tx, id: UUID, expiration: datetime | None) -> bool:
    """Let a lease run out at another time, or never; tells whether it exists."""
    return LEASE.update(tx, id, expiration=expiration)


def delete_lease(tx: Tx, id: UUID) -> None:
    """Delete a lease and its slots."""
    tx.execute("DELETE FROM concurrency_slot WHERE lease_id = ?", (str(id),))
    LEASE.delete(tx, id)


def limits_of_lease(tx: Tx, id: UUID) -> list[ConcurrencyLimitV2]:
    """The limits of which a lease holds slots."""
    where = "WHERE id IN (SELECT limit_id FROM concurrency_slot WHERE lease_id = ?) ORDER BY name"
    return _counted(tx, LIMIT.rows(tx, where, (str(id),)))


def leases_held_by(tx: Tx, holder_id: UUID) -> list[ConcurrencyLease]:
    """The leases of one holder, oldest first."""
    return list(LEASE.rows(tx, "WHERE holder_id = ? ORDER BY created, rowid", (str(holder_id),)))


def limits_held_by(tx: Tx, holder_id: UUID) -> set[UUID]:
    """The ids of the limits of which one holder has slots."""
    rows = tx.execute(
        """
        SELECT concurrency_slot.limit_id
        FROM concurrency_lease
        JOIN concurrency_slot ON concurrency_slot.lease_id = concurrency_lease.id
        WHERE concurrency_lease.holder_id = ?
        """,
        (str(holder_id),),
    )
    return {UUID(limit_id) for (limit_id,) in rows}


def leases_of_task_runs(tx: Tx, flow_run_id: UUID) -> list[ConcurrencyLease]:
    """The leases that task runs of a flow run hold."""
    where = "WHERE holder_id IN (SELECT id FROM task_run WHERE flow_run_id = ?)"
    return list(LEASE.rows(tx, where, (str(flow_run_id),)))


def expired_leases(tx: Tx, *, limit: int) -> list[ConcurrencyLease]:
    """Leases that have run out, oldest first."""
    where = "WHERE expiration < ? ORDER BY expiration LIMIT ?"  # ix_concurrency_lease__expiration
    return list(LEASE.rows(tx, where, (TIME.encode(tx.now), limit)))


def leases_between(tx: Tx, after: datetime, until: datetime) -> list[ConcurrencyLease]:
    """Leases that run out after a time and until another."""
    where = "WHERE expiration > ? AND expiration <= ?"  # ix_concurrency_lease__expiration
    return list(LEASE.rows(tx, where, (TIME.encode(after), TIME.encode(until))))


def task_run_holders(tx: Tx, limit_ids: Sequence[UUID]) -> dict[UUID, list[UUID]]:
    """The task runs that hold a slot of each limit under a lease that has not run out."""
    ids = [str(id) for id in limit_ids]
    rows = tx.execute(
        f"""
        SELECT concurrency_slot.limit_id, concurrency_lease.holder_id
        FROM concurrency_slot
        JOIN concurrency_lease ON concurrency_lease.id = concurrency_slot.lease_id
        WHERE concurrency_slot.limit_id IN ({_marks(ids)})
          AND concurrency_lease.holder_type = 'task_run'
          AND (concurrency_lease.expiration IS NULL OR concurrency_lease.expiration > ?)
        ORDER BY concurrency_lease.created, concurrency_lease.rowid
        """,
        (*ids, TIME.encode(tx.now)),
    )
    holders: dict[UUID, list[UUID]] = {id: [] for id in limit_ids}
    for limit_id, holder_id in rows:
        holders[UUID(limit_id)].append(UUID(holder_id))
    return holders


# -- counting


def leased_slots(tx: Tx, limit_id: UUID) -> int:
    """Slots that leases hold of a limit."""
    return _leased(tx, [limit_id]).get(str(limit_id), 0)


def _counted(tx: Tx, limits: Iterable[ConcurrencyLimitV2]) -> list[ConcurrencyLimitV2]:
    """Add up the slots of each limit, as of now."""
    found = list(limits)
    leased = _leased(tx, [limit.id for limit in found]) if found else {}
    for limit in found:
        seconds = (tx.now - limit.updated).total_seconds()
        taken = limit.active_slots + leased.get(str(limit.id), 0)
        decayed = math.floor(min(taken, limit.slot_decay_per_second * seconds))
        limit.active_slots = max(0, taken - decayed)
    return found


def _leased(tx: Tx, ids: Sequence[UUID]) -> dict[str, int]:
    """Slots that leases hold of each limit."""
    rows = tx.execute(
        f"SELECT limit_id, sum(slots) FROM concurrency_slot WHERE limit_id IN ({_marks(ids)}) GROUP BY limit_id",
        [str(id) for id in ids],
    )
    return dict(rows.fetchall())


def _first(limits: list[ConcurrencyLimitV2]) -> ConcurrencyLimitV2 | None:
    return limits[0] if limits else None


def _marks(values: Sequence[object]) -> str:
    return ", ".join("?" * len(values))
