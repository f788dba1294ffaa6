"""What people call things by: ids and unique prefixes of them, names, FLOW/DEPLOYMENT, `@last`, `@running` …"""

from __future__ import annotations

from flowctl.domain.errors import NotFound

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from sqlite3 import Cursor
    from typing import TypeAlias

    Execute: TypeAlias = Callable[[str, Sequence[object]], Cursor]

_SHOWN = 10
"""Candidates of an ambiguous reference that its message lists."""

_NEWEST = "ORDER BY coalesce(flow_run.start_time, flow_run.expected_start_time) DESC LIMIT 1"
# ix_flow_run__start; the plus keeps the planner away from the state index, which would have to sort

_SPECIAL = {
    "@last": f"SELECT id FROM flow_run WHERE start_time IS NOT NULL {_NEWEST}",
    "@last-failed": f"SELECT id FROM flow_run WHERE +state_type IN ('FAILED', 'CRASHED') {_NEWEST}",
    "@running": "SELECT id FROM flow_run WHERE state_type = 'RUNNING' ORDER BY start_time",
}


def runs(execute: Execute, reference: str) -> list[str]:
    """The ids of the flow runs that a reference names: one, or for `@running` all of them.

    Raises NotFound for none, and with candidates for a prefix or a name that several runs share.
    """
    if reference.startswith("@"):
        if reference not in _SPECIAL:
            raise NotFound(f"There is no {reference}.", remedy="use @last, @last-failed or @running")
        found = [row[0] for row in execute(_SPECIAL[reference], ())]
        if not found:
            raise NotFound(f"No run is {reference}.", remedy="flowctl runs ls")
        return found
    return [one(execute, "flow_run", reference)]


def one(execute: Execute, table: str, reference: str) -> str:
    """The id of the one row of a table that a reference names.  Raises NotFound, with candidates if it is ambiguous."""
    found = _matches(execute, table, reference)
    if len(found) == 1:
        return found[0][0]
    noun, command = _NOUNS[table]
    if not found:
        raise NotFound(f"{noun} {reference!r} not found.", remedy=command)
    more = "" if len(found) < _LIMIT else " or more"
    raise NotFound(
        f"{reference!r} is ambiguous: it fits {len(found)}{more} {noun.lower()}s.",
        candidates=[f"{id}  {name}" for id, name in found[:_SHOWN]],
        remedy="give more of the id",
    )


_NOUNS = {
    "flow_run": ("Flow run", "flowctl runs ls"),
    "flow": ("Flow", "flowctl flows ls"),
    "deployment": ("Deployment", None),
}

_LIMIT = 100
_PREFIX = 4
"""Characters of an id that it takes at least."""


def _matches(execute: Execute, table: str, reference: str) -> list[tuple[str, str]]:
    """Ids and names of up to `_LIMIT` rows with this id, this name or an id that begins so."""
    name = "flow.name || '/' || deployment.name" if table == "deployment" else f"{table}.name"
    select = f"SELECT {table}.id, {name} FROM {table}"
    if table == "deployment":
        select += " JOIN flow ON flow.id = deployment.flow_id"
    found: dict[str, str] = {}
    prefix = _id_prefix(reference)
    if prefix and len(prefix) == 36:
        return execute(f"{select} WHERE {table}.id = ?", (prefix,)).fetchall()
    if table == "deployment" and "/" in reference:
        flow_name, _, own_name = reference.partition("/")
        where, parameters = "flow.name = ? AND deployment.name = ?", (flow_name, own_name)
    else:
        where, parameters = f"{table}.name = ?", (reference,)
    found.update(execute(f"{select} WHERE {where} LIMIT {_LIMIT}", parameters))
    if prefix and len(prefix) >= _PREFIX:
        # "g" follows every character of an id: the index of the primary key serves the range
        where = f"{table}.id >= ? AND {table}.id < ? LIMIT {_LIMIT}"
        found.update(execute(f"{select} WHERE {where}", (prefix, prefix + "g")))
    return list(found.items())


def _id_prefix(reference: str) -> str:
    """The reference as the beginning of a stored id, or nothing if it cannot be one."""
    text = reference.lower()
    if len(text) == 32 and "-" not in text:
        text = f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"
    return text if all(character in "0123456789abcdef-" for character in text) else ""
