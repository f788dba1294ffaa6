"""What people call things by: ids and unique beginnings of them, names, FLOW/DEPLOYMENT, `@last`, `@running` …

Starts fast: only texts and SQL; `runs ls --flow etl` loads this module (DESIGN.md section 9).
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from sqlite3 import Cursor
    from typing import TypeAlias

    Execute: TypeAlias = Callable[[str, Sequence[object]], Cursor]


MOST = 100
"""Rows that are looked for; who wants one thing need not know more."""

PREFIX = 4
"""Characters of an id that it takes at least."""

_NEWEST = "ORDER BY coalesce(flow_run.start_time, flow_run.expected_start_time) DESC LIMIT 1"
# ix_flow_run__start; the plus keeps the planner away from the state index, which would have to sort

_SPECIAL = {
    "@last": f"SELECT id, name FROM flow_run WHERE start_time IS NOT NULL {_NEWEST}",
    "@last-failed": f"SELECT id, name FROM flow_run WHERE +state_type IN ('FAILED', 'CRASHED') {_NEWEST}",
    "@running": "SELECT id, name FROM flow_run WHERE state_type = 'RUNNING' ORDER BY start_time",
}

SPECIAL = tuple(_SPECIAL)
"""Words for flow runs by how they are doing."""


def find(execute: Execute, kind: str, reference: str) -> list[tuple[str, str]]:
    """Ids and names of the rows that a reference may mean: up to MOST, or all of a word of SPECIAL.

    kind  the table: flow_run, task_run, flow or deployment
    """
    if kind == "flow_run" and reference in _SPECIAL:
        return execute(_SPECIAL[reference], ()).fetchall()
    name = "flow.name || '/' || deployment.name" if kind == "deployment" else f"{kind}.name"
    select = f"SELECT {kind}.id, {name} FROM {kind}"
    if kind == "deployment":
        select += " JOIN flow ON flow.id = deployment.flow_id"
    prefix = id_prefix(reference)
    if len(prefix) == 36:
        return execute(f"{select} WHERE {kind}.id = ?", (prefix,)).fetchall()
    if kind == "deployment" and "/" in reference:
        flow_name, _, own_name = reference.partition("/")
        where, parameters = "flow.name = ? AND deployment.name = ?", (flow_name, own_name)
    else:
        where, parameters = f"{kind}.name = ?", (reference,)
    found: dict[str, str] = dict(execute(f"{select} WHERE {where} LIMIT {MOST}", parameters).fetchall())
    if len(prefix) >= PREFIX:
        # "g" follows every character of an id: the index of the primary key serves the range
        where = f"{kind}.id >= ? AND {kind}.id < ? LIMIT {MOST}"
        found.update(execute(f"{select} WHERE {where}", (prefix, prefix + "g")).fetchall())
    return list(found.items())


def id_prefix(reference: str) -> str:
    """The reference as the beginning of a stored id, or nothing if it cannot be one."""
    text = reference.lower()
    if len(text) == 32 and "-" not in text:
        text = f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"
    return text if all(character in "0123456789abcdef-" for character in text) else ""
