"""Retention: forgets events, the trash and the logs of deleted flows after a while, and runs by the rules of the file.

A new file gets a rule at the first start of a server, which says so: runs that ended 90 days ago go.  A file that holds
older runs by then was imported or kept on purpose: its runs stay until its owner decides, and he is told so.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any, cast

from flowctl.db import maintenance
from flowctl.db.columns import encode_time
from flowctl.db.database import Tx
from flowctl.db.queries import deletion
from flowctl.db.queries import pruning as queries
from flowctl.db.tables import configurations
from flowctl.ops import events, pruning, trash
from flowctl.ops.pruning import Rules
from flowctl.ops.steps import ROWS_A_STEP, Steps

DEFAULT = Rules(older_than=90 * 86400.0)

_POLICY, _POSITION = "flowctl.retention", "flowctl.retention.position"

_WORTHWHILE = 0.25, 64_000_000
"""Free space is given back to the disk from this part of the file on, and from so many bytes on."""


@dataclass(frozen=True, slots=True)
class Policy:
    """What the file says about its runs.

    rules    those of pruning; None: runs stay until somebody deletes them
    is_ours  nobody has chosen it
    """

    rules: Rules | None
    is_ours: bool


def read(tx: Tx) -> Policy | None:
    """The policy; None if no server has started on the file and nobody has chosen one."""
    stored = cast("dict[str, Any] | None", configurations.get(tx, _POLICY))
    if stored is None:
        return None
    rules = stored["rules"]
    return Policy(None if rules is None else Rules.from_json(rules), stored["is_ours"])


def choose(tx: Tx, rules: Rules | None) -> None:
    """Let these rules hold from now on; None: runs stay until somebody deletes them."""
    _write(tx, rules, is_ours=False)


def introduce(tx: Tx) -> str | None:
    """Give a file that has no policy one; returns the sentence in which its owner is told, or None."""
    if read(tx) is not None:
        return None
    if queries.any_ended_before(tx, encode_time(tx.now - timedelta(seconds=DEFAULT.older_than or 0))):
        _write(tx, None, is_ours=True)
        return (
            "Nothing is deleted by itself: this file already has runs that ended more than 90 days ago. "
            "`flowctl db retention --older-than 90d` changes that."
        )
    _write(tx, DEFAULT, is_ours=True)
    return (
        "Runs are deleted 90 days after their end. `flowctl db retention` shows and changes that; --off keeps them all."
    )


def suspend(tx: Tx) -> bool:
    """Before runs with a past are brought in: let runs stay, unless somebody has chosen rules; tells if that is new."""
    policy = read(tx)
    if policy is not None and (policy.rules is None or not policy.is_ours):
        return False
    _write(tx, None, is_ours=True)
    return True


def give_back(tx: Tx) -> Steps[int]:
    """Give all free space inside the file back to the disk, in bounded steps; returns the pages."""
    total = 0
    while pages := maintenance.give_back(tx):
        total += pages
        tx = yield pages
    return total


def run_once(tx: Tx) -> int:
    """Do a bounded part of what is to be forgotten; returns the rows deleted or looked at, 0 when all is done.

    source  Prefect: services/db_vacuum.py
    """
    expired = tx.now - timedelta(seconds=tx.settings.events_retention_period)
    return (
        events.delete_older_than(tx, expired, ROWS_A_STEP)
        or deletion.delete_orphaned_logs(tx, limit=ROWS_A_STEP)
        or _prune(tx)
        or _expire_trash(tx)
        or _give_back(tx)
    )


def _expire_trash(tx: Tx) -> int:
    """Forget some of what has been in the trash long enough, and the logs that outlived their runs for long enough."""
    policy = read(tx)
    return trash.expire(tx, policy.rules.older_than if policy and policy.rules else None)


def _prune(tx: Tx) -> int:
    """Delete some of the runs that are due; the file remembers how far it got, so that none is looked at in vain."""
    policy = read(tx)
    if policy is None or policy.rules is None:
        return 0
    start, rowid = cast("list[Any]", configurations.get(tx, _POSITION) or pruning.BEGINNING)
    rows, position = pruning.prune_some(tx, policy.rules, (start, rowid))
    if position is None:
        configurations.delete(tx, _POSITION)
    else:
        configurations.put(tx, _POSITION, list(position))
    return rows


def _give_back(tx: Tx) -> int:
    """Give some free space back to the disk, if there is much of it."""
    room = maintenance.room(tx)
    part, least = _WORTHWHILE
    return maintenance.give_back(tx) if room.is_incremental and room.free > max(room.size * part, least) else 0


def _write(tx: Tx, rules: Rules | None, *, is_ours: bool) -> None:
    configurations.put(tx, _POLICY, {"rules": rules and rules.as_json(), "is_ours": is_ours})
    configurations.delete(tx, _POSITION)
