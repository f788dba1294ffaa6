"""Table variable."""

from __future__ import annotations

from uuid import UUID

from flowctl.db.clauses import TRUE, Clause, Part, column, filtered, tags
from flowctl.db.columns import JSON, TEXT, TIME, UUID_, Columns, Rows
from flowctl.db.database import Tx
from flowctl.domain.variables import Variable, VariableFilter, VariableSort

VARIABLE = Columns(Variable, table="variable", id=UUID_, created=TIME, updated=TIME, name=TEXT, value=JSON, tags=JSON)


def get(tx: Tx, id: UUID) -> Variable | None:
    """A variable by its id, or None."""
    return VARIABLE.by_id(tx, id)


def by_name(tx: Tx, name: str) -> Variable | None:
    """A variable by its name, or None."""
    return VARIABLE.one(tx, "WHERE variable.name = ?", (name,))


def find(tx: Tx, filter: VariableFilter | None, sort: VariableSort, limit: int, offset: int) -> Rows[Variable]:
    """A page of variables."""
    found = _condition(filter)
    order = _ORDERS[sort]
    sql = f"WHERE {found.sql} ORDER BY variable.{order}, variable.rowid {order.split()[1]} LIMIT ? OFFSET ?"
    return VARIABLE.rows(tx, sql, (*found.parameters, limit, offset))


def names(tx: Tx) -> list[str]:
    """The names of all variables."""
    return [row[0] for row in tx.execute("SELECT name FROM variable ORDER BY name")]


def count(tx: Tx, filter: VariableFilter | None) -> int:
    """How many variables there are."""
    found = _condition(filter)
    return tx.scalar(f"SELECT count(*) FROM variable WHERE {found.sql}", found.parameters)


def insert(tx: Tx, variable: Variable) -> Variable:
    """Store a new variable.  Raises Conflict if the name is taken."""
    return VARIABLE.insert(tx, variable)


def update(tx: Tx, id: UUID, **changes: object) -> bool:
    """Set columns, and `updated`; tells whether it exists.  Raises Conflict if the new name is taken."""
    return VARIABLE.update(tx, id, updated=tx.now, **changes)


def delete(tx: Tx, id: UUID) -> bool:
    """Delete one; tells whether it was there."""
    return VARIABLE.delete(tx, id)


def _condition(filter: VariableFilter | None) -> Clause:
    return filtered(filter, _PARTS) if filter else TRUE


_PARTS: dict[str, Part] = {
    "id": column("variable.id"),
    "name": column("variable.name"),
    "tags": tags("variable.tags"),
}

_ORDERS = {
    VariableSort.CREATED_DESC: "created DESC",
    VariableSort.UPDATED_DESC: "updated DESC",
    VariableSort.NAME_DESC: "name DESC",
    VariableSort.NAME_ASC: "name ASC",
}
